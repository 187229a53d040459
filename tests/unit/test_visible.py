"""Text of strangers is seen, and does nothing."""

import json
import re

import pytest

from tcv_action.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\u001b[2J"),
        ("a\rb\0", r"a\u000db\u0000"),
        ("\x7f\x9b31m", r"\u007f\u009b31m"),
        ("\u202eevil\u2066", r"\u202eevil\u2066"),
        ("\u2028::x", r"\u2028::x"),
        ("half \ud800", r"half \ud800"),
        ("::set-output name=a::b", r":\u003aset-output name=a::b"),
        ("fine\n \u00a0::error::x", "fine\n \u00a0:\\u003aerror::x"),
        ("said ##[add-mask]a", r"said ##\u005badd-mask]a"),
    ],
)
def test_what_would_act_is_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(shown) == shown


@pytest.mark.parametrize("text", ["two\n\tlines", "kernel<é, 名>", "👩‍💻", "a::b", "# [x] ##", ""])
def test_ordinary_text_is_as_it_was(text: str) -> None:
    assert visible(text) == text


def test_json_keeps_its_values() -> None:
    value = {"a\x9b\u202e": ["::x", "\x1b[0m ##[group]", "\ud800", "back\\slash\x7f"]}
    text = visible(json.dumps(value, ensure_ascii=False, indent=2))

    assert json.loads(text) == value
    assert not re.search("##\\[|[\x7f-\x9f\u202e\ud800]", text)
