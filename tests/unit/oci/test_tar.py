"""Tar headers, read back with the standard library's tarfile and with tar's own rules."""

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcv_action.oci.tar import BLOCK, END, file_header, folder_header, padding
from tcv_action.oci.untar import read_tar

NAMES = st.lists(
    st.text(
        st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=120
    ).filter(lambda part: part not in {".", ".."}),
    min_size=1,
    max_size=4,
).map("/".join)


def archive(name: str, content: bytes) -> bytes:
    header = file_header(name, size=len(content), executable=True, mtime=7)
    return header + content + padding(len(content)) + END


@given(NAMES, st.binary(max_size=2000))
def test_any_name_and_content_is_read_back_by_tarfile_and_by_us(name: str, content: bytes) -> None:
    data = archive(name, content)

    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as reader:
        (member,) = reader.getmembers()
        stream = reader.extractfile(member)
        assert stream is not None
        assert (member.name, stream.read()) == (name, content)
        assert (member.mode, member.uid, member.gid, member.mtime) == (0o755, 0, 0, 7)
    (ours,) = ((one.name, b"".join(map(bytes, one.content))) for one in read_tar(iter([data])))
    assert ours == (name, content)


def test_a_folder_s_name_ends_with_a_slash() -> None:
    data = folder_header("io.triton.cache", mtime=0)

    assert data[:17] == b"io.triton.cache/\0"
    assert (data[100:107], data[156:157], data[257:265]) == (b"0000755", b"5", b"ustar\x0000")


@pytest.mark.parametrize("length", [99, 100, 101, 155, 234, 255])
def test_long_names_take_a_pax_header_only_where_ustar_has_no_room(length: int) -> None:
    name = f"io.triton.cache/{'K' * 52}/".ljust(length, "n")

    header = file_header(name, size=1, executable=False, mtime=0)

    fits = length - 69 <= 100
    assert len(header) == (BLOCK if fits else 3 * BLOCK)


def test_sizes_beyond_eleven_octal_digits_stand_in_a_pax_header() -> None:
    size = 9 << 30
    header = file_header("big", size=size, executable=False, mtime=0)

    with tarfile.open(fileobj=io.BytesIO(header), mode="r:", ignore_zeros=False) as reader:
        member = reader.next()
    assert member is not None
    assert member.size == size
