"""The files inside an archive of an image: read where they lie, written as a stream.

An archive is a plain tar; it is never unpacked to the disk.
"""

import io
import posixpath
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from tcv_action.errors import InputError, StoreError
from tcv_action.oci.digest import CHUNK
from tcv_action.oci.disk import disk_trouble

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_GZIP = b"\x1f\x8b"
_KEPT_LIMIT = 16 << 20
_END = bytes(2 * tarfile.BLOCKSIZE)


class Members(Protocol):
    """The regular files of an archive by name, links resolved."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """The size of each file in bytes."""
        ...

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open a file of the archive; StoreError where the archive cannot be read."""
        ...


class TarMembers:
    """The files of a tar on disk."""

    def __init__(self, path: Path) -> None:
        """Read the tar's headers; raises InputError where it is none, StoreError from the disk."""
        self._path = path
        with disk_trouble(path, "read"), path.open("rb") as stream:
            if stream.read(2) == _GZIP:
                raise _unreadable(path, "It is compressed.", f"Run 'gunzip {path}' first.")
            stream.seek(0)
            self._places = _places(stream, path)

    @property
    def sizes(self) -> Mapping[str, int]:
        """The size of each file in bytes."""
        return {name: size for name, (_, size) in self._places.items()}

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Open a file of the archive as a stream of its own."""
        offset, size = self._places[name]
        with disk_trouble(self._path, "read"):
            stream = self._path.open("rb", buffering=0)
        with stream:
            stream.seek(offset)
            yield io.BufferedReader(_Slice(stream, size), CHUNK)


def _places(stream: BinaryIO, path: Path) -> dict[str, tuple[int, int]]:
    places: dict[str, tuple[int, int]] = {}
    links: dict[str, str] = {}
    try:
        with tarfile.open(fileobj=stream, mode="r:") as tar:
            for member in tar:
                name = posixpath.normpath(member.name)
                if member.isreg():
                    places[name] = (member.offset_data, member.size)
                else:
                    links |= link_target(member)
    except tarfile.TarError as error:
        raise _unreadable(
            path, f"It is no tar, or is cut off: {error}.", "Save it again."
        ) from error
    return places | {name: places[to] for name, to in links.items() if to in places}


def link_target(member: tarfile.TarInfo) -> dict[str, str]:
    """Return name and target of a link; `docker save` writes one for a layer it has already."""
    name = posixpath.normpath(member.name)
    if member.issym():
        return {name: posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname))}
    return {name: posixpath.normpath(member.linkname)} if member.islnk() else {}


def _unreadable(path: Path, cause: str, step: str) -> InputError:
    return InputError(f"{str(path)!r} is no archive of an image", cause=cause, next_step=step)


class _Slice(io.RawIOBase):
    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        data = self._stream.read(min(len(view), self._left))
        self._left -= len(data)
        view[: len(data)] = data
        return len(data)


class StreamMembers:
    """The files of a tar that comes as a stream, anew each time that it is asked for.

    Documents are kept from the first pass; any other file takes a pass of its own.
    """

    def __init__(self, open_stream: Callable[[], AbstractContextManager[BinaryIO]]) -> None:
        """Read the stream once; raises what it raises, and TarError where it is no tar."""
        self._open_stream = open_stream
        self._sizes: dict[str, int] = {}
        self._kept: dict[str, bytes] = {}
        self._links: dict[str, str] = {}
        left = _KEPT_LIMIT
        with open_stream() as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                name = posixpath.normpath(member.name)
                content = tar.extractfile(member) if member.isreg() else None
                if content is None:
                    self._links |= link_target(member)
                    continue
                self._sizes[name] = member.size
                if name.endswith(".json") or (name.startswith("blobs/") and member.size <= left):
                    self._kept[name] = content.read(_KEPT_LIMIT)
                    left -= len(self._kept[name])

    @property
    def sizes(self) -> Mapping[str, int]:
        """The size of each file in bytes."""
        links = {name: self._sizes[to] for name, to in self._links.items() if to in self._sizes}
        return self._sizes | links

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Open a file of the archive, read front to back."""
        name = self._links.get(name, name)
        if name in self._kept:
            yield io.BytesIO(self._kept[name])
            return
        with self._open_stream() as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isreg() else None
                if content is not None and posixpath.normpath(member.name) == name:
                    yield cast("BinaryIO", content)
                    return
        raise _vanished(name)


def _vanished(name: str) -> StoreError:
    what = f"the image's file {name!r} is gone"
    return StoreError(what, cause="The image was changed meanwhile.", next_step="Try again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMember:
    """A file to be written; `open` gives exactly `size` bytes."""

    name: str
    size: int
    open: Callable[[], AbstractContextManager[BinaryIO]]

    @classmethod
    def of(cls, name: str, data: bytes) -> "NewMember":
        """Return a file with these bytes."""
        return cls(name=name, size=len(data), open=lambda: io.BytesIO(data))


def tar_chunks(members: Iterable[NewMember]) -> Iterator[bytes]:
    """Give the bytes of a tar of these files, the same ones for the same files.

    Memory: one chunk of 1 MiB. The owner is root, the time 0, the mode 0644.
    """
    for member in members:
        info = tarfile.TarInfo(member.name)
        info.size = member.size
        yield info.tobuf(tarfile.GNU_FORMAT)
        with member.open() as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
        yield bytes(-member.size % tarfile.BLOCKSIZE)
    yield _END
