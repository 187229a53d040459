"""JSON that others wrote, as strictly as the standard has it: what is read can be written again."""

import json
import math
import re
from typing import NoReturn

_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def loads(content: bytes | str, *, finite: bool = True) -> object:
    """Read a document; unless `finite`, Python's NaN and Infinity become the text of their names.

    Raises ValueError where it is no JSON, is nested without end, or holds what Python would take
    and no other program: half of a character (`"\\ud800"`), a number that is not finite.
    """
    text = content if isinstance(content, str) else content.decode(json.detect_encoding(content))
    try:
        document = (_FINITE if finite else _PYTHONS).decode(text)
        if _HALF.search(text):
            # Only what cannot be encoded is half of a character; two halves make a whole one.
            json.dumps(document, ensure_ascii=False).encode()
    except RecursionError:
        message = "it is nested too deeply"
        raise ValueError(message) from None
    return document


def _no_constant(name: str) -> NoReturn:
    message = f"{name} is no number of JSON"
    raise ValueError(message)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        message = f"the number {text[:40]} is too large"
        raise ValueError(message)
    return number


_PYTHONS = json.JSONDecoder(parse_constant=str, parse_float=_finite)
_FINITE = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)
