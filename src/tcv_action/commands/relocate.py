"""`tcv relocate`: a cache folder that was moved hits again."""

from pathlib import Path, PurePosixPath

import click

from tcv_action.commands import options
from tcv_action.commands.edge import log_level
from tcv_action.commands.output import print_text
from tcv_action.errors import InputError
from tcv_action.frameworks.detect import read_any_cache
from tcv_action.triton.cache import Cache
from tcv_action.triton.groups import PORTABLE
from tcv_action.triton.relocate import relocate


@click.command
@click.option(
    "--dir",
    "-d",
    "folder",
    type=options.GivenPath(),
    required=True,
    metavar="DIR",
    help="Cache folder; its group files are rewritten in place.",
)
@click.option(
    "--mount-path",
    metavar="/PATH",
    help="Folder that it will be mounted at.  [default: where it is now]",
)
@log_level
def command(folder: Path, mount_path: str | None) -> None:
    """Rewrite a folder's group files for where the folder is, or will be mounted.

    Triton's group files hold absolute paths: a cache folder that was copied or mounted elsewhere
    has no hit until they are rewritten. In a framework's cache it is done in every Triton cache
    inside.

    \b
    Examples:
      tcv relocate -d /mnt/copied-cache
      tcv relocate -d cache --mount-path /root/.triton/cache
    """
    place = _mount_place(mount_path) if mount_path is not None else folder.resolve()
    changed = sum(relocate(folder / inner, str(place / inner)) for inner in _triton_folders(folder))
    print_text(f"{changed} group files rewritten in {folder}")


def _triton_folders(folder: Path) -> tuple[str, ...]:
    """List the Triton caches of a folder, relative to it: itself, or those in a framework's."""
    cache = read_any_cache(folder)
    return (".",) if isinstance(cache, Cache) else tuple(cache.tree.triton)


def _mount_place(text: str) -> PurePosixPath:
    if text == PORTABLE.prefix:
        return PurePosixPath(text)
    if not text.startswith("/") or ".." in text.split("/") or not text.isprintable():
        what = f"The mount path {text!r} is not a plain absolute path."
        raise InputError(what, next_step="Write for example --mount-path /root/.triton/cache.")
    return PurePosixPath(text)
