"""The sign-in that docker's configuration holds, whole or damaged."""

import base64
import json
from pathlib import Path

import pytest

from tcv_action.errors import StoreError
from tcv_action.stores.access import Credentials, RegistryAccess
from tcv_action.stores.credentials import credentials_for

BASIC = base64.b64encode(b"u:p").decode()


def found(folder: Path, text: bytes) -> Credentials | None:
    (folder / "config.json").write_bytes(text)
    return credentials_for("ghcr.io", RegistryAccess(docker_config=folder))


@pytest.mark.parametrize("key", ["ghcr.io", "https://ghcr.io", "https://ghcr.io/v2/"])
def test_a_password_is_found(tmp_path: Path, key: str) -> None:
    text = json.dumps({"auths": {key: {"auth": BASIC}}}).encode()

    assert found(tmp_path, text) == Credentials(username="u", password="p")


def test_a_helper_that_is_there_signs_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = tmp_path / "docker-credential-tests"
    helper.write_text('#!/bin/sh\necho \'{"Username":"u","Secret":"p"}\'\n')
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    credentials = found(tmp_path, b'{"credHelpers":{"ghcr.io":"tests"}}')

    assert credentials == Credentials(username="u", password="p")


@pytest.mark.parametrize(
    "text",
    [
        *(
            b"",
            b"\n",
            b"{}",
            b'{"auths":{}}',
            b'{"auths":{"ghcr.io":{}}}',
            b'{"HttpHeaders":{"a":"b"}}',
        ),
        b'{"auths":{"docker.io":{"auth":"dTpw"}}}',
    ],
)
def test_without_a_sign_in_the_visit_is_anonymous(tmp_path: Path, text: bytes) -> None:
    assert found(tmp_path, text) is None


@pytest.mark.parametrize(
    "text",
    [
        *(b"[]", b"null", b'"auths"', b"{", b"auths: {}", b"\xff\xfe", b'{"auths":' + b"[" * 99999),
        *(b'{"auths":[1]}', b'{"auths":"x"}', b'{"auths":{"ghcr.io":1}}'),
        *(b'{"auths":{"ghcr.io":{"auth":5}}}', b'{"auths":{"ghcr.io":{"auth":"dQ=="}}}'),
        b'{"auths":{"ghcr.io":{"identitytoken":"\\ud800"}}}',
        *(b'{"credHelpers":{"ghcr.io":5}}', b'{"credHelpers":["ghcr.io"]}', b'{"credsStore":[1]}'),
    ],
)
def test_a_damaged_file_is_said(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(StoreError, match=r"sign-in for 'ghcr\.io'") as caught:
        found(tmp_path, text)

    assert "damaged" in caught.value.cause


@pytest.mark.parametrize(
    "answer", ["[]", '{"Username":"u"}', "no JSON", '{"Username":1,"Secret":[1]']
)
def test_a_helper_that_answers_nonsense_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    helper = tmp_path / "docker-credential-tests"
    helper.write_text(f"#!/bin/sh\necho '{answer}'\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    with pytest.raises(StoreError, match="cannot read the sign-in"):
        found(tmp_path, b'{"credHelpers":{"ghcr.io":"tests"}}')


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "config.json").mkdir()

    with pytest.raises(StoreError, match="Is a directory"):
        credentials_for("ghcr.io", RegistryAccess(docker_config=tmp_path))
