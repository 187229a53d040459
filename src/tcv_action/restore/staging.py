"""A private folder inside the destination, where files wait until all of the image was verified.

It is locked while its process lives; one whose process was killed is removed by the next restore.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tcv_action.oci.disk import disk_trouble

PREFIX = ".tcv-restore-"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Staging:
    """Writes below one folder that only we know of; all paths are relative to it."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor
        self._folders = {""}

    def make_folder(self, path: str) -> None:
        """Make a folder, and those above it, unless they are there."""
        if path in self._folders:
            return
        self.make_folder(path.rpartition("/")[0])
        with disk_trouble(self.path):
            os.mkdir(path, 0o755, dir_fd=self.descriptor)
        self._folders.add(path)

    def write(self, path: str, content: Iterable[memoryview | bytes], *, executable: bool) -> None:
        """Write a new file; its mode is 0755 or 0644, less the umask."""
        self.make_folder(path.rpartition("/")[0])
        mode = 0o755 if executable else 0o644
        with disk_trouble(self.path):
            file = os.open(path, _NEW_FILE, mode, dir_fd=self.descriptor)
            try:
                for piece in content:
                    _write_all(file, piece)
            finally:
                os.close(file)

    def replace(self, path: str, content: bytes, *, executable: bool) -> None:
        """Write a file in the place of one that is there."""
        self.remove(path)
        self.write(path, (content,), executable=executable)

    def remove(self, path: str) -> int:
        """Remove a file and return how many bytes it had."""
        with disk_trouble(self.path):
            size = os.stat(path, dir_fd=self.descriptor, follow_symlinks=False).st_size
            os.unlink(path, dir_fd=self.descriptor)
        return size


@contextmanager
def staging_in(destination: Path) -> Iterator[Staging]:
    """Give a fresh staging folder, removed at the end; remove what killed processes left.

    Raises StoreError where the disk refuses.
    """
    path = destination / f"{PREFIX}{secrets.token_hex(8)}"
    # Another restore must not take the folder for abandoned before it is locked.
    with _locked(destination):
        _remove_abandoned(destination)
        with disk_trouble(path):
            path.mkdir(0o700)
            descriptor = os.open(path, _FOLDER)
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield Staging(path, descriptor)
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with disk_trouble(folder, "read"):
        descriptor = os.open(folder, _FOLDER)
    try:
        with suppress(OSError):  # some network file systems know no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove_abandoned(destination: Path) -> None:
    with disk_trouble(destination, "read"):
        abandoned = list(destination.glob(f"{PREFIX}*"))
    for path in abandoned:
        with suppress(OSError):
            descriptor = os.open(path, _FOLDER)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(descriptor)


def _write_all(file: int, piece: memoryview | bytes) -> None:
    left = memoryview(piece)
    while left:
        left = left[os.write(file, left) :]
