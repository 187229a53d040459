"""The folder that a cache is restored into."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tcv_action.errors import InputError
from tcv_action.oci.disk import disk_trouble

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Destination:
    """A real folder, links on the way to it resolved, and its open descriptor."""

    path: Path
    descriptor: int

    @contextmanager
    def below(self, name: str) -> Iterator["Destination"]:
        """Open a folder in this one; raises InputError where it is a link or a file."""
        try:
            descriptor = os.open(name, FOLDER, dir_fd=self.descriptor)
        except NotADirectoryError as error:
            raise self.occupied(name) from error
        try:
            yield Destination(self.path / name, descriptor)
        finally:
            os.close(descriptor)

    def occupied(self, name: str) -> InputError:
        """Say that a link or a file stands where a folder belongs, or the other way round."""
        return InputError(
            f"In {str(self.path)!r}, {name!r} is not a folder.",
            cause="A link or a file stands where a part of the cache belongs.",
            next_step="Remove it, or restore into another folder.",
        )


@contextmanager
def opened(destination: Path) -> Iterator[Destination]:
    """Make the folder and hold it open; one that we made is removed if nothing came into it.

    Raises InputError where something else stands there, StoreError where the disk refuses.
    """
    path = Path(os.path.realpath(destination))
    with disk_trouble(path, "read"):
        is_new = not path.exists()
        is_folder = path.is_dir()
    if not is_new and not is_folder:
        what = f"The destination {str(destination)!r} is not a folder."
        raise InputError(
            what,
            cause="A cache is restored into a folder, new or already there.",
            next_step="Name another destination.",
        )
    with disk_trouble(path):
        path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, FOLDER)
    try:
        yield Destination(path, descriptor)
    finally:
        os.close(descriptor)
        if is_new:
            with suppress(OSError):
                path.rmdir()
