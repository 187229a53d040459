"""Files on their way into a container and out of it, as tar archives."""

import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from tcv_action.errors import InputError, StoreError
from tcv_action.triton.groups import is_group_file, rewrite_group

_BUFFER = 1 << 20


@dataclass(frozen=True, slots=True)
class Owner:
    """A user and a group, by number."""

    user: int
    group: int


@contextmanager
def packed(folder: Path, work: str, owner: Owner) -> Iterator[BinaryIO]:
    """Pack a private folder for a container, at `work`: `cache` with the folder's files, `record`.

    Everything belongs to `owner`. Links become the files that they point to, and group files point
    to where they will lie.
    """
    with tempfile.TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            for made in (work, f"{work}/cache", f"{work}/record"):
                _add_folder(archive, made, owner)
            for path in sorted(folder.rglob("*")):
                place = f"{work}/cache/{path.relative_to(folder).as_posix()}"
                if path.is_dir():
                    _add_folder(archive, place, owner)
                elif path.is_file():
                    _add_file(archive, path, place, owner)
        file.seek(0)
        yield file


def unpack_new(chunks: Iterable[bytes], folder: Path) -> None:
    """Unpack the plain files of a container's folder into a folder of ours.

    Links and all else are passed over, a file replaces what is at its place, never what a link
    there points to, and nothing is written outside.

    Raises StoreError where the archive holds a path that leads out of the folder.
    """
    with tempfile.TemporaryFile() as file:
        for chunk in chunks:
            file.write(chunk)
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            for member in archive:
                _take(archive, member, folder)


def give_away(folder: Path, owner: Owner) -> None:
    """Make the owner that of a folder and of all that is in it."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner.user, owner.group, follow_symlinks=False)


def _take(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    parts = PurePosixPath(member.name).parts[1:]  # the first is the folder's own name
    if ".." in parts or member.name.startswith("/"):
        what = f"The container's archive holds the path {member.name!r}, which leads elsewhere."
        raise StoreError(what, next_step="Do not use this image.")
    place = folder.joinpath(*parts)
    if member.isdir():
        place.mkdir(parents=True, exist_ok=True)
    elif member.isfile():
        _write(archive, member, place)


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> None:
    source = archive.extractfile(member)
    if source is None:
        return
    beside = place.with_name(f".{place.name}.tcv-part"[-255:])
    with source, beside.open("xb") as target:
        shutil.copyfileobj(source, target, _BUFFER)
    beside.chmod(0o755 if member.mode & 0o100 else 0o644)
    beside.replace(place)


def _add_folder(archive: tarfile.TarFile, name: str, owner: Owner) -> None:
    member = tarfile.TarInfo(name.lstrip("/"))
    member.type, member.mode = tarfile.DIRTYPE, 0o755
    member.uid, member.gid = owner.user, owner.group
    archive.addfile(member)


def _add_file(archive: tarfile.TarFile, path: Path, name: str, owner: Owner) -> None:
    member = tarfile.TarInfo(name.lstrip("/"))
    member.mode = 0o755 if os.access(path, os.X_OK) else 0o644
    member.uid, member.gid = owner.user, owner.group
    if is_group_file(path.name):
        content = _moved(path, name.rpartition("/")[0].rpartition("/")[0])
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
        return
    member.size = path.stat().st_size
    with path.open("rb") as file:
        archive.addfile(member, file)


def _moved(path: Path, prefix: str) -> bytes:
    content = path.read_bytes()
    present = {item.name for item in path.parent.iterdir()}
    try:
        return rewrite_group(content, key=path.parent.name, prefix=prefix, present=present)
    except InputError:  # a broken one is Triton's to pass over
        return content
