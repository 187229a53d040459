"""Images in one file: `oci-archive:FILE[:TAG]` and `docker-archive:FILE[:NAME:TAG]`.

A file that is there is added to, as a layout is. Its bytes follow from its images alone.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from tcv_action.errors import InputError
from tcv_action.oci.archive import ArchivedLayout, read_member
from tcv_action.oci.contents import Contents
from tcv_action.oci.descriptor import Descriptor
from tcv_action.oci.disk import disk_trouble, rewritten
from tcv_action.oci.docker_archive import SAVED, choose_saved, open_saved, parse_saved
from tcv_action.oci.image import OciImage
from tcv_action.oci.index import OciIndex
from tcv_action.oci.members import TarMembers, tar_chunks
from tcv_action.oci.reference import Reference
from tcv_action.oci.streams import open_archive
from tcv_action.stores import Pushed
from tcv_action.stores.reading import check_digest, image_of, index_of, names_of


class OciArchiveStore:
    """Reads and writes a tar of an OCI layout."""

    def read(self, reference: Reference) -> OciImage:
        """Return the image of the tag or digest, or the only one; its layers stay in the file."""
        layout, descriptor = _find(reference)
        return image_of(reference, descriptor, layout.read_bytes(descriptor), layout)

    def read_index(self, reference: Reference) -> OciIndex | None:
        """Return the index that the reference names; None where it names a single image."""
        layout, descriptor = _find(reference)
        return index_of(descriptor, layout.read_bytes(descriptor))

    def write(self, image: OciImage, reference: Reference) -> Pushed:
        """Write the file anew with the image added to what it holds."""
        check_digest(image.digest, reference)
        written = _rewrite(reference, lambda old: old.with_image(image, names_of(reference)))
        return Pushed(reference=reference, digest=image.digest, uploaded_bytes=written)

    def write_index(
        self, index: OciIndex, images: Sequence[OciImage], reference: Reference
    ) -> Pushed:
        """Write the file anew with the images and the index that joins them."""
        check_digest(index.digest, reference)
        names = names_of(reference)
        written = _rewrite(reference, lambda old: old.with_index(index, images, names))
        return Pushed(reference=reference, digest=index.digest, uploaded_bytes=written)


class DockerArchiveStore:
    """Reads what `docker save` writes; writes what docker and OCI tools both load."""

    def read(self, reference: Reference) -> OciImage:
        """Return the image of the name, or the only one; its layers stay in the file."""
        path = _file(reference)
        members = open_archive(path)
        saved = parse_saved(read_member(members, SAVED, str(path)))
        chosen = choose_saved(saved, _name(reference), str(path))
        return open_saved(members, chosen, str(path))

    def read_index(self, reference: Reference) -> None:
        """Return None: docker's archives hold single images."""

    def write(self, image: OciImage, reference: Reference) -> Pushed:
        """Write the file anew with the image added to what it holds."""
        check_digest(image.digest, reference)
        written = _rewrite(reference, lambda old: old.with_name(image, _name(reference)))
        return Pushed(reference=reference, digest=image.digest, uploaded_bytes=written)

    def write_index(
        self,
        index: OciIndex,
        images: Sequence[OciImage],  # noqa: ARG002
        reference: Reference,
    ) -> Pushed:
        """Raise InputError: docker's archives hold single images."""
        raise no_index(index, reference)


def no_index(index: OciIndex, reference: Reference) -> InputError:
    """Say that the reference's store cannot hold an index."""
    return InputError(
        f"cannot write an index of {len(index.entries)} images to {str(reference)!r}",
        cause="docker's archives and engines hold single images.",
        next_step="Write it to a registry, oci: or oci-archive:.",
    )


def _find(reference: Reference) -> tuple[ArchivedLayout, Descriptor]:
    path = _file(reference)
    layout = ArchivedLayout(open_archive(path), str(path))
    return layout, layout.find(reference.tag, reference.digest)


def _rewrite(reference: Reference, change: Callable[[Contents], Contents]) -> int:
    """Write the file anew unless it holds all this; return the bytes of the files that are new."""
    path = _destination(reference)
    with rewritten(path) as stream:
        old = Contents.read(TarMembers(path), str(path)) if path.exists() else Contents()
        new = change(old)
        added = [name for name in new.files if name not in old.files]
        if added or (new.images, new.saved) != (old.images, old.saved):
            for chunk in tar_chunks(new.members()):
                stream.write(chunk)
    return sum(new.files[name].size for name in added)


def _destination(reference: Reference) -> Path:
    """Follow links to the file that is to be written; refuse a device, a pipe and a folder."""
    path = _file(reference)
    with disk_trouble(path):
        target = Path(os.path.realpath(path))
        if os.path.lexists(target) and not target.is_file():
            what = f"{str(path)!r} is no plain file"
            cause = "An archive is written in the place of a file that is there, or as a new one."
            raise InputError(what, cause=cause, next_step="Name another file.")
    return target


def _name(reference: Reference) -> str | None:
    return reference.tagged_name if reference.name else None


def _file(reference: Reference) -> Path:
    if reference.path is None:
        what = f"{str(reference)!r} names no file"
        raise InputError(what, next_step="Write oci-archive:FILE[:TAG].")
    return reference.path
