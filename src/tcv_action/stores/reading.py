"""What a reference names, and the image or index in its bytes, the same for every store."""

from tcv_action.errors import InputError
from tcv_action.oci.descriptor import BlobSource, Descriptor
from tcv_action.oci.image import OciImage
from tcv_action.oci.index import OciIndex, parse_index
from tcv_action.oci.manifest import open_image
from tcv_action.oci.media_types import INDEXES
from tcv_action.oci.reference import Reference


def image_of(
    reference: Reference, descriptor: Descriptor, data: bytes, blobs: BlobSource
) -> OciImage:
    """Open the one image whose manifest `data` is.

    Raises InputError where it is an index, or cannot be read; StoreError where `blobs` fails.
    """
    index = index_of(descriptor, data)
    if index is not None:
        what = f"{str(reference)!r} is an index of {len(index.entries)} images"
        cause = "It joins the images of several GPUs, and one is wanted here."
        step = "Choose one with --target, or name it by its digest."
        raise InputError(what, cause=cause, next_step=step)
    return open_image(data, descriptor, blobs)


def index_of(descriptor: Descriptor, data: bytes) -> OciIndex | None:
    """Read the index that `data` is; None where it is a single image's manifest."""
    return parse_index(data, descriptor) if descriptor.media_type in INDEXES else None


def check_digest(image_digest: str, reference: Reference) -> None:
    """Refuse to write under a digest that the image does not have (InputError)."""
    if reference.digest not in {None, image_digest}:
        what = f"{str(reference)!r} does not name the image {image_digest!r}"
        step = "Leave the digest out of the reference."
        raise InputError(what, cause="A digest follows from the content.", next_step=step)


def names_of(reference: Reference) -> tuple[str | None, ...]:
    """Return the name that a layout lists the image under.

    None is the one image without a tag. A digest alone is no name: such images lie side by side.
    """
    return () if reference.digest and not reference.tag else (reference.tag,)
