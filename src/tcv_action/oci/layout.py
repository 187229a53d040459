"""Image layouts on disk: a folder of blobs and an index.json that names images.

Source: OCI image specification 1.1, image-layout.md.
"""

import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Self

from tcv_action.errors import InputError, StoreError
from tcv_action.oci import document
from tcv_action.oci.descriptor import Descriptor
from tcv_action.oci.digest import HashingWriter, check, is_digest, verified
from tcv_action.oci.disk import disk_error, disk_trouble, written_beside
from tcv_action.oci.index import Platform
from tcv_action.oci.layout_index import (
    MARKER,
    NamedImage,
    build_layout_index,
    choose,
    parse_layout_index,
    renamed,
)
from tcv_action.oci.manifest import manifest_type

_HALF_WRITTEN = re.compile(r"\.(?:oci-layout|index\.json)\.[0-9a-f]{16}")
_HALF_BLOB = re.compile(r"\.[0-9]+-[0-9a-f]{16}")


class BlobWriter:
    """Takes the bytes of one blob; knows their digest and size after the block's clean end."""

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self._path = path
        self._hashing = HashingWriter(stream)
        self.digest = ""
        self.size = 0

    def write(self, data: bytes) -> None:
        """Add bytes to the blob; raises StoreError where the disk refuses them."""
        try:
            self._hashing.write(data)
        except OSError as error:
            raise disk_error(error, self._path) from error

    def finish(self) -> str:
        """Fix digest and size, and return the digest's hex digits: the blob's name."""
        self.digest, self.size = self._hashing.digest, self._hashing.size
        return self.digest.removeprefix("sha256:")


