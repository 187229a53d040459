"""Images in an OCI layout on disk, `oci:FOLDER[:TAG]`."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from tcv_action.errors import InputError
from tcv_action.oci.descriptor import BlobSource, Descriptor
from tcv_action.oci.digest import CHUNK
from tcv_action.oci.image import OciImage
from tcv_action.oci.index import OciIndex
from tcv_action.oci.layout import Layout
from tcv_action.oci.reference import Reference
from tcv_action.stores import Pushed
from tcv_action.stores.reading import check_digest, image_of, index_of, names_of


class LayoutStore:
    """Reads and writes layouts; a folder that is not there is made by the first write."""

    def read(self, reference: Reference) -> OciImage:
        """Return the image of the tag or digest, or the only one; its layers stay on disk."""
        layout = Layout.open(_folder(reference))
        descriptor = layout.find(reference.tag, reference.digest)
        return image_of(reference, descriptor, layout.read_bytes(descriptor), layout)

    def read_index(self, reference: Reference) -> OciIndex | None:
        """Return the index that the reference names; None where it names a single image."""
        layout = Layout.open(_folder(reference))
        descriptor = layout.find(reference.tag, reference.digest)
        return index_of(descriptor, layout.read_bytes(descriptor))

    def write(self, image: OciImage, reference: Reference) -> Pushed:
        """Copy the blobs that are missing, then name the image."""
        check_digest(image.digest, reference)
        layout = Layout.create(_folder(reference))
        copied = copy_blobs(image, layout)
        layout.add(image.descriptor, names_of(reference))
        return Pushed(reference=reference, digest=image.digest, uploaded_bytes=copied)

    def write_index(
        self, index: OciIndex, images: Sequence[OciImage], reference: Reference
    ) -> Pushed:
        """Copy the images and the index that joins them, and name the index alone."""
        check_digest(index.digest, reference)
        layout = Layout.create(_folder(reference))
        copied = sum(copy_blobs(image, layout) for image in images)
        copied += _put(layout, index.descriptor, index.data)
        layout.add(index.descriptor, names_of(reference))
        return Pushed(reference=reference, digest=index.digest, uploaded_bytes=copied)


def copy_blobs(image: OciImage, layout: Layout) -> int:
    """Copy an image's blobs and manifest unless they are there; return the bytes copied."""
    copied = sum(
        _copy(blob, image.blobs, layout) for blob in (*image.layers, image.config_descriptor)
    )
    return copied + _put(layout, image.descriptor, image.manifest)


def _copy(blob: Descriptor, source: BlobSource, layout: Layout) -> int:
    if layout.has(blob):
        return 0
    with source.open_blob(blob) as stream, layout.new_blob() as writer:
        shutil.copyfileobj(stream, writer, CHUNK)
    return blob.size


def _put(layout: Layout, descriptor: Descriptor, data: bytes) -> int:
    if layout.has(descriptor):
        return 0
    layout.put_bytes(data, descriptor.media_type)
    return descriptor.size


def _folder(reference: Reference) -> Path:
    if reference.path is None:
        what = f"{str(reference)!r} names no folder"
        raise InputError(what, next_step="Write oci:FOLDER[:TAG].")
    return reference.path
