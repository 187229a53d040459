"""Taking the compression off: all of the bytes, and none of a stream that is not whole."""

import gzip
import io
import random

import pytest
import zstandard

from tcv_action.errors import InputError
from tcv_action.oci.decompress import plain_pieces
from tcv_action.oci.media_types import Compression

NOISE = random.Random(1).randbytes(600)  # noqa: S311
TEXT = b"".join(b"ld.global %d;" % number for number in range(200))


def zstd(data: bytes, *, checksum: bool = True) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=checksum).compress(data)


def plain(data: bytes, compression: Compression = Compression.ZSTD) -> bytes:
    return b"".join(plain_pieces(io.BytesIO(data), compression))


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1 << 20, (1 << 20) + 1, 3 << 20])
def test_what_went_in_comes_out_in_pieces_of_a_mebibyte(size: int) -> None:
    data = (NOISE * (size // len(NOISE) + 1))[:size]

    pieces = list(plain_pieces(io.BytesIO(zstd(data)), Compression.ZSTD))

    assert b"".join(pieces) == data
    assert all(0 < len(piece) <= 1 << 20 for piece in pieces)


def test_frames_may_follow_one_another() -> None:
    skippable = b"\x50\x2a\x4d\x18\x04\0\0\0abcd"

    assert plain(zstd(TEXT) + skippable + zstd(NOISE, checksum=False)) == TEXT + NOISE


@pytest.mark.parametrize("checksum", [True, False])
@pytest.mark.parametrize("data", [TEXT, NOISE, bytes(300_000)], ids=["text", "noise", "zeros"])
def test_a_frame_that_is_cut_off_anywhere_is_refused(data: bytes, checksum: bool) -> None:
    whole = zstd(data, checksum=checksum)

    for size in range(1, len(whole)):
        with pytest.raises(InputError, match="cannot be decompressed"):
            plain(whole[:size])
        with pytest.raises(InputError, match="cannot be decompressed"):
            plain(zstd(NOISE) + whole[:size])


@pytest.mark.parametrize("rest", [b"x", b"garbage!", bytes(8)])
def test_a_frame_that_other_bytes_follow_is_refused(rest: bytes) -> None:
    with pytest.raises(InputError, match="cannot be decompressed"):
        plain(zstd(TEXT) + rest)


def test_a_gzip_stream_that_is_cut_off_anywhere_is_refused() -> None:
    whole = gzip.compress(TEXT)

    for size in range(len(whole)):
        with pytest.raises(InputError, match="cannot be decompressed"):
            plain(whole[:size], Compression.GZIP)
