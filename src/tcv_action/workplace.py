"""A private folder for the files of one run, gone at its end, even where the run was killed."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tcv_action.oci.disk import disk_trouble

_PREFIX = ".tcv-work-"


@contextmanager
def workplace(parent: Path) -> Iterator[Path]:
    """Make a folder below `parent`, on the same file system, and remove it with all its files.

    What a killed run left there is removed first: a living run holds a lock on its folder.
    Raises StoreError where the disk refuses.
    """
    with disk_trouble(parent):
        parent.mkdir(parents=True, exist_ok=True)
        with _locked(parent, fcntl.LOCK_EX):
            _clean(parent)
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
            living = _lock(folder, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(living)


def _clean(parent: Path) -> None:
    for left in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError), _locked(left, fcntl.LOCK_EX | fcntl.LOCK_NB):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    descriptor = _lock(folder, how)
    try:
        yield
    finally:
        os.close(descriptor)


def _lock(folder: Path, how: int) -> int:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, how)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
