"""Moving unpacked folders to their place: whole ones by rename, broken ones mended by file."""

import errno
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tcv_action.errors import InputError
from tcv_action.oci.disk import disk_trouble
from tcv_action.restore.destination import Destination
from tcv_action.triton.cache import Entry, Helper
from tcv_action.triton.groups import children_of, is_group_file
from tcv_action.triton.metadata import parse_metadata
from tcv_action.triton.reader import metadata_names

_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def check_places(destination: Destination, keys: Iterable[str]) -> None:
    """Refuse a destination where a link or a file stands in the place of an entry.

    Raises InputError that names it.
    """
    wanted = set(keys)
    with disk_trouble(destination.path, "read"), os.scandir(destination.descriptor) as items:
        for item in items:
            if item.name in wanted and not item.is_dir(follow_symlinks=False):
                raise destination.occupied(item.name)


def place(folder: Entry | Helper, source: int, destination: Destination) -> bool:
    """Move one folder in, and tell whether it was moved: a complete one that is there is kept.

    `source` is the descriptor of the folder that it lies in.

    Raises InputError where a link or a file stands in its place, StoreError where the disk
    refuses.
    """
    with disk_trouble(destination.path):
        try:
            os.rename(
                folder.key,
                folder.key,
                src_dir_fd=source,
                dst_dir_fd=destination.descriptor,
            )
        except NotADirectoryError as error:
            raise destination.occupied(folder.key) from error
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
        else:
            return True
        with destination.below(folder.key) as there:
            return _mend(folder, source, there.descriptor, there.path)


def _mend(folder: Entry | Helper, source: int, there: int, path: Path) -> bool:
    names = [file.name for file in folder.files]
    if _is_complete(folder, names, there, path):
        return False
    # As Triton writes them: the group file last, since it is what makes the parts an entry.
    for name in sorted(names, key=is_group_file):
        os.replace(f"{folder.key}/{name}", name, src_dir_fd=source, dst_dir_fd=there)
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
