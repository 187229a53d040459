"""Gzip on several threads whose bytes do not depend on how many there are.

As pigz does it: fixed blocks, each deflated by itself with the 32 KiB before it as dictionary,
joined to one gzip member (RFC 1952). zlib-ng is chosen since its output was the same on every CPU
model tried; isal's differs with the CPU's features.
"""

import struct
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from zlib_ng import zlib_ng

_BLOCK = 1 << 20
_WINDOW = 1 << 15
_LEVEL = 3
# No name, no time, no extra flags; the system is 255, unknown.
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


class Sink(Protocol):
    """Takes the compressed bytes."""

    def write(self, data: bytes) -> object:
        """Add bytes at the end."""
        ...


class ParallelGzip:
    """Compresses what is written to it; holds `depth` MiB, however long the stream is.

    `observe` is given each block of the plain bytes, in order: for their digest.
    """

    def __init__(
        self,
        sink: Sink,
        pool: ThreadPoolExecutor,
        *,
        depth: int,
        observe: Callable[[memoryview], object],
    ) -> None:
        self._sink = sink
        self._pool = pool
        self._depth = depth
        self._observe = observe
        self._running: deque[Future[bytes]] = deque()
        self._block = bytearray(_BLOCK)
        self._filled = 0
        self._dictionary = b""
        self._checksum = 0
        self._size = 0
        sink.write(_HEADER)

    def write(self, data: bytes) -> None:
        """Add bytes to the stream."""
        view = memoryview(data)
        while view:
            room = self.room(len(view))
            room[:] = view[: len(room)]
            self.advance(len(room))
            view = view[len(room) :]

    def room(self, wanted: int) -> memoryview:
        """Return memory for up to `wanted` bytes: fill a front part, then call `advance`."""
        end = min(_BLOCK, self._filled + wanted)
        return memoryview(self._block)[self._filled : end]

    def advance(self, count: int) -> None:
        """Take the first `count` bytes of the memory that `room` returned into the stream."""
        self._filled += count
        if self._filled == _BLOCK:
            self._submit(zlib_ng.Z_SYNC_FLUSH)

    def close(self) -> None:
        """Write what is left, and the member's end."""
        self._submit(zlib_ng.Z_FINISH)
        while self._running:
            self._sink.write(self._running.popleft().result())
        self._sink.write(struct.pack("<II", self._checksum, self._size & 0xFFFFFFFF))

    def _submit(self, flush: int) -> None:
        block = memoryview(self._block)[: self._filled]
        self._running.append(self._pool.submit(_deflate, block, self._dictionary, flush))
        self._observe(block)
        self._checksum = zlib_ng.crc32(block, self._checksum)
        self._size += len(block)
        self._dictionary = bytes(block[-_WINDOW:])
        self._block = bytearray(_BLOCK)
        self._filled = 0
        while len(self._running) >= self._depth:
            self._sink.write(self._running.popleft().result())


def _deflate(block: memoryview, dictionary: bytes, flush: int) -> bytes:
    compressor = zlib_ng.compressobj(_LEVEL, wbits=-15, zdict=dictionary)
    return compressor.compress(block) + compressor.flush(flush)
