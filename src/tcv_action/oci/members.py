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
from typing import TYPE_CHECKING, BinaryIO, Literal, NoReturn, Protocol, Self

from tcv_action.errors import InputError
from tcv_action.oci.digest import CHUNK
from tcv_action.oci.disk import disk_trouble

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_END = bytes(2 * tarfile.BLOCKSIZE)
_HEADER_LIMIT = 1 << 16
_HEADERS_LIMIT = 32 << 20
_SIZE_LIMIT = 1 << 38
# Headers that speak of the next member: tarfile reads their content into memory.
_PREFACES = frozenset(
    {
        *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
        *(tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE),
    }
)
# Headers of unbounded content, or for all that follows; no tool writes them for an image.
_REFUSED = frozenset({tarfile.GNUTYPE_SPARSE, tarfile.XGLTYPE})


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


def tar_members(
    stream: BinaryIO, mode: Literal["r:", "r|"]
) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """Give the tar and its members one by one, in bounded memory whatever their headers say.

    Raises TarError where the stream is no plain tar.
    """
    space = 0
    try:
        with tarfile.open(fileobj=stream, mode=mode, tarinfo=_BoundedInfo) as tar:
            while (member := tar.next()) is not None:
                space += member.offset_data - member.offset
                if space > _HEADERS_LIMIT:
                    _break_off("it has too many files")
                # The tar would look for the next one behind it, or before it, for ever.
                if not 0 <= member.size < _SIZE_LIMIT:
                    _break_off(f"{member.name!r} has {member.size} bytes")
                yield tar, member
    except (OverflowError, RecursionError, ValueError) as error:
        raise tarfile.ReadError(str(error)) from error


class _BoundedInfo(tarfile.TarInfo):
    """A header that cannot ask for much memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read a header; raises ReadError where tarfile would read too much after it."""
        info = super().frombuf(buf, encoding, errors)
        if info.type in _REFUSED:
            _break_off(f"a header has the type {info.type!r}")
        if info.type in _PREFACES and not 0 <= info.size <= _HEADER_LIMIT:
            _break_off(f"a header has {info.size} bytes")
        return info

    # The one place in front of a map of any length, which pax headers announce.
    def _proc_gnusparse_10(self, *_: object) -> NoReturn:
        _break_off("it holds a sparse file")


def _break_off(flaw: str) -> NoReturn:
    raise tarfile.ReadError(flaw)


def _places(stream: BinaryIO, path: Path) -> dict[str, tuple[int, int]]:
    places: dict[str, tuple[int, int]] = {}
    links: dict[str, str] = {}
    try:
        for _, member in tar_members(stream, "r:"):
            name = posixpath.normpath(member.name)
            if member.isreg():
                places[name] = (member.offset_data, member.size)
            else:
                links |= link_target(member)
    except tarfile.TarError as error:
        cause = f"It is no tar, or is cut off: {error}."
        step = "Save it again; what is compressed must be unpacked first."
        raise no_archive(path, cause, step) from error
    return places | {name: places[to] for name, to in links.items() if to in places}


def link_target(member: tarfile.TarInfo) -> dict[str, str]:
    """Return name and target of a link; `docker save` writes one for a layer it has already."""
    name = posixpath.normpath(member.name)
    if member.issym():
        return {name: posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname))}
    return {name: posixpath.normpath(member.linkname)} if member.islnk() else {}


def no_archive(path: Path, cause: str, step: str) -> InputError:
    """Say that a file cannot be read as an archive."""
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
