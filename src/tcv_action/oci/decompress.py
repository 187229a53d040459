"""Taking the compression off a layer: a bounded piece at a time, checked to the last byte."""

import io
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from zlib_ng import zlib_ng

from tcv_action.errors import InputError
from tcv_action.oci.media_types import Compression

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_INPUT = 1 << 17
_PIECE = 1 << 20
_GZIP = 31
_END = 16


def plain_pieces(stream: BinaryIO, compression: Compression) -> Iterator[bytes]:
    """Yield the plain bytes of a layer in pieces of at most 1 MiB, and read `stream` to its end.

    Gzip may have several members, as parallel compressors write. Raises InputError where the
    stream is cut off, followed by other bytes, or broken.
    """
    match compression:
        case Compression.NONE:
            return iter(lambda: stream.read(_PIECE), b"")
        case Compression.GZIP:
            return _gunzip(stream)
        case Compression.ZSTD:
            return _unzstd(stream)


def _gunzip(stream: BinaryIO) -> Iterator[bytes]:
    data = stream.read(_INPUT)
    if not data:
        _refuse("it is empty")
    while data:
        member = zlib_ng.decompressobj(wbits=_GZIP)
        while not member.eof:
            if not data:
                _refuse("it is cut off")
            try:
                piece = member.decompress(data, _PIECE)
            except zlib_ng.error as error:  # type: ignore[misc]
                _refuse(str(error))
            if piece:
                yield piece
            # Output may wait inside the decompressor when a whole piece came out.
            data = member.unconsumed_tail
            if not data and len(piece) < _PIECE and not member.eof:
                data = stream.read(_INPUT)
        data = member.unused_data or stream.read(_INPUT)


def _unzstd(stream: BinaryIO) -> Iterator[bytes]:
    # Only layers of other tools need it.
    import zstandard  # noqa: PLC0415

    # The package takes a stream that ends inside a frame for a whole one. So a frame of random
    # bytes is put behind it: they come out at the end only where all frames before are whole.
    end = os.urandom(_END)
    frame = zstandard.ZstdCompressor(write_checksum=True).compress(end)
    frames = zstandard.ZstdDecompressor(max_window_size=1 << 27)
    followed = io.BufferedReader(_Followed(stream, frame), _INPUT)
    with frames.stream_reader(followed, read_across_frames=True) as reader:
        held = b""
        try:
            while piece := reader.read(_PIECE):
                plain = held + piece
                held = plain[-_END:]
                if len(plain) > _END:
                    yield plain[:-_END]
        except zstandard.ZstdError as error:
            _refuse(str(error))
    if held != end:
        _refuse("it is cut off")


class _Followed(io.RawIOBase):
    """A stream with further bytes behind its end."""

    def __init__(self, stream: BinaryIO, rest: bytes) -> None:
        self._stream = stream
        self._rest = io.BytesIO(rest)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        data = self._stream.read(len(view)) or self._rest.read(len(view))
        view[: len(data)] = data
        return len(data)


def _refuse(flaw: str) -> NoReturn:
    what = f"The layer cannot be decompressed: {flaw}."
    raise InputError(
        what,
        cause="It was damaged, or its media type names another compression.",
        next_step="Build and push the image again.",
    )
