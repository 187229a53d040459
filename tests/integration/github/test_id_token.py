"""A job's OIDC token, asked of a small server that checks what it is sent."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tcv_action.errors import StoreError
from tcv_action.github.workflow import id_token

TOKEN = "header.payload.signature"


class Provider(BaseHTTPRequestHandler):
    """GitHub's token service: the audience and the request's own token must be right."""

    def do_GET(self) -> None:
        if "audience=slow" in self.path:
            time.sleep(5)
        right = self.headers["Authorization"] == "Bearer request-token"
        known = "audience=sigstore" in self.path
        self.send_response(200 if right and known else 403)
        self.end_headers()
        self.wfile.write(json.dumps({"value": TOKEN} if right and known else {}).encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/token?api-version=2"
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", url)
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token")
        yield
        server.shutdown()


@pytest.mark.usefixtures("provider")
def test_token_comes_masked(capsys: pytest.CaptureFixture[str]) -> None:
    assert id_token("sigstore") == TOKEN
    assert capsys.readouterr().out == f"::add-mask::{TOKEN}\n"


@pytest.mark.usefixtures("provider")
def test_refusal_is_said() -> None:
    with pytest.raises(StoreError, match=r"(?s)'unknown'.*403"):
        id_token("unknown")


@pytest.mark.usefixtures("provider")
def test_wait_has_an_end() -> None:
    with pytest.raises(StoreError, match="no answer within"):
        id_token("slow", seconds=0.2)


def test_job_without_the_permission_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACTIONS_ID_TOKEN_REQUEST_URL", raising=False)
    with pytest.raises(StoreError) as refused:
        id_token("sigstore")
    assert "id-token: write" in refused.value.cause
