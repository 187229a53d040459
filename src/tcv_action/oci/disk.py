"""Files that are written whole or not at all, and what a disk says when it refuses."""

import errno
import fcntl
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tcv_action.errors import DiskError

# A long name may well be that of an image.
_NOTHING_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)

_NEW_OR_LEFT = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def disk_error(error: OSError, path: Path, doing: str = "write") -> DiskError:
    """Say what the disk refused, in three parts."""
    what = f"cannot {doing} {str(path)!r}: {error.strerror or error}"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskError(
            what, cause="The disk is full.", next_step="Make room there, or choose another folder."
        )
    return DiskError(
        what,
        cause="The folder is missing, or its permissions forbid it.",
        next_step="Check the path and who may use it.",
    )


@contextmanager
def disk_trouble(path: Path, doing: str = "write") -> Iterator[None]:
    """Turn what the disk refuses in the block into a DiskError that names the path."""
    try:
        yield
    except OSError as error:
        raise disk_error(error, path, doing) from error


def is_folder_here(path: Path) -> bool:
    """Tell whether a folder is there; raises StoreError where the disk does not tell."""
    return stat.S_ISDIR(_mode(path))


def is_file_here(path: Path) -> bool:
    """Tell whether a file is there; raises StoreError where the disk does not tell."""
    return stat.S_ISREG(_mode(path))


def _mode(path: Path) -> int:
    """Return what `stat` tells of the path, 0 where nothing is there or can be."""
    try:
        return path.stat().st_mode
    except ValueError:
        return 0
    except OSError as error:
        if error.errno in _NOTHING_THERE:
            return 0
        raise disk_error(error, path, "read") from error


@contextmanager
def written_beside(path: Path, *, sync: bool = False) -> Iterator[BinaryIO]:
    """Give a file that takes `path`'s place when the block ends well, and vanishes otherwise.

    With `sync` the bytes are on the disk before the name is. Raises DiskError where it refuses.
    """
    beside = path.with_name(f".{path.name[:40]}.{secrets.token_hex(8)}")
    with disk_trouble(path):
        try:
            with beside.open("xb") as stream:
                yield stream
                if sync:
                    stream.flush()
                    os.fsync(stream.fileno())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


@contextmanager
def rewritten(path: Path) -> Iterator[BinaryIO]:
    """Give a file that takes `path`'s place when the block ends well, if it was written to.

    One process at a time has it and the others wait, so that what the block reads of `path` still
    holds when it is replaced. The bytes are on the disk before the name is; what a killed process
    left is taken over. Raises StoreError where the disk refuses.
    """
    # One name for all who write `path`, and short enough for a path whose name is not.
    digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]
    beside = path.with_name(f".{path.name[:40]}.{digest}")
    with disk_trouble(path), _opened_alone(beside) as stream:
        try:
            yield stream
            stream.flush()
            if stream.tell():
                os.fsync(stream.fileno())
                beside.replace(path)
            else:
                beside.unlink()
        except BaseException:
            beside.unlink(missing_ok=True)
            raise


@contextmanager
def _opened_alone(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing, empty and locked; it is renamed or removed before the block ends."""
    while True:
        with os.fdopen(os.open(path, _NEW_OR_LEFT, 0o666), "wb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            # Whoever had the lock before has taken the file away; then a new one is made.
            if _is_at(path, stream):
                stream.truncate()
                yield stream
                return


def _is_at(path: Path, stream: BinaryIO) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(stream.fileno()))
    except FileNotFoundError:
        return False
