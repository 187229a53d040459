"""What is read from the headers of a registry's answers."""

import pytest

from tcv_action.stores.registry.headers import whole_number


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("3", 3), ("9437184", 9437184)])
def test_a_number_is_read(text: str, number: int) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize("text", ["", "-1", "1.5", " 1", "1e3", "0x1", "\xb2", "\u0663", "soon"])
def test_what_is_no_number(text: str) -> None:
    assert whole_number(text) is None


@pytest.mark.parametrize("digits", [30, 5000])
def test_a_number_beyond_all_use_is_large(digits: int) -> None:
    assert whole_number("9" * digits) == 9_999_999_999
