"""Moving a cache: group files rewritten for the folder that they lie in, or will be mounted at."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tcv_action.errors import InputError
from tcv_action.triton.groups import is_group_file, rewrite_group
from tcv_action.triton.listing import read_json_file, sorted_items
from tcv_action.triton.reader import is_leftover

_BESIDE = re.compile(r"\.__grp__.*\.json\.(?P<pid>[0-9]+)")


def relocate(folder: Path, prefix: str | None = None) -> int:
    """Point every group file of a cache folder to `prefix`, by default the folder itself.

    Each file that differs is replaced whole. Returns how many there were to change.

    Raises InputError where the folder or a group file cannot be used.
    """
    place = prefix or str(folder.resolve())
    return sum(_rewritten(path, place) for path in _group_files(folder))


def gather(source: Path, destination: Path) -> int:
    """Move the entries of one cache folder into another on the same file system, each as a whole.

    An entry that is there already stays as it is. Returns how many came in.
    """
    relocate(source, str(destination.resolve()))
    came = 0
    for item in sorted_items(source, source.name):
        there = destination / item.name
        if item.is_dir(follow_symlinks=False) and not is_leftover(item.name) and not there.exists():
            Path(item.path).rename(there)
            came += 1
    return came


def _group_files(folder: Path) -> Iterator[Path]:
    for item in sorted_items(folder, folder.name):
        if item.is_dir(follow_symlinks=False) and not is_leftover(item.name):
            for file in sorted_items(item.path, item.name):
                if is_group_file(file.name) and file.is_file(follow_symlinks=False):
                    yield Path(file.path)
                elif _is_abandoned(file.name):
                    with suppress(OSError):
                        Path(file.path).unlink()


def _rewritten(path: Path, place: str) -> bool:
    key = path.parent.name
    content = read_json_file(path, f"{key}/{path.name}")
    new = rewrite_group(
        content, key=key, prefix=place, present={item.name for item in path.parent.iterdir()}
    )
    if new == content:
        return False
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _write_like(path, beside, new)
        beside.replace(path)
    except OSError as error:
        what = f"The group file {str(path)!r} cannot be written: {error.strerror}."
        raise InputError(
            what,
            cause="The disk is full, or another user owns the folder.",
            next_step="Make room or change the owner, then run it again.",
        ) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    return True


def _write_like(path: Path, beside: Path, content: bytes) -> None:
    """Write a new file with the mode, and as root the owner, of the one that it will replace."""
    status = path.stat()
    with beside.open("wb") as stream:
        with suppress(PermissionError):
            os.fchown(stream.fileno(), status.st_uid, status.st_gid)
        os.fchmod(stream.fileno(), stat.S_IMODE(status.st_mode))
        stream.write(content)


def _is_abandoned(name: str) -> bool:
    """Tell a new group file whose writer was killed before it could take the old one's place."""
    match = _BESIDE.fullmatch(name)
    return match is not None and not Path("/proc", match["pid"]).exists()
