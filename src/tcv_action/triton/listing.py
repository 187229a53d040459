"""Listing a cache folder: plain files and folders with UTF-8 names; all else refused by name."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tcv_action.errors import InputError


def sorted_items(folder: str | Path, where: str) -> list[os.DirEntry[str]]:
    """List a folder, sorted by the bytes of the names; `where` names it in errors.

    Raises InputError where it cannot be listed or a name is not UTF-8.
    """
    try:
        with os.scandir(folder) as listing:
            items = sorted(listing, key=lambda item: os.fsencode(item.name))
    except OSError as error:
        raise _unlisted(folder, error) from error
    for item in items:
        _check_name(item.name, where)
    if len({item.name.casefold() for item in items}) < len(items):
        what = f"Two names in {where!r} differ in case only."
        raise InputError(
            what,
            cause="Not every file system can hold both, so images do not carry them.",
            next_step="Rename or remove one of them.",
        )
    return items


def _check_name(name: str, where: str) -> None:
    if name.startswith(".wh."):
        what = f"The name {name!r} in {where!r} begins with '.wh.'."
        raise InputError(
            what,
            cause="In an image's layer such a name deletes a file, and Triton writes none.",
            next_step="Rename or remove that file.",
        )
    if name.isascii() and name.isprintable():
        return
    try:
        name.encode()
    except UnicodeEncodeError as error:
        what = f"The name {os.fsencode(name)!r} in {where!r} is not UTF-8."
        raise InputError(
            what,
            cause="An image's layer holds names in UTF-8 only, and Triton writes no other.",
            next_step="Rename or remove that file.",
        ) from error
    if _CONTROL.search(name):
        what = f"The name {name!r} in {where!r} holds control characters."
        raise InputError(
            what,
            cause="Readers of images refuse such names, and Triton writes none.",
            next_step="Rename or remove that file.",
        )


def is_folder(item: os.DirEntry[str], where: str) -> bool:
    """Tell a folder from a file, without following links.

    Raises InputError for anything that is neither: links, sockets, pipes, devices.
    """
    if item.is_dir(follow_symlinks=False):
        return True
    if item.is_file(follow_symlinks=False):
        return False
    kind = "a link" if item.is_symlink() else "neither a file nor a folder"
    what = f"{where!r} in the cache folder is {kind}."
    raise InputError(
        what,
        cause="Triton writes plain files and folders only; readers of images skip all else.",
        next_step="Replace it by the file that it stands for, or remove it.",
    )


# Triton's own have a few KiB; Python needs many times the bytes for what it parses.
_JSON_LIMIT = 4 << 20
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@contextmanager
def reading(where: str) -> Iterator[None]:
    """Turn what the disk says while a file of the cache is read into an InputError."""
    try:
        yield
    except FileNotFoundError as error:
        what = f"The file {where!r} vanished while the cache was read."
        raise InputError(
            what,
            cause="Another process is writing to this cache or cleaning it.",
            next_step="Wait until it is done, then try again.",
        ) from error
    except OSError as error:
        what = f"The file {where!r} cannot be read: {error.strerror}."
        raise InputError(
            what,
            cause="Often it was written by another user, such as root in a container.",
            next_step="Make it readable for this user (chmod, chown), then try again.",
        ) from error


def read_json_file(path: Path, where: str) -> bytes:
    """Read a metadata or group file; `where` names it in errors.

    Raises InputError where it cannot be read, or is larger than any that Triton writes.
    """
    with reading(where), path.open("rb") as stream:
        content = stream.read(_JSON_LIMIT + 1)
    if len(content) > _JSON_LIMIT:
        what = f"The file {where!r} has more than {_JSON_LIMIT} bytes."
        raise InputError(
            what,
            cause="Triton's metadata has a few kilobytes: this was made by hand, or to harm.",
            next_step="Remove that entry's folder, or fill the cache again.",
        )
    return content


def _unlisted(folder: str | Path, error: OSError) -> InputError:
    name = str(folder)
    if isinstance(error, FileNotFoundError):
        return InputError(
            f"There is no cache folder {name!r}.",
            cause="The path is mistyped, or nothing has been compiled yet.",
            next_step="Give the folder that TRITON_CACHE_DIR named (default ~/.triton/cache).",
        )
    if isinstance(error, NotADirectoryError):
        return InputError(
            f"{name!r} is not a folder.",
            cause="A Triton cache is a folder with one folder per kernel.",
            next_step="Give the folder that TRITON_CACHE_DIR named (default ~/.triton/cache).",
        )
    return InputError(
        f"The folder {name!r} cannot be read: {error.strerror}.",
        cause="Often it was written by another user, such as root in a container.",
        next_step="Make it readable for this user (chmod, chown), then try again.",
    )
