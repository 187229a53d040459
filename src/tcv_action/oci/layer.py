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


def write_layer(files: Iterable[LayerFile], sink: Sink, *, mtime: int = 0) -> str:
    """Write the files, sorted by the bytes of their names, with their folders; return the diff_id.

    The diff_id is the digest of the plain tar, `sha256:<64 hex>`. Each file is opened and read
    once; memory stays the same whatever their sizes. `mtime` is in seconds since 1970.

    Raises InputError for a file that vanished, changed or cannot be read.
    """
    digest = hashlib.sha256()
    with ThreadPoolExecutor(_THREADS) as pool:
        stream = ParallelGzip(sink, pool, depth=_THREADS + 2, observe=digest.update)
        _write_tar(sorted(files, key=lambda file: file.name.encode()), stream, mtime)
        stream.close()
    return f"sha256:{digest.hexdigest()}"


def _write_tar(files: Iterable[LayerFile], stream: ParallelGzip, mtime: int) -> None:
    written: set[str] = set()
    for file in files:
        for folder in _new_folders(file.name, written):
            stream.write(folder_header(folder, mtime=mtime))
        header = file_header(file.name, size=file.size, executable=file.executable, mtime=mtime)
        stream.write(header)
        _write_content(file, stream)
        stream.write(padding(file.size))
    stream.write(END)


def _new_folders(name: str, written: set[str]) -> list[str]:
    """List the folders above a file, outermost first, that were not written yet; note them."""
    folders = []
    folder = name.rpartition("/")[0]
    while folder and folder not in written:
        written.add(folder)
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
