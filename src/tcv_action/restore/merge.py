"""Moving a framework's cache in: whole folders by rename, into those that are there by file."""

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass

from tcv_action.oci.disk import disk_trouble
from tcv_action.restore.destination import FOLDER, Destination
from tcv_action.restore.place import place
from tcv_action.triton.cache import Entry, Helper


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """One merge; `entries` has the folders of Triton entries by their path from the top."""

    entries: Mapping[str, Entry | Helper]

    def folder(self, source: int, destination: Destination, path: str = "") -> int:
        """Move what lies in `source` in, and return how many files were there already.

        A file that is there stays as it is; a Triton entry that could not hit is mended.

        Raises InputError where a link or a file stands in the place of a folder, or the other way
        round; StoreError where the disk refuses.
        """
        with disk_trouble(destination.path), os.scandir(source) as listing:
            items = sorted((item.name, item.is_dir(follow_symlinks=False)) for item in listing)
        kept = 0
        for name, is_folder in items:
            below = f"{path}/{name}" if path else name
            if is_folder:
                kept += self._one_folder(name, source, destination, below)
            else:
                kept += not _move_file(name, source, destination)
        return kept

    def _one_folder(self, name: str, source: int, destination: Destination, path: str) -> int:
        if path in self.entries:
            entry = self.entries[path]
            return 0 if place(entry, source, destination) else len(entry.files)
        if _move_folder(name, source, destination):
            return 0
        inner = os.open(name, FOLDER, dir_fd=source)
        try:
            with destination.below(name) as place_to:
                return self.folder(inner, place_to, path)
        finally:
            os.close(inner)


def _move_folder(name: str, source: int, destination: Destination) -> bool:
    try:
        os.rename(name, name, src_dir_fd=source, dst_dir_fd=destination.descriptor)
    except NotADirectoryError as error:
        raise destination.occupied(name) from error
    except OSError as error:
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
            return False
        with disk_trouble(destination.path):
            raise
    return True


def _move_file(name: str, source: int, destination: Destination) -> bool:
    try:
        # A link to the file, unlike a rename, never takes the place of one that is there.
        os.link(
            name,
            name,
            src_dir_fd=source,
            dst_dir_fd=destination.descriptor,
            follow_symlinks=False,
        )
    except FileExistsError:
        return False
    except OSError:
        with disk_trouble(destination.path):
            raise
    return True
