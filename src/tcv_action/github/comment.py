"""A pull request's one comment: made once, changed ever after.

A hidden marker tells it from all others. Jobs that run beside each other, and answers that are
lost, can make two of it: the oldest stays, and whoever comes next removes the rest.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from tcv_action.github.api import Api, Item
from tcv_action.github.refusal import ApiError

LIMIT = 65536
"""Characters that GitHub takes for a comment."""

_CUT = "\n\n_The rest was cut here: it is in the job's summary._"
_PAUSE = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A pull request of the repository `OWNER/NAME`; `subject` tells its comments apart."""

    repository: str
    number: int
    subject: str

    @property
    def marker(self) -> str:
        """The line that hides at the comment's start."""
        key = hashlib.sha256(self.subject.encode()).hexdigest()[:16]
        return f"<!-- tcv-action: {key} -->"

    @property
    def path(self) -> str:
        """Where the pull request's comments are: every pull request is an issue as well."""
        return f"/repos/{quote(self.repository)}/issues/{self.number}/comments"

    def of(self, comment: Item) -> str:
        """Where one comment is."""
        return f"/repos/{quote(self.repository)}/issues/comments/{comment['id']}"


def pull_request_number(event: Mapping[str, object]) -> int | None:
    """Return the number of the pull request that an event is about, if it is about one.

    Source: GitHub's webhook payloads of `pull_request` and `issue_comment`.
    """
    match event:
        case {"pull_request": {"number": int(number)}}:
            return number
        case {"issue": {"pull_request": {}, "number": int(number)}}:
            return number
        case _:
            return None


def put_comment(api: Api, place: Place, text: str) -> None:
    """Leave exactly one comment with this Markdown; raises ApiError."""
    body = _fitted(f"{place.marker}\n{text.strip()}")
    kept, *repeated = sorted(_existing(api, place) or _made(api, place, body), key=_age)
    if kept.get("body") != body:
        api.call("PATCH", place.of(kept), {"body": body})
    for comment in repeated:
        _remove(api, place.of(comment))


def _made(api: Api, place: Place, body: str) -> list[Item]:
    """Post the comment, and return all that are there then."""
    # GitHub may take a comment and not list it yet: then there is nothing to change.
    unlisted: list[Item] = [{"id": 0, "body": body}]
    lost = _posted(api, place, body)
    found = _existing(api, place)
    if found or lost is None:
        return found or unlisted
    if not api.wait(_PAUSE):
        raise lost
    api.call("POST", place.path, {"body": body})
    return _existing(api, place) or unlisted


def _posted(api: Api, place: Place, body: str) -> ApiError | None:
    """Post the comment; return the error where nobody knows whether that was done."""
    try:
        api.call("POST", place.path, {"body": body})
    except ApiError as error:
        if not error.outcome_unknown:
            raise
        return error
    return None


def _existing(api: Api, place: Place) -> list[Item]:
    """Return our comments: a stranger's is not ours, though it copies the marker."""
    marked = [one for one in api.pages(place.path) if _is_marked(one, place)]
    by_people = [one for one in marked if not _is_by_bot(one)]
    own = _own_login(api) if by_people else ""
    return [one for one in marked if one not in by_people or _login(one) == own != ""]


def _is_marked(comment: Item, place: Place) -> bool:
    return str(comment.get("body") or "").partition("\n")[0].strip() == place.marker


def _is_by_bot(comment: Item) -> bool:
    """Whether a job's token wrote it, or another app's."""
    match comment.get("user"):
        case {"type": "Bot"}:
            return True
        case _:
            return False


def _login(comment: Item) -> str:
    match comment.get("user"):
        case {"login": str(login)}:
            return login
        case _:
            return ""


def _own_login(api: Api) -> str:
    """Return whose the token is; empty for a job's token, which may not ask."""
    try:
        return str(api.get("/user").get("login") or "")
    except ApiError as error:
        if error.outcome_unknown:
            raise
        return ""


def _remove(api: Api, path: str) -> None:
    try:
        api.call("DELETE", path)
    except ApiError as error:
        # Another job was faster.
        if error.status != 404:
            raise


def _age(comment: Item) -> int:
    identity = comment.get("id")
    return identity if isinstance(identity, int) else 0


def _fitted(body: str) -> str:
    if len(body) <= LIMIT:
        return body
    kept = body[: LIMIT - len(_CUT)]
    return kept[: kept.rfind("\n")] + _CUT
