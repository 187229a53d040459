"""Signing in to a registry: Basic, or a bearer token of the scope that the work needs.

Source: distribution's spec/auth/token.md and oauth.md.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import requests
from oras.auth.token import TokenAuth

from tcv_action.errors import StoreError
from tcv_action.stores.access import Credentials
from tcv_action.stores.registry.answers import body, refused

_CHALLENGE = re.compile(
    r'\b(bearer|basic)\s+((?:\w+=(?:"[^"]*"|[^\s,]+)(?:\s*,\s*)?)*)', re.IGNORECASE
)
_FIELD = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')
_SCOPE = re.compile(r"repository:(?P<name>.+):(?P<actions>[a-z*,]+)")
# What a header can hold. requests refuses other tokens too, but shows them in its error.
_TOKEN = re.compile(r"[!-~]+")
_CLIENT = "tcv-action"


class Fetch(Protocol):
    """Sends one request of the sign-in, without the sign-in's own header."""

    def __call__(
        self, method: str, url: str, *, headers: Mapping[str, str], fields: Mapping[str, str]
    ) -> requests.Response:
        """Send the fields in the query (GET) or in a form (POST)."""
        ...


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a 401 asks for."""

    scheme: str
    fields: Mapping[str, str]


def parse_challenge(header: str) -> Challenge | None:
    """Read a WWW-Authenticate header; a bearer challenge goes before a basic one."""
    challenges = [
        Challenge(
            scheme.lower(), {key: quoted or bare for key, quoted, bare in _FIELD.findall(text)}
        )
        for scheme, text in _CHALLENGE.findall(header)
    ]
    challenges.sort(key=lambda challenge: challenge.scheme != "bearer")
    return challenges[0] if challenges else None


class SignIn(TokenAuth):  # type: ignore[misc, no-any-unimported]  # oras has no type hints
    """The sign-in to one repository of one registry.

    `actions` are asked for from the start: a token that may only pull, sent again with a push, is
    refused by strict registries.
    """

    def __init__(
        self, credentials: Credentials | None, *, host: str, repository: str, actions: str
    ) -> None:
        super().__init__()
        self.host = host
        self._credentials = credentials
        self._repository = repository
        self._actions = actions
        self._basic: str | None = None
        if credentials and credentials.username:
            self.set_basic_auth(credentials.username, credentials.password)

    def get_auth_header(self) -> dict[str, str]:
        """Return the header that shows who asks; empty for an anonymous visit."""
        if self._basic is not None:
            return {"Authorization": f"Basic {self._basic}"}
        header: dict[str, str] = super().get_auth_header()
        return header

    def answer(self, header: str, fetch: Fetch, *, secure: bool, trusted: bool) -> bool:
        """Answer a challenge; return whether there is now something new to show.

        `trusted`: the challenge is about this repository, so its scope is right. Raises
        StoreError where the token service says no.
        """
        challenge = parse_challenge(header)
        self.token, self._basic = None, None
        if challenge is None:
            return False
        if challenge.scheme == "basic":
            self._basic = getattr(self, "_basic_auth", None)
            return self._basic is not None
        realm = _checked_realm(challenge, self.host, secure=secure)
        fields = {"service": challenge.fields.get("service", "")}
        fields["scope"] = self._scope(challenge.fields.get("scope", ""), trusted=trusted)
        self.token = self._token(realm, fields, fetch)
        return True

    def _scope(self, wanted: str, *, trusted: bool) -> str:
        match = _SCOPE.fullmatch(wanted) if trusted else None
        name = match["name"] if match else self._repository
        actions = self._actions.split(",")
        actions += [a for a in (match["actions"].split(",") if match else []) if a not in actions]
        return f"repository:{name}:{','.join(actions)}"

    def _token(self, realm: str, fields: Mapping[str, str], fetch: Fetch) -> str:
        fields = {key: value for key, value in fields.items() if value}
        refresh = self._credentials.identity_token if self._credentials else ""
        if refresh:
            grant = {"grant_type": "refresh_token", "refresh_token": refresh, "client_id": _CLIENT}
            response = fetch("POST", realm, headers={}, fields={**grant, **fields})
        else:
            basic = getattr(self, "_basic_auth", None)
            headers = {"Authorization": f"Basic {basic}"} if basic else {}
            response = fetch("GET", realm, headers=headers, fields=fields)
        if response.status_code != 200:
            raise refused(response, f"sign in to {self._repository!r}", self.host)
        return _read_token(response, self.host)


def _read_token(response: requests.Response, host: str) -> str:
    try:
        answer = json.loads(body(response))
        token = answer.get("token") or answer.get("access_token")
    except (ValueError, AttributeError, RecursionError):
        token = None
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        what = f"the sign-in service of {host!r} gave no token that can be used"
        raise StoreError(what, cause="It is in trouble, or is none.", next_step="Try again later.")
    return token


def _checked_realm(challenge: Challenge, host: str, *, secure: bool) -> str:
    """Return the address of the sign-in service, if a password may be sent there."""
    realm = challenge.fields.get("realm", "")
    scheme = _scheme(realm)
    if scheme not in {"http", "https"}:
        raise _astray(host, realm, "That is no whole address, with https:// and a host.")
    if secure and scheme != "https":
        unsafe = "That address is not protected by TLS, so a password would be readable on its way."
        raise _astray(host, realm, unsafe)
    return realm


def _scheme(url: str) -> str | None:
    """Return the scheme of an address that has a host; None where it is no such address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.scheme if parts.hostname else None


def _astray(host: str, realm: str, cause: str) -> StoreError:
    what = f"the registry {host!r} wants the sign-in sent to {realm!r}"
    return StoreError(what, cause=cause, next_step="Ask who runs the registry.")
