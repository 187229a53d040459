"""Digests: bytes are checked before the last of them is handed out."""

import io
from collections.abc import Callable
from typing import BinaryIO

import pytest

from tcv_action.errors import StoreError
from tcv_action.oci.digest import (
    CHUNK,
    HashingWriter,
    check,
    describe,
    hash_stream,
    is_digest,
    sha256,
    verified,
)

CONTENT = b"0123456789" * 1000
DESCRIPTOR = describe(CONTENT, "x")


def read_all(stream: BinaryIO) -> bytes:
    return stream.read()


def read_exactly(stream: BinaryIO) -> bytes:
    """Read as a reader does that knows the size and asks for no end."""
    return stream.read(len(CONTENT))


def read_slowly(stream: BinaryIO) -> bytes:
    return b"".join(iter(lambda: stream.read(7), b""))


READERS = [read_all, read_exactly, read_slowly]


@pytest.mark.parametrize("read", READERS)
def test_the_right_bytes_pass(read: Callable[[BinaryIO], bytes]) -> None:
    assert read(verified(io.BytesIO(CONTENT), DESCRIPTOR, "here")) == CONTENT


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "content", [CONTENT[:-1], CONTENT + b"x", CONTENT[:-1] + b"x", b"x" + CONTENT[1:], b""]
)
def test_the_wrong_bytes_do_not(read: Callable[[BinaryIO], bytes], content: bytes) -> None:
    with pytest.raises(StoreError, match="'here' gave") as caught:
        read(verified(io.BytesIO(content), DESCRIPTOR, "here"))

    assert DESCRIPTOR.digest in caught.value.what


def test_an_endless_stream_is_not_followed() -> None:
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            self.given += size
            return bytes(size)

    stream = Endless()

    with pytest.raises(StoreError):
        verified(stream, DESCRIPTOR, "here").read()  # type: ignore[arg-type]

    assert stream.given <= CHUNK


def test_check_gives_the_bytes_back() -> None:
    assert check(CONTENT, DESCRIPTOR, "here") == CONTENT
    with pytest.raises(StoreError, match="'here' gave 1 bytes"):
        check(b"x", DESCRIPTOR, "here")


def test_the_ways_to_hash_agree() -> None:
    writer = HashingWriter(io.BytesIO())
    writer.write(CONTENT[:10])
    writer.write(CONTENT[10:])

    assert (writer.digest, writer.size) == (DESCRIPTOR.digest, DESCRIPTOR.size)
    assert hash_stream(io.BytesIO(CONTENT), "x") == DESCRIPTOR


@pytest.mark.parametrize("text", ["sha256:" + "g" * 64, "sha256:" + "A" * 64, sha256(b"") + "\n"])
def test_what_is_no_digest(text: str) -> None:
    assert not is_digest(text)
