"""The runner's workspace, which a container action writes to as root."""

import os
from collections.abc import Iterator
from pathlib import Path


def give_to_owner(folder: Path, workspace: Path) -> None:
    """Give what root wrote at `folder` to the workspace's owner, so that later steps can change it.

    Does nothing outside the workspace, nor without root's rights, since then the owner wrote it.
    """
    folder, workspace = folder.resolve(), workspace.resolve()
    if os.geteuid() != 0 or not folder.is_relative_to(workspace):
        return
    owner = workspace.stat()
    for path in _written(folder, workspace):
        if path.lstat().st_uid == 0:
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _written(folder: Path, workspace: Path) -> Iterator[Path]:
    for parent in (folder, *folder.parents):
        if parent == workspace:
            break
        yield parent
    for place, folders, files in os.walk(folder):
        yield from (Path(place, name) for name in (*folders, *files))
