"""Archives that come as a stream: out of an engine, or out of a compressed file."""

import gzip
import io
import posixpath
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from tcv_action.errors import StoreError
from tcv_action.oci.disk import disk_trouble
from tcv_action.oci.members import Members, TarMembers, link_target, no_archive, tar_members

_GZIP = b"\x1f\x8b"
_KEPT_LIMIT = 16 << 20


def open_archive(path: Path) -> Members:
    """Return the files of an archive on disk, compressed by gzip or not.

    Raises InputError where it is none, StoreError from the disk.
    """
    with disk_trouble(path, "read"), path.open("rb") as stream:
        packed = stream.read(len(_GZIP)) == _GZIP
    return StreamMembers(lambda: _unpacked(path)) if packed else TarMembers(path)


@contextmanager
def _unpacked(path: Path) -> Iterator[BinaryIO]:
    try:
        with gzip.open(path) as stream:
            yield cast("BinaryIO", stream)
    except (gzip.BadGzipFile, EOFError, zlib.error, tarfile.TarError) as error:
        step = "Save it again."
        raise no_archive(path, f"It is broken or cut off: {error}.", step) from error


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
        # Documents and blobs have room of their own: layers that come first must not take theirs.
        left = {".json": _KEPT_LIMIT, "": _KEPT_LIMIT}
        with open_stream() as stream:
            for tar, member in tar_members(stream, "r|"):
                name = posixpath.normpath(member.name)
                content = tar.extractfile(member) if member.isreg() else None
                if content is None:
                    self._links |= link_target(member)
                    continue
                self._sizes[name] = member.size
                kind = posixpath.splitext(name)[1]
                if member.size <= left.get(kind, 0):
                    self._kept[name] = content.read()
                    left[kind] -= member.size

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
        with self._open_stream() as stream:
            for tar, member in tar_members(stream, "r|"):
                content = tar.extractfile(member) if member.isreg() else None
                if content is not None and posixpath.normpath(member.name) == name:
                    yield cast("BinaryIO", content)
                    return
        raise _vanished(name)


def _vanished(name: str) -> StoreError:
    what = f"the image's file {name!r} is gone"
    return StoreError(what, cause="The image was changed meanwhile.", next_step="Try again.")