class Layout:
    """One layout; several images, each under any number of tags."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._blobs = root / "blobs" / "sha256"

    @classmethod
    def open(cls, root: Path) -> Self:
        """Open a layout that is there; raises InputError where there is none."""
        with disk_trouble(root, "read"):
            whole = (root / "oci-layout").is_file() and (root / "index.json").is_file()
        if not whole:
            what = f"there is no OCI layout at {str(root)!r}"
            cause = "The folder is missing or holds something else."
            step = "Name the folder that holds the files 'oci-layout' and 'index.json'."
            raise InputError(what, cause=cause, next_step=step)
        return cls(root)

    @classmethod
    def create(cls, root: Path) -> Self:
        """Make an empty layout, or open the one that is there, and end what a killed process began.

        Raises InputError where the folder holds something else, StoreError where the disk refuses.
        """
        layout = cls(root)
        with disk_trouble(root):
            root.mkdir(parents=True, exist_ok=True)
        with layout._locked():
            layout._complete()
            layout._remove_abandoned()
        return layout

    @contextmanager
    def new_blob(self) -> Iterator[BlobWriter]:
        """Give a writer whose bytes become a blob at the block's end, or vanish on an error.

        Raises StoreError where the disk refuses, with the path.
        """
        beside = self._blobs / f".{os.getpid()}-{os.urandom(8).hex()}"
        # Made and locked in one step, so that nobody takes the file for one without a writer.
        with self._locked(), disk_trouble(self.root):
            stream = beside.open("xb")
            fcntl.flock(stream, fcntl.LOCK_EX)
        try:
            writer = BlobWriter(self.root, stream)
            yield writer
            with self._locked(), disk_trouble(self.root):
                stream.close()
                beside.replace(self._blobs / writer.finish())
        finally:
            with suppress(OSError):
                stream.close()
            beside.unlink(missing_ok=True)

    def put_bytes(self, data: bytes, media_type: str) -> Descriptor:
        """Keep a small blob and return its descriptor."""
        with self.new_blob() as writer:
            writer.write(data)
        return Descriptor(media_type=media_type, digest=writer.digest, size=writer.size)

    def has(self, descriptor: Descriptor) -> bool:
        """Return whether a blob of this name and size is there."""
        path = self.blob_path(descriptor)
        return path.is_file() and path.stat().st_size == descriptor.size

    def blob_path(self, descriptor: Descriptor) -> Path:
        """Return where the blob lies, or would lie."""
        return self._blobs / descriptor.digest.removeprefix("sha256:")

    @contextmanager
    def open_blob(self, descriptor: Descriptor) -> Iterator[BinaryIO]:
        """Open a blob; raises StoreError where it is missing, or not what its name says."""
        path = self.blob_path(descriptor)
        with disk_trouble(path, "read"):
            stream = path.open("rb", buffering=0)
        with stream:
            yield verified(stream, descriptor, str(path))

    def read_bytes(self, descriptor: Descriptor) -> bytes:
        """Return a manifest or another small blob, checked."""
        if descriptor.size > document.CONFIG_LIMIT:
            document.refuse("manifest", f"it has {descriptor.size} bytes")
        with self.open_blob(descriptor) as stream:
            return check(stream.read(), descriptor, str(self.root))

    def add(
        self,
        descriptor: Descriptor,
        names: Iterable[str | None] = (),
        *,
        platform: Platform | None = None,
    ) -> None:
        """Name a manifest or index that is there already; a tag in use moves over to it.

        The name None is that of the one image without a tag; without any name the manifest is
        only listed.
        """
        with self._locked():
            images = renamed(self.images(), descriptor, tuple(names), platform)
            self._write_index(images)

    def images(self) -> tuple[NamedImage, ...]:
        """Return what index.json lists, in its order; raises InputError where it is broken."""
        path = self.root / "index.json"
        with disk_trouble(path, "read"):
            return parse_layout_index(path.read_bytes())

    def find(self, tag: str | None = None, digest: str | None = None) -> Descriptor:
        """Return the manifest or index of this digest or tag, or the only one that there is.

        Raises StoreError where it is not there, or where several are and none is named.
        """
        images = self.images()
        if digest is None:
            return choose(images, tag, str(self.root))
        listed = [image.descriptor for image in images if image.descriptor.digest == digest]
        return listed[0] if listed else self._unlisted(digest)

    def _unlisted(self, digest: str) -> Descriptor:
        """Describe a manifest that only an index names."""
        if not is_digest(digest):
            raise self._absent(digest)
        try:
            size = (self._blobs / digest.removeprefix("sha256:")).stat().st_size
        except OSError:
            raise self._absent(digest) from None
        unknown = Descriptor(media_type="", digest=digest, size=size)
        media_type = manifest_type(document.load(self.read_bytes(unknown), "manifest"))
        return Descriptor(media_type=media_type, digest=digest, size=size)

    def _absent(self, digest: str) -> StoreError:
        what = f"{str(self.root)!r} holds no image {digest!r}"
        return StoreError(what, next_step="Name it by one of its tags.")

    def _complete(self) -> None:
        """Make the files that are missing; the index comes last, and makes the layout whole."""
        marker, index = self.root / "oci-layout", self.root / "index.json"
        with disk_trouble(self.root):
            if not marker.exists() and not _unfinished(self.root):
                raise _occupied(self.root)
            self._blobs.mkdir(parents=True, exist_ok=True)
            if not marker.exists():
                with written_beside(marker) as stream:
                    stream.write(MARKER)
            if not index.exists():
                self._write_index(())

    def _remove_abandoned(self) -> None:
        """Remove what killed processes left; the lock says that nobody writes an index now."""
        with disk_trouble(self.root):
            for path in filter(_half_written, list(self.root.iterdir())):
                path.unlink(missing_ok=True)
            for path in list(self._blobs.glob(".*")):
                _unlink_abandoned(path)

    def _write_index(self, images: tuple[NamedImage, ...]) -> None:
        with written_beside(self.root / "index.json", sync=True) as stream:
            stream.write(build_layout_index(images))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes from rewriting index.json at the same time."""
        with disk_trouble(self.root):
            folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with disk_trouble(self.root):
                fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def _half_written(path: Path) -> bool:
    return _HALF_WRITTEN.fullmatch(path.name) is not None


def _unfinished(root: Path) -> bool:
    """Whether a folder without a marker is empty, or what a killed process made of one."""
    names = {path.name for path in root.iterdir() if not _half_written(path)}
    inside = {path.name for path in root.glob("blobs/*")}
    return not names or (
        "blobs" in names and names <= {"blobs", "index.json"} and inside <= {"sha256"}
    )


def _unlink_abandoned(blob: Path) -> None:
    """Remove a half-written blob unless its writer lives and holds its lock."""
    if _HALF_BLOB.fullmatch(blob.name):
        with suppress(OSError), blob.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            blob.unlink()


def _occupied(root: Path) -> InputError:
    return InputError(
        f"{str(root)!r} holds something that is no OCI layout",
        cause="A layout is made in a new or an empty folder.",
        next_step="Name another folder, or empty this one.",
    )
