"""A small registry that keeps to the distribution specification, and breaks where it is told to.

It records each request, verifies each digest, and wants a bearer token whose scope allows what is
asked, if it is told to.
"""

import hashlib
import io
import json
import re
import socket
import ssl
import struct
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_UPLOAD = re.compile(r"/v2/(?P<name>.+)/blobs/uploads/(?P<id>[0-9a-f-]*)")
_BLOB = re.compile(r"/v2/(?P<name>.+)/blobs/(?P<digest>sha256:[0-9a-f]{64})")
_MANIFEST = re.compile(r"/v2/(?P<name>.+)/manifests/(?P<reference>[^/]+)")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked, as it came over the wire."""

    method: str
    path: str
    headers: Mapping[str, str]
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def signed(self) -> bool:
        """Whether it showed a sign-in."""
        return "Authorization" in self.headers


@dataclass(kw_only=True)
class Fault:
    """Breaks the first `times` requests of that method whose path matches.

    `status` answers with it and with `body`; `hang` waits that many seconds; `reset_after` resets the connection
    after so many bytes of the request's body; `body_limit` cuts the answer's body there;
    `wrong_byte` changes the answer's first byte; `drip_headers` and `drip_body` are the seconds
    that each of their bytes takes.
    """

    method: str
    path: str
    times: int = 1
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    hang: float = 0.0
    reset_after: int | None = None
    body_limit: int | None = None
    wrong_byte: bool = False
    drip_headers: float = 0.0
    drip_body: float = 0.0


@dataclass(kw_only=True)
class FaultyRegistry:
    """A running registry: what it holds, what it was asked, how it should break."""

    host: str = ""
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    password: str | None = None
    refresh_token: str | None = None
    wants_token: bool = False
    upload_host: str = ""
    blob_host: str = ""
    only_chunks: bool = False
    smallest_chunk: int = 0
    names_digests: bool = True

    def asked(self, method: str, path: str = "") -> list[Request]:
        """Return the requests of that method whose path matches."""
        return [r for r in self.requests if r.method == method and re.search(path, r.path)]

    def fault_for(self, method: str, path: str) -> Fault | None:
        """Take the next fault that is due for this request."""
        for fault in self.faults:
            if fault.times > 0 and fault.method == method and re.search(fault.path, path):
                fault.times -= 1
                return fault
        return None


class _Dripping(io.BufferedIOBase):
    """Passes a byte at a time on to a stream."""

    def __init__(self, stream: io.BufferedIOBase, seconds: float) -> None:
        self._stream = stream
        self._seconds = seconds

    def write(self, data: "ReadableBuffer", /) -> int:
        for byte in bytes(data):
            self._stream.write(bytes([byte]))
            time.sleep(self._seconds)
        return len(bytes(data))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    registry: FaultyRegistry

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_PATCH = do_GET  # noqa: N815

    def _serve(self) -> None:
        self.fault = self.registry.fault_for(self.command, self.path)
        length = int(self.headers.get("Content-Length") or 0)
        assert "Transfer-Encoding" not in self.headers, "a body of unknown length"
        if self.fault and self.fault.reset_after is not None:
            self._record({})
            self._reset(self.fault.reset_after)
            return
        body = self.rfile.read(length)
        fields = {}
        if self.headers.get("Content-Type") == "application/x-www-form-urlencoded":
            fields = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        self._record(fields)
        if self.fault and self.fault.hang:
            time.sleep(self.fault.hang)
        if self.fault and self.fault.status:
            self._answer(self.fault.status, self.fault.body, dict(self.fault.headers))
        else:
            self._route(body, fields)

    def _record(self, fields: Mapping[str, str]) -> None:
        self.registry.requests.append(
            Request(method=self.command, path=self.path, headers=dict(self.headers), fields=fields)
        )

    def _reset(self, after: int) -> None:
        if after:
            self.rfile.read(after)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _route(self, body: bytes, fields: Mapping[str, str]) -> None:
        path = urlsplit(self.path).path
        if path == "/token":
            self._token({**self._query(), **fields})
        elif not self._allowed(path):
            self._challenge(path)
        elif path == "/v2/":
            self._answer(200)
        elif match := _UPLOAD.fullmatch(path):
            self._upload(match["name"], match["id"], body)
        elif match := _BLOB.fullmatch(path):
            self._blob(match["digest"])
        elif match := _MANIFEST.fullmatch(path):
            self._manifest(match["name"], match["reference"], body)
        else:
            self._answer(404)

    def _query(self) -> dict[str, str]:
        query = parse_qs(urlsplit(self.path).query)
        return {key: values[0] for key, values in query.items()}

    def _allowed(self, path: str) -> bool:
        if not self.registry.wants_token or path.startswith("/elsewhere/"):
            return True
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        scope = self.registry.tokens.get(token, "")
        if path == "/v2/":
            return bool(scope)
        name = path.removeprefix("/v2/").split("/blobs/")[0].split("/manifests/")[0]
        action = "pull" if self.command in {"GET", "HEAD"} else "push"
        return action in scope.removeprefix(f"repository:{name}:").split(",")

    def _challenge(self, path: str) -> None:
        scope = ',scope="repository:samalba/example:pull"' if path == "/v2/" else ""
        realm = f"http://{self.registry.host}/token"
        header = f'Bearer realm="{realm}",service="tests"{scope}'
        self._answer(401, b"{}", {"WWW-Authenticate": header})

    def _token(self, asked: Mapping[str, str]) -> None:
        refresh = self.registry.refresh_token
        if refresh is not None:
            known = self.command == "POST" and asked.get("refresh_token") == refresh
        else:
            known = self._knows_password()
        if not known or asked.get("service") != "tests":
            self._answer(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"no such user"}]}')
            return
        token = uuid.uuid4().hex
        self.registry.tokens[token] = asked["scope"]
        key = "access_token" if refresh else "token"
        self._answer(200, json.dumps({key: token}).encode())

    def _knows_password(self) -> bool:
        if self.registry.password is None:
            return True
        return self.headers.get("Authorization") == f"Basic {self.registry.password}"

    def _upload(self, name: str, identity: str, body: bytes) -> None:
        registry = self.registry
        if self.command == "POST":
            identity = str(uuid.uuid4())
            registry.uploads[identity] = b""
            self._go_on(name, identity)
        elif identity not in registry.uploads:
            self._answer(404)
        elif self._query().get("sig") != "a/b+c":
            self._answer(400, b'{"errors":[{"message":"the signature was changed"}]}')
        elif self.command == "PATCH":
            start = self.headers["Content-Range"].split("-")[0]
            assert int(start) == len(registry.uploads[identity]), "a chunk out of order"
            registry.uploads[identity] += body
            self._go_on(name, identity)
        elif body and registry.only_chunks:
            self._answer(413)
        else:
            content = registry.uploads.pop(identity) + body
            self._keep(self._query()["digest"], content)

    def _go_on(self, name: str, identity: str) -> None:
        host = self.registry.upload_host
        prefix = f"http://{host}" if host else ""
        location = f"{prefix}/v2/{name}/blobs/uploads/{identity}?sig=a%2Fb%2Bc"
        smallest = {"OCI-Chunk-Min-Length": str(self.registry.smallest_chunk)}
        self._answer(202, b"", {"Location": location, **smallest})

    def _keep(self, digest: str, content: bytes) -> None:
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
            self._answer(400, b'{"errors":[{"code":"DIGEST_INVALID","message":"digest invalid"}]}')
            return
        self.registry.blobs[digest] = content
        self._answer(201)

    def _blob(self, digest: str) -> None:
        content = self.registry.blobs.get(digest)
        if content is None:
            self._answer(404)
        elif self.registry.blob_host:
            self._answer(307, b"", {"Location": f"http://{self.registry.blob_host}{self.path}"})
        elif span := self.headers.get("Range"):
            start = int(span.removeprefix("bytes=").removesuffix("-"))
            self._answer(206, content[start:])
        else:
            self._answer(200, content)

    def _manifest(self, name: str, reference: str, body: bytes) -> None:
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        if self.command == "PUT":
            kept = (self.headers["Content-Type"], body)
            self.registry.manifests[f"{name}:{reference}"] = kept
            self.registry.manifests[f"{name}:{digest}"] = kept
            self._answer(201, b"", {"Docker-Content-Digest": digest})
            return
        found = self.registry.manifests.get(f"{name}:{reference}")
        if found is None:
            self._answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"unknown"}]}')
            return
        headers = {"Content-Type": found[0]}
        if self.registry.names_digests:
            digest = f"sha256:{hashlib.sha256(found[1]).hexdigest()}"
            headers["Docker-Content-Digest"] = digest
        self._answer(200, found[1], headers)

    def _answer(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        if self.fault and self.fault.drip_headers:
            self.wfile = _Dripping(self.wfile, self.fault.drip_headers)
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.fault and self.fault.wrong_byte and body:
            body = bytes([body[0] ^ 1]) + body[1:]
        if self.fault and self.fault.body_limit is not None:
            body = body[: self.fault.body_limit]
            self.close_connection = True
        if self.fault and self.fault.drip_body:
            self.wfile = _Dripping(self.wfile, self.fault.drip_body)
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, handler: type[_Handler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.failures: list[BaseException] = []

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        error = sys.exc_info()[1]
        # A client may hang up; anything else is a broken rule.
        if error is not None and not isinstance(error, ConnectionError | ValueError | ssl.SSLError):
            self.failures.append(error)


@contextmanager
def faulty_registry(certificate: Path | None = None) -> Iterator[FaultyRegistry]:
    """Run one on a free loopback port; at its end no client may have broken a rule.

    With a `certificate` (a PEM file that holds its key too) it speaks TLS.
    """
    registry = FaultyRegistry()
    handler = type("Handler", (_Handler,), {"registry": registry})
    server = _Server(handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    registry.host = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert not server.failures, server.failures
