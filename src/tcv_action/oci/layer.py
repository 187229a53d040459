"""Writing a layer: files in, a gzip-compressed tar out, the same bytes anywhere, on any day."""

import hashlib
import os
import stat
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tcv_action.errors import InputError
from tcv_action.oci.gzip import ParallelGzip, Sink
from tcv_action.oci.tar import END, file_header, folder_header, padding

_THREADS = min(8, len(os.sched_getaffinity(0)))
_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerFile:
    """A regular file of a layer: its name there, its size, and its bytes or where they lie."""

    name: str
    size: int
    executable: bool = False
    source: bytes | str


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenLayer:
    """The digest of the plain tar, `sha256:<64 hex>`, and the bytes of the files in it."""

    diff_id: str
    content_bytes: int


def write_layer(files: Iterable[LayerFile], sink: Sink, *, mtime: int = 0) -> WrittenLayer:
    """Write the files with the folders above them.

    They come sorted by the bytes of their names, and one at a time: each is opened and read once,
    and memory stays the same whatever their sizes and their number. `mtime` is in seconds since
    1970.

    Raises InputError for a file that vanished, changed or cannot be read, ValueError for one that
    is not at its place.
    """
    digest = hashlib.sha256()
    with ThreadPoolExecutor(_THREADS) as pool:
        stream = ParallelGzip(sink, pool, depth=_THREADS + 2, observe=digest.update)
        size = _write_tar(files, stream, mtime)
        stream.close()
    return WrittenLayer(diff_id=f"sha256:{digest.hexdigest()}", content_bytes=size)


def _write_tar(files: Iterable[LayerFile], stream: ParallelGzip, mtime: int) -> int:
    size, last, folder = 0, b"", ""
    for file in files:
        name = file.name.encode()
        if name <= last:
            raise ValueError(file.name)
        for new in _new_folders(file.name, folder):
            stream.write(folder_header(new, mtime=mtime))
        size, last, folder = size + file.size, name, file.name.rpartition("/")[0]
        header = file_header(file.name, size=file.size, executable=file.executable, mtime=mtime)
        stream.write(header)
        _write_content(file, stream)
        stream.write(padding(file.size))
    stream.write(END)
    return size


def _new_folders(name: str, last: str) -> list[str]:
    """List the folders above a file, outermost first, that are not above the last one's."""
    folders = []
    folder = name.rpartition("/")[0]
    while folder and not f"{last}/".startswith(f"{folder}/"):
        folders.append(folder)
        folder = folder.rpartition("/")[0]
    return folders[::-1]


def _write_content(file: LayerFile, stream: ParallelGzip) -> None:
    if isinstance(file.source, bytes):
        stream.write(file.source)
        return
    try:
        descriptor = os.open(file.source, _OPEN)
        try:
            _copy(descriptor, file, stream)
        finally:
            os.close(descriptor)
    except OSError as error:
        what = f"The file {file.source!r} cannot be read: {error.strerror}."
        raise InputError(
            what,
            cause="It vanished, became a link, or belongs to another user.",
            next_step="Wait until no process writes to the folder, then try again.",
        ) from error


def _copy(descriptor: int, file: LayerFile, stream: ParallelGzip) -> None:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size != file.size:
        raise _changed(file)
    left = file.size
    while left:
        count = os.readv(descriptor, [stream.room(left)])
        if count == 0:
            raise _changed(file)
        stream.advance(count)
        left -= count


def _changed(file: LayerFile) -> InputError:
    return InputError(
        f"The file {file.source!r} changed while the image was packed.",
        cause="Another process is writing to that folder.",
        next_step="Wait until it is done, then try again.",
    )
