"""JSON that others wrote: what is read can be written again."""

import pytest

from tcv_action.strict_json import loads


@pytest.mark.parametrize(
    "content",
    ['{"a": [1, 2.5, null, "\u540d"]}', b"\xef\xbb\xbf[]", '"\\ud83d\\ude00"', '"\\\\ud800"'],
)
def test_json_is_read(content: bytes | str) -> None:
    assert loads(content) is not None


@pytest.mark.parametrize(
    ("content", "flaw"),
    [
        ("NaN", "NaN"),
        ('{"a": -Infinity}', "-Infinity"),
        ("[1e999]", "1e999"),
        ('{"a": {"\\uD800": 1}}', "surrogates"),
        (b'["\\udc80"]', "surrogates"),
        (b'["\xed\xa0\x80"]', "decode"),
        (b"\xff", "decode"),
        ("[" * 100_000, "deep"),
        ("{", "Expecting"),
        (f"[{'9' * 5000}]", "digits"),
    ],
)
def test_what_cannot_be_written_again_is_refused(content: bytes | str, flaw: str) -> None:
    with pytest.raises(ValueError, match=flaw):
        loads(content)


def test_numbers_of_python_are_read_where_they_may_be() -> None:
    assert loads("[-Infinity, NaN]", finite=False) == ["-Infinity", "NaN"]
    with pytest.raises(ValueError, match="surrogates"):
        loads('"\\ud800"', finite=False)
