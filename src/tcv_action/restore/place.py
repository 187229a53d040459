"""Moving unpacked folders to their place: whole ones by rename, broken ones mended by file."""

import errno
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tcv_action.errors import InputError
from tcv_action.oci.disk import disk_trouble
from tcv_action.restore.staging import Staging
from tcv_action.triton.cache import Entry, Helper
from tcv_action.triton.groups import children_of, is_group_file
from tcv_action.triton.metadata import parse_metadata
from tcv_action.triton.reader import metadata_names

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Destination:
    """The real folder that entries are moved to, and its open descriptor."""

    path: Path
    descriptor: int


def check_places(destination: Destination, keys: Iterable[str]) -> None:
    """Refuse a destination where a link or a file stands in the place of an entry.

    Raises InputError that names it.
    """
    wanted = set(keys)
    with disk_trouble(destination.path, "read"), os.scandir(destination.descriptor) as items:
        for item in items:
            if item.name in wanted and not item.is_dir(follow_symlinks=False):
                what = f"In {str(destination.path)!r}, {item.name!r} is not a folder."
                raise InputError(
                    what,
                    cause="A link or a file stands where an entry of the cache belongs.",
                    next_step="Remove it, or restore into another folder.",
                )


def place(folder: Entry | Helper, staging: Staging, destination: Destination) -> bool:
    """Move one folder in, and tell whether it was moved: a complete one that is there is kept.

    Raises StoreError where the disk refuses.
    """
    with disk_trouble(destination.path):
        try:
            os.rename(
                folder.key,
                folder.key,
                src_dir_fd=staging.descriptor,
                dst_dir_fd=destination.descriptor,
            )
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
        else:
            return True
        there = os.open(folder.key, _FOLDER, dir_fd=destination.descriptor)
        try:
            return _mend(folder, staging, there, destination.path / folder.key)
        finally:
            os.close(there)


def _mend(folder: Entry | Helper, staging: Staging, there: int, path: Path) -> bool:
    names = [file.name for file in folder.files]
    if _is_complete(folder, names, there, path):
        return False
    # As Triton writes them: the group file last, since it is what makes the parts an entry.
    for name in sorted(names, key=is_group_file):
        os.replace(f"{folder.key}/{name}", name, src_dir_fd=staging.descriptor, dst_dir_fd=there)
    return True


def _is_complete(folder: Entry | Helper, names: list[str], there: int, path: Path) -> bool:
    group_names = [name for name in names if is_group_file(name)]
    if isinstance(folder, Helper) or not group_names:
        return all(_is_file(name, there) for name in names)
    return all(_group_hits(folder, name, there, path) for name in group_names)


def _group_hits(entry: Entry, group_name: str, there: int, path: Path) -> bool:
    """Tell whether Triton would find the entry that is there: its hash, and every child."""
    with suppress(OSError, InputError):
        children = children_of(_read(group_name, there), entry.key)
        metadata_name = metadata_names(children)[0] if metadata_names(children) else ""
        metadata = parse_metadata(_read(metadata_name, there), entry.key)
        return metadata["hash"] == entry.hash and all(
            os.path.realpath(str(child)) == str(path / name) and _is_file(name, there)
            for name, child in children.items()
        )
    return False


def _is_file(name: str, there: int) -> bool:
    with suppress(OSError):
        return stat.S_ISREG(os.stat(name, dir_fd=there, follow_symlinks=False).st_mode)
    return False


def _read(name: str, there: int) -> bytes:
    with os.fdopen(os.open(name, _FILE, dir_fd=there), "rb") as stream:
        return stream.read()
