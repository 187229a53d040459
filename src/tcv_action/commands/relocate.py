"""`tcv relocate`: a cache folder that was moved hits again."""

from pathlib import Path

import click

from tcv_action.commands.edge import log_level
from tcv_action.errors import InputError
from tcv_action.triton.relocate import relocate


@click.command
@click.option(
    "--dir",
    "-d",
    "folder",
    type=click.Path(path_type=Path),
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
    has no hit until they are rewritten.

    \b
    Examples:
      tcv relocate -d /mnt/copied-cache
      tcv relocate -d cache --mount-path /root/.triton/cache
    """
    if mount_path is not None and not mount_path.startswith(("/", ".triton/cache")):
        what = f"The mount path {mount_path!r} is not absolute."
        raise InputError(what, next_step="Write for example --mount-path /root/.triton/cache.")
    changed = relocate(folder, mount_path)
    click.echo(f"{changed} group files rewritten in {folder}")
