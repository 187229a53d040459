"""What is read from the headers of a registry's answers."""

import pytest

from tcv_action.stores.registry.headers import retry_after, whole_number


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("3", 3), ("9437184", 9437184)])
def test_a_number_is_read(text: str, number: int) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize("text", ["", "-1", "1.5", " 1", "1e3", "0x1", "\xb2", "\u0663", "soon"])
def test_what_is_no_number(text: str) -> None:
    assert whole_number(text) is None


@pytest.mark.parametrize("digits", [30, 5000])
def test_a_number_beyond_all_use_is_large(digits: int) -> None:
    assert whole_number("9" * digits) == 9_999_999_999


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        *(("3", 3), ("0", 0)),
        ("Sun, 22 Nov 2026 12:00:03 GMT", 3),
        ("Sunday, 22-Nov-26 12:00:03 GMT", 3),
        ("Sun, 22 Nov 2026 13:00:00 +0100", 0),
        ("Sun, 22 Nov 2026 11:59:00 GMT", 0),
    ],
)
def test_a_pause_is_read_by_number_and_by_date(header: str, seconds: int) -> None:
    now = "Sun, 22 Nov 2026 12:00:00 GMT"

    assert retry_after({"Date": now, "Retry-After": header}) == seconds


@pytest.mark.parametrize(
    ("header", "now"),
    [
        *(("soon", "Sun, 22 Nov 2026 12:00:00 GMT"), ("-1", "Sun, 22 Nov 2026 12:00:00 GMT")),
        *(
            ("", ""),
            ("Sun, 22 Nov 2026 12:00:03 GMT", ""),
            ("Sun, 22 Nov 2026 12:00:03 GMT", "now"),
        ),
        ("Sun, 22 Nov 2026 12:00:03 -0000", "Sun, 22 Nov 2026 12:00:00 GMT"),
        ("Sun, 22 Nov 99999 12:00:03 GMT", "Sun, 22 Nov 2026 12:00:00 GMT"),
        ("Sun, 22 Nov 2026 99:00:03 GMT", "Sun, 22 Nov 2026 12:00:00 GMT"),
        ("Sun, 22 Nov 2026 12:00:03 +9999999999999999", "Sun, 22 Nov 2026 12:00:00 GMT"),
    ],
)
def test_a_pause_that_cannot_be_known(header: str, now: str) -> None:
    assert retry_after({"Date": now, "Retry-After": header}) is None
