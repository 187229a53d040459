"""Group files: rewritten for any place, whatever stood in them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcv_action.errors import InputError
from tcv_action.triton.groups import PORTABLE, PathStyle, rewrite_group

KEY = "KEY"


def group(children: dict[str, object]) -> bytes:
    return json.dumps({"child_paths": children}).encode()


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("portable", ".triton/cache/KEY/k.cubin"),
        ("baked:/models/cache", "/models/cache/KEY/k.cubin"),
        ("baked:/models//cache/", "/models/cache/KEY/k.cubin"),
        ("baked:/", "/KEY/k.cubin"),
    ],
)
def test_children_get_the_paths_of_the_style(style: str, expected: str) -> None:
    prefix = PathStyle.parse(style).prefix

    content = rewrite_group(
        group({"k.cubin": "/warm/KEY/k.cubin"}), key=KEY, prefix=prefix, present={"k.cubin"}
    )

    assert content == b'{"child_paths": {"k.cubin": "%s"}}' % expected.encode()


def test_a_style_is_written_as_it_is_read() -> None:
    for text in ("portable", "baked:/models/cache"):
        assert str(PathStyle.parse(text)) == text


@pytest.mark.parametrize("text", ["", "baked", "baked:", "baked:x", "baked:/a/../b", "absolute"])
def test_other_styles_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="path style"):
        PathStyle.parse(text)


def test_triton_s_own_bytes_stay_as_they_are_at_their_own_place() -> None:
    children: dict[str, object] = {
        name: f"/c/KEY/{name}" for name in ("k.ttir", "k.cubin", "k.json")
    }

    assert rewrite_group(group(children), key=KEY, prefix="/c", present=children) == group(children)


@given(st.dictionaries(st.text(), st.one_of(st.none(), st.text(), st.integers())))
def test_only_children_that_are_there_survive(children: dict[str, object]) -> None:
    children["../../etc/passwd"] = "/etc/passwd"
    children["k.cubin"] = "/etc/passwd"

    content = rewrite_group(
        group(children), key=KEY, prefix=PORTABLE.prefix, present={"k.cubin", "k.json"}
    )

    paths = json.loads(content)["child_paths"]
    assert paths["k.cubin"] == ".triton/cache/KEY/k.cubin"
    assert paths.keys() <= {"k.cubin", "k.json"}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"{}", b'{"child_paths": []}', b"\xff", b'{"child_paths": {"\\udc00": 1}}'],
)
def test_a_broken_group_file_is_refused_by_its_entry(content: bytes) -> None:
    with pytest.raises(InputError, match="group file of the entry 'KEY'"):
        rewrite_group(content, key=KEY, prefix="/c", present=())
