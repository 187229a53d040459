"""Gzip on threads: right bytes, the same ones whatever the threads, in bounded memory."""

import gzip
import io
import random
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcv_action.oci.gzip import ParallelGzip

MIB = 1 << 20


def compressed(pieces: list[bytes], *, threads: int = 2, depth: int = 4) -> bytes:
    sink = io.BytesIO()
    with ThreadPoolExecutor(threads) as pool:
        stream = ParallelGzip(sink, pool, depth=depth, observe=lambda _: None)
        for piece in pieces:
            stream.write(piece)
        stream.close()
    return sink.getvalue()


def noise(size: int) -> bytes:
    source = random.Random(1)  # noqa: S311
    return b"".join(source.choice((b"llir ", b"ptx", bytes(9))) for _ in range(size // 4))[:size]


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB + 17])
def test_what_goes_in_comes_out(size: int) -> None:
    data = noise(size)

    assert gzip.decompress(compressed([data])) == data


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 2 * MIB), max_size=4), st.integers(1, 5), st.integers(1, 6))
def test_neither_threads_nor_pieces_show_in_the_bytes(
    cuts: list[int], threads: int, depth: int
) -> None:
    data = noise(2 * MIB + 5)
    edges = [0, *sorted(cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges)]

    assert compressed(pieces, threads=threads, depth=depth) == compressed([data], threads=1)


def test_the_header_tells_no_time_and_no_system() -> None:
    assert compressed([b"x"])[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


def test_a_sink_that_fails_ends_the_writing() -> None:
    class Full:
        def write(self, data: bytes) -> None:
            if len(data) > 10:
                raise OSError(28, "No space left on device")

    with ThreadPoolExecutor(2) as pool:
        stream = ParallelGzip(Full(), pool, depth=2, observe=lambda _: None)
        with pytest.raises(OSError, match="No space"):
            stream.write(noise(4 * MIB))
