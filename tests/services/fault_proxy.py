"""A server that stands before another one, keeps what it was asked, and fails where it is told to."""

import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# How soon the end of a test is seen.
POLL_SECONDS = 0.02
HOP_BY_HOP = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


@dataclass(slots=True, kw_only=True)
class Rule:
    """What to answer instead: `times` requests that fit, or all of them where it is None.

    `drop` closes the connection without an answer; `carry_out` asks the real server first, so that
    the request took effect although its answer is lost.
    """

    method: str
    path: re.Pattern[str]
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    times: int | None = 1
    drop: bool = False
    carry_out: bool = False


@dataclass(slots=True, kw_only=True)
class FaultProxy:
    """The proxy's address, its rules, and every request so far."""

    url: str
    upstream: str
    rules: list[Rule] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def answer(self, method: str, path: str, **rule: Any) -> None:
        """Answer requests of that method, whose path fits the expression, as the rule says."""
        self.rules.append(Rule(method=method, path=re.compile(path), **rule))

    def requests(self, method: str, path: str = "") -> list[Asked]:
        """Return what was asked by that method below the path."""
        return [each for each in self.asked if each.method == method and path in each.path]

    def take(self, asked: Asked) -> Rule | None:
        """Note the request and return the first rule that fits, using it up."""
        self.asked.append(asked)
        for rule in self.rules:
            fits = rule.method == asked.method and rule.path.search(asked.path)
            if fits and rule.times != 0:
                rule.times = None if rule.times is None else rule.times - 1
                return rule
        return None


@contextmanager
def running_fault_proxy(upstream: str) -> Iterator[FaultProxy]:
    """Run a proxy before `upstream`, an address such as `http://127.0.0.1:5000`."""
    proxy = FaultProxy(url="", upstream=upstream.rstrip("/"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(proxy))
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(proxy: FaultProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            asked = Asked(
                method=self.command,
                path=self.path,
                headers=dict(self.headers),
                body=self.rfile.read(length),
            )
            rule = proxy.take(asked)
            if rule is None:
                self.send(*_forward(proxy.upstream, asked))
                return
            if rule.carry_out:
                _forward(proxy.upstream, asked)
            if rule.drop:
                self.close_connection = True
                return
            body = b"" if rule.body is None else json.dumps(rule.body).encode()
            self.send(rule.status, {"content-type": "application/json", **rule.headers}, body)

        def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing: the requests are kept."""

    return Handler


def _forward(upstream: str, asked: Asked) -> tuple[int, dict[str, str], bytes]:
    kept = {name: text for name, text in asked.headers.items() if name.lower() not in HOP_BY_HOP}
    request = urllib.request.Request(
        upstream + asked.path, data=asked.body or None, headers=kept, method=asked.method
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()
