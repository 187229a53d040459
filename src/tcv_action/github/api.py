"""GitHub's REST API: one door for every call, with bounds for time, repeats and rate limits.

The one importer of PyGithub. Its own repeats are off: they send POST again as well, and wait as
long as GitHub says. Source: GitHub's "Best practices for using the REST API".
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from github import Auth, GithubException
from github.Requester import Requester

from tcv_action import __version__
from tcv_action.errors import InputError
from tcv_action.github.refusal import ApiError, Refusal, silent, unexpected

PUBLIC = "https://api.github.com"
_HEADERS = {
    "Accept": "application/vnd.github+json, application/json",
    "X-GitHub-Api-Version": "2022-11-28",
}
_PAGE = 100
_PAUSES = (1.0, 2.0, 4.0)

Item = Mapping[str, object]
"""An object of an answer, as JSON has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long GitHub may take, in seconds.

    `answer`: silence within one request. `failures`: all attempts of a call that fails. `waits`:
    all pauses of all calls together, those for rate limits included. `writes`: what GitHub wants
    between two requests that change something.
    """

    answer: int = 10
    failures: float = 15.0
    waits: float = 90.0
    writes: float = 1.0
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


class Answer(NamedTuple):
    """Headers, their names in lower case, and content."""

    headers: Mapping[str, str]
    content: object


class Api:
    """A signed-in connection to the API at `url`."""

    def __init__(self, token: str, *, url: str = "", patience: Patience | None = None) -> None:
        """Take the address that GITHUB_API_URL names, else github.com's; nothing is sent yet.

        Raises InputError for an address that is none.
        """
        self.url = (url or PUBLIC).rstrip("/")
        self._patience = patience or Patience()
        self._waited = 0.0
        self._requester = _requester(token, self.url, self._patience)

    def get(self, path: str) -> Item:
        """Return the object at a path such as `/repos/octo/project`; raises ApiError."""
        return _object(self.call("GET", path).content, path)

    def pages(self, path: str) -> Iterator[Item]:
        """Give every item of a list, page by page; raises ApiError."""
        seen: set[object] = set()
        page = 1
        while True:
            answer = self.call("GET", f"{path}?page={page}&per_page={_PAGE}")
            fresh = [one for one in _objects(answer.content, path) if one.get("id") not in seen]
            yield from fresh
            seen.update(one.get("id") for one in fresh)
            if 'rel="next"' not in answer.headers.get("link", "") or not fresh:
                return
            page += 1

    def call(self, verb: str, path: str, body: Item | None = None) -> Answer:
        """Send a request and return its answer.

        What is refused for a limit is sent again as soon as GitHub allows. What failed is sent
        again as well, but for POST: it may have been done. Raises ApiError.
        """
        begun = self._patience.clock()
        pauses = iter(_PAUSES)
        while True:
            try:
                return self._send(verb, path, body)
            except _FailedError as failed:
                pause = failed.limit
                if pause is None and verb != "POST" and failed.error.outcome_unknown:
                    pause = self._within(begun, next(pauses, None))
                if pause is None or not self.wait(pause):
                    raise failed.error from failed.__cause__

    def wait(self, seconds: float) -> bool:
        """Wait before another attempt; False, at once, where that would be too long."""
        if self._waited + seconds > self._patience.waits:
            return False
        self._waited += seconds
        self._patience.sleep(seconds)
        return True

    def _within(self, begun: float, pause: float | None) -> float | None:
        spent = self._patience.clock() - begun
        return pause if pause and spent + pause <= self._patience.failures else None

    def _send(self, verb: str, path: str, body: Item | None) -> Answer:
        content = None if body is None else dict(body)
        try:
            answer = self._requester.requestJsonAndCheck(
                verb, path, headers=dict(_HEADERS), input=content
            )
        except GithubException as error:
            refusal = _refusal(error, f"{verb} {path}")
            raise _FailedError(refusal.error(), refusal.limit(self._patience.clock())) from error
        # Those of requests are OSErrors; the others are how PyGithub takes answers that are no
        # JSON object, and ways that lead elsewhere.
        except (OSError, ValueError, TypeError, AttributeError, RuntimeError) as error:
            raise _FailedError(silent(f"{verb} {path}", error, self.url), None) from error
        return Answer(*answer)


class _FailedError(Exception):
    """One attempt failed; `limit` is how long to wait, where a rate limit is why."""

    def __init__(self, error: ApiError, limit: float | None) -> None:
        super().__init__(error.what)
        self.error = error
        self.limit = limit


def _requester(token: str, url: str, patience: Patience) -> Requester:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        what = f"GITHUB_API_URL is {url!r}, which is no address."
        raise InputError(what, next_step=f"Set it as GitHub does: {PUBLIC}.")
    return Requester(
        auth=Auth.Token(token),
        base_url=url,
        timeout=patience.answer,
        user_agent=f"tcv-action/{__version__}",
        per_page=_PAGE,
        verify=True,
        retry=0,
        pool_size=None,
        seconds_between_requests=0,
        seconds_between_writes=patience.writes,
    )


def _refusal(error: GithubException, asked: str) -> Refusal:
    message = error.data.get("message") if isinstance(error.data, dict) else None
    return Refusal(
        asked=asked,
        status=error.status,
        message=" ".join(str(message or "").split())[:300],
        headers=error.headers or {},
    )


def _object(value: object, path: str) -> Item:
    if not isinstance(value, dict):
        raise unexpected(path, value)
    return value


def _objects(value: object, path: str) -> list[Item]:
    if not isinstance(value, list):
        raise unexpected(path, value)
    return [_object(item, path) for item in value]
