"""SHA-256 digests: of bytes at hand, of bytes while they are written, and checked while read."""

from __future__ import annotations

import hashlib
import io
import re
from typing import TYPE_CHECKING, BinaryIO

from tcv_action.errors import StoreError
from tcv_action.oci.descriptor import Descriptor

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK = 1 << 20
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def is_digest(text: str) -> bool:
    """Return whether the text is `sha256:` and 64 lower-case hex digits."""
    return _DIGEST.fullmatch(text) is not None


def sha256(data: bytes) -> str:
    """Return the digest of the bytes, `sha256:<64 hex>`."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def describe(data: bytes, media_type: str) -> Descriptor:
    """Return the descriptor of the bytes."""
    return Descriptor(media_type=media_type, digest=sha256(data), size=len(data))


def hash_stream(stream: BinaryIO, media_type: str) -> Descriptor:
    """Return the descriptor of all that the stream still gives."""
    hashed = hashlib.sha256()
    size = 0
    while chunk := stream.read(CHUNK):
        hashed.update(chunk)
        size += len(chunk)
    return Descriptor(media_type=media_type, digest=f"sha256:{hashed.hexdigest()}", size=size)


def check(data: bytes, descriptor: Descriptor, place: str) -> bytes:
    """Return the bytes, if they are the ones that the descriptor names; else raise StoreError."""
    if len(data) != descriptor.size or sha256(data) != descriptor.digest:
        raise _mismatch(descriptor, place, len(data), sha256(data))
    return data


class HashingWriter:
    """Passes bytes on to a stream, and knows their digest and size."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        """Hash the bytes and write them."""
        self._stream.write(data)
        self._hash.update(data)
        self.size += len(data)

    @property
    def digest(self) -> str:
        """The digest of what was written so far."""
        return f"sha256:{self._hash.hexdigest()}"


class _VerifyingReader(io.RawIOBase):
    def __init__(self, stream: BinaryIO, descriptor: Descriptor, place: str) -> None:
        self._stream = stream
        self._descriptor = descriptor
        self._place = place
        self._hash = hashlib.sha256()
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer)
        data = self._stream.read(len(view))
        self._hash.update(data)
        self._size += len(data)
        # Checked before the last bytes are handed out, as a reader may stop at the last one.
        if not data or self._size >= self._descriptor.size:
            self._verify()
        view[: len(data)] = data
        return len(data)

    def _verify(self) -> None:
        digest = f"sha256:{self._hash.hexdigest()}"
        if self._size != self._descriptor.size or digest != self._descriptor.digest:
            raise _mismatch(self._descriptor, self._place, self._size, digest)


def verified(stream: BinaryIO, descriptor: Descriptor, place: str) -> BinaryIO:
    """Return a stream of the same bytes that raises StoreError where they are the wrong ones.

    `place` is what the message calls the origin. Closing it leaves `stream` open.
    """
    return io.BufferedReader(_VerifyingReader(stream, descriptor, place), buffer_size=CHUNK)


def _mismatch(descriptor: Descriptor, place: str, size: int, digest: str) -> StoreError:
    return StoreError(
        f"{place!r} gave {size} bytes with the digest {digest!r} "
        f"where {descriptor.size} bytes with {descriptor.digest!r} were expected",
        cause="The bytes were cut off or changed on their way, or where they are kept.",
        next_step="Try again; if it stays so, push the image once more.",
    )
