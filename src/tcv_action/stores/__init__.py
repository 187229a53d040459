"""Where images live. A module a kind of store, all of the shape of `Store`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tcv_action.oci.image import OciImage
from tcv_action.oci.index import OciIndex
from tcv_action.oci.reference import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What a store holds after a write: the reference, the manifest's digest.

    `uploaded_bytes` counts the blobs and manifests that were really sent; 0 where the store had
    them all.
    """

    reference: Reference
    digest: str
    uploaded_bytes: int


class Store(Protocol):
    """A place that images are read from and written to."""

    def read(self, reference: Reference) -> OciImage:
        """Return the image that the reference names, its manifest and config digest-checked.

        Raises StoreError where the store fails or does not have it, InputError where the
        reference names an index or something that is no image.
        """
        ...

    def read_index(self, reference: Reference) -> OciIndex | None:
        """Return the index that the reference names; None where it names a single image.

        Its images are read by `reference.with_digest(entry.descriptor.digest)`.
        """
        ...

    def write(self, image: OciImage, reference: Reference) -> Pushed:
        """Put the image there under the reference; what is there already is not sent again.

        Raises StoreError where the store refuses or fails; nothing half-written stays behind.
        """
        ...

    def write_index(
        self, index: OciIndex, images: Sequence[OciImage], reference: Reference
    ) -> Pushed:
        """Put the images there, untagged, and the index that joins them under the reference.

        Raises InputError where the store cannot hold an index.
        """
        ...
