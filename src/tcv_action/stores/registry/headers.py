"""What the headers of a registry's answers say in numbers and times."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

_DIGITS = 10


def whole_number(text: str) -> int | None:
    """Return the decimal number that a header holds; None where it holds none."""
    # str.isdigit() alone takes digits that int() does not, and int() takes no more than 4300.
    return int(text[:_DIGITS]) if text.isascii() and text.isdigit() else None


def retry_after(headers: Mapping[str, str]) -> int | None:
    """Return how many seconds a registry asks to wait; None where it does not say.

    Source: RFC 9110, 10.2.3: a number of seconds, or a date.
    """
    text = headers.get("Retry-After", "")
    seconds = whole_number(text)
    return _seconds_until(text, headers.get("Date", "")) if seconds is None else seconds


def _seconds_until(then: str, now: str) -> int | None:
    """Return the seconds between two dates of one registry, whose clock need not be ours."""
    try:
        wait = parsedate_to_datetime(then) - parsedate_to_datetime(now)
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0, int(wait.total_seconds()))
