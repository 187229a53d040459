"""What the headers of a registry's answers say in numbers."""

_DIGITS = 10


def whole_number(text: str) -> int | None:
    """Return the decimal number that a header holds; None where it holds none."""
    # str.isdigit() alone takes digits that int() does not, and int() takes no more than 4300.
    return int(text[:_DIGITS]) if text.isascii() and text.isdigit() else None
