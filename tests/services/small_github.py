"""A small GitHub that remembers: a repository, comments of a pull request, versions of a package.

The mock made of GitHub's description checks requests and forgets them; this one keeps state.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Reply = tuple[int, Any]
POLL_SECONDS = 0.02
BOT = {"login": "github-actions[bot]", "type": "Bot"}


@dataclass(slots=True, kw_only=True)
class SmallGitHub:
    """What the server knows; `page` is how many items a page has at most.

    `login` is whose token signs in: empty for a job's token, which may not ask who it is.
    """

    url: str = ""
    page: int = 100
    login: str = ""
    repository: dict[str, Any] = field(default_factory=dict)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    versions: dict[int, dict[str, Any]] = field(default_factory=dict)
    organizations: set[str] = field(default_factory=set)
    next_number: int = 1000
    before_post: Callable[[], object] = lambda: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def comment(self, body: str, user: Mapping[str, str] = BOT) -> int:
        """Add a comment and return its number."""
        with self.lock:
            number = self.next_number = self.next_number + 1
            self.comments[number] = {"id": number, "body": body, "user": dict(user)}
            return number

    def add_version(self, digest: str, *tags: str, created: str) -> int:
        """Add a version of the package and return its number."""
        number = 500 + len(self.versions)
        self.versions[number] = {
            "id": number,
            "name": digest,
            "created_at": created,
            "metadata": {"package_type": "container", "container": {"tags": list(tags)}},
        }
        return number

    def answer(self, method: str, path: str, body: Any) -> Reply:
        """Do what is asked and return status and content."""
        for verb, pattern, reply in _ROUTES:
            match = re.fullmatch(pattern, path)
            if verb == method and match:
                return reply(self, match, body)
        return 404, {"message": "Not Found"}


def _repository(github: SmallGitHub, _match: re.Match[str], _body: Any) -> Reply:
    return 200, github.repository


def _user(github: SmallGitHub, _match: re.Match[str], _body: Any) -> Reply:
    if not github.login:
        return 403, {"message": "Resource not accessible by integration"}
    return 200, {"login": github.login, "type": "User"}


def _comments(github: SmallGitHub, _match: re.Match[str], _body: Any) -> Reply:
    return 200, [dict(one) for _, one in sorted(github.comments.items())]


def _post(github: SmallGitHub, _match: re.Match[str], body: Any) -> Reply:
    github.before_post()
    return 201, github.comments[github.comment(body["body"])]


def _patch(github: SmallGitHub, match: re.Match[str], body: Any) -> Reply:
    comment = github.comments.get(int(match[1]))
    if comment is None:
        return 404, {"message": "Not Found"}
    comment["body"] = body["body"]
    return 200, comment


def _delete_comment(github: SmallGitHub, match: re.Match[str], _body: Any) -> Reply:
    return (204, None) if github.comments.pop(int(match[1]), None) else (404, {})


def _versions(github: SmallGitHub, match: re.Match[str], _body: Any) -> Reply:
    if (match[1] == "orgs") != (match[2] in github.organizations):
        return 404, {"message": "Package not found."}
    return 200, [dict(one) for _, one in sorted(github.versions.items(), reverse=True)]


def _version(github: SmallGitHub, match: re.Match[str], _body: Any) -> Reply:
    version = github.versions.get(int(match[3]))
    return (200, version) if version else (404, {"message": "Package not found."})


def _delete_version(github: SmallGitHub, match: re.Match[str], _body: Any) -> Reply:
    version = github.versions.pop(int(match[3]), None)
    return (204, None) if version else (404, {"message": "Package not found."})


_PACKAGE = r"/(orgs|users)/([^/]+)/packages/container/[^/]+/versions"
_COMMENTS = r"/repos/[^/]+/[^/]+/issues"
_ROUTES: list[tuple[str, str, Callable[[SmallGitHub, re.Match[str], Any], Reply]]] = [
    ("GET", r"/user", _user),
    ("GET", r"/repos/[^/]+/[^/]+", _repository),
    ("GET", rf"{_COMMENTS}/\d+/comments", _comments),
    ("POST", rf"{_COMMENTS}/\d+/comments", _post),
    ("PATCH", rf"{_COMMENTS}/comments/(\d+)", _patch),
    ("DELETE", rf"{_COMMENTS}/comments/(\d+)", _delete_comment),
    ("GET", _PACKAGE, _versions),
    ("GET", rf"{_PACKAGE}/(\d+)", _version),
    ("DELETE", rf"{_PACKAGE}/(\d+)", _delete_version),
]


@contextmanager
def running_small_github() -> Iterator[SmallGitHub]:
    """Run the server on a loopback port until the block is left."""
    github = SmallGitHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(github))
    github.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), daemon=True)
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(github: SmallGitHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length) or b"null")
            parts = urlsplit(self.path)
            status, content = github.answer(self.command, parts.path, body)
            headers: dict[str, str] = {}
            if isinstance(content, list):
                content, headers = self.paged(content, parse_qs(parts.query))
            self.send(status, content, headers)

        def paged(
            self, items: list[Any], query: Mapping[str, list[str]]
        ) -> tuple[list[Any], dict[str, str]]:
            size = min(github.page, int(query.get("per_page", ["30"])[0]))
            page = int(query.get("page", ["1"])[0])
            more = len(items) > page * size
            link = f'<{github.url}/next?page={page + 1}>; rel="next"'
            return items[(page - 1) * size : page * size], {"link": link} if more else {}

        def send(self, status: int, content: Any, headers: Mapping[str, str]) -> None:
            data = b"" if content is None else json.dumps(content).encode()
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing: the state tells."""

    return Handler
