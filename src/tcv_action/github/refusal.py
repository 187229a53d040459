"""What GitHub's refusals and silences mean, as errors in three parts.

Source: GitHub's "Rate limits for the REST API" and "Troubleshooting the REST API".
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tcv_action.errors import StoreError

_SECONDARY_LIMIT = 60.0
_WITHOUT_ANSWER = 0


class ApiError(StoreError):
    """GitHub refused, failed, or gave no answer; `status` is 0 where none came."""

    def __init__(self, what: str, *, status: int, cause: str, next_step: str) -> None:
        super().__init__(what, cause=cause, next_step=next_step)
        self.status = status

    @property
    def outcome_unknown(self) -> bool:
        """Whether what was asked may have been done all the same."""
        return self.status == _WITHOUT_ANSWER or self.status >= 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer from 400 on to `asked`, such as `GET /user`; the headers' names are lower case."""

    asked: str
    status: int
    message: str
    headers: Mapping[str, str]

    def limit(self, now: float) -> float | None:
        """Return the seconds to wait where a rate limit is why; None where it is not."""
        if self.status not in {403, 429}:
            return None
        wanted = self.headers.get("retry-after", "")
        if wanted.isdigit():
            return max(float(wanted), 1.0)
        if self.headers.get("x-ratelimit-remaining") == "0":
            reset = self.headers.get("x-ratelimit-reset", "")
            # Nobody says when within that second.
            return max(float(reset) - now, 0.0) + 1.0 if reset.isdigit() else _SECONDARY_LIMIT
        limited = self.status == 429 or "rate limit" in self.message.lower()
        return _SECONDARY_LIMIT if limited else None

    def error(self) -> ApiError:
        """Say what was refused, why that usually is, and what to do."""
        cause, step = self._advice()
        words = f": {self.message}" if self.message else "."
        what = f"GitHub's API answers {self.asked!r} with {self.status}{words}"
        return ApiError(what, status=self.status, cause=cause, next_step=step)

    def _advice(self) -> tuple[str, str]:
        if self.limit(0.0) is not None:
            return "Too much was asked in a short time, with this token.", "Try again later."
        if self.status == 401:
            return "The token is wrong, or is no longer valid.", "Give another github-token."
        if self.status in {403, 404}:
            accepted = self.headers.get("x-accepted-github-permissions", "")
            permissions = f" It must have: {accepted}." if accepted else ""
            return (
                "It is not there, or the token may not do this.",
                f"Check the name, and the `permissions:` of the job.{permissions}",
            )
        if self.status >= 500:
            return "GitHub is in trouble.", "Try again later."
        return "GitHub does not take what was sent.", "Read what it says, and report a defect."


def silent(asked: str, error: Exception, url: str) -> ApiError:
    """Say that no answer came, or none that can be read."""
    root: BaseException = error
    while root.__cause__ or root.__context__:
        root = root.__cause__ or root.__context__ or root
    return ApiError(
        f"GitHub's API did not answer {asked!r}: {str(root) or type(root).__name__}",
        status=_WITHOUT_ANSWER,
        cause=f"{url!r} cannot be reached from here, or is no API of GitHub's.",
        next_step="Check GITHUB_API_URL and the network, and try again.",
    )


def unexpected(asked: str, value: object) -> ApiError:
    """Say that the answer is not what GitHub's description promises."""
    return ApiError(
        f"GitHub's API answers {asked!r} with {str(value)[:100]!r}, which it should not.",
        status=_WITHOUT_ANSWER,
        cause="The address is no API of GitHub's, or what was asked for has moved.",
        next_step="Check GITHUB_API_URL and the names.",
    )
