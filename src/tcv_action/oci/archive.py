"""Archives of images: a tar of an OCI layout, or what `docker save` writes.

Source: OCI image specification 1.1, image-layout.md; docker's image-spec v1.2.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from tcv_action.errors import StoreError
from tcv_action.oci import document
from tcv_action.oci.descriptor import Descriptor
from tcv_action.oci.digest import check, verified
from tcv_action.oci.layout_index import NamedImage, choose, parse_layout_index
from tcv_action.oci.manifest import manifest_type
from tcv_action.oci.members import Members

INDEX = "index.json"
MARKER_FILE = "oci-layout"


def blob_name(digest: str) -> str:
    """Return where a layout keeps a blob."""
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


class ArchivedLayout:
    """The layout inside an archive; `place` is what messages call it."""

    def __init__(self, members: Members, place: str) -> None:
        self._members = members
        self._place = place

    def images(self) -> tuple[NamedImage, ...]:
        """Return what index.json lists."""
        return parse_layout_index(read_member(self._members, INDEX, self._place))

    def find(self, tag: str | None = None, digest: str | None = None) -> Descriptor:
        """Return the manifest or index of this digest or tag, or the only one that there is.

        Raises StoreError where it is not there, or where several are and none is named.
        """
        if digest is None:
            return choose(self.images(), tag, self._place)
        data = read_member(self._members, blob_name(digest), self._place)
        media_type = manifest_type(document.load(data, "manifest"))
        return Descriptor(media_type=media_type, digest=digest, size=len(data))

    @contextmanager
    def open_blob(self, descriptor: Descriptor) -> Iterator[BinaryIO]:
        """Open a blob; raises StoreError where it is missing, or not what its name says."""
        name = blob_name(descriptor.digest)
        require_member(self._members, name, self._place)
        with self._members.open(name) as stream:
            yield verified(stream, descriptor, f"{self._place}:{name}")

    def read_bytes(self, descriptor: Descriptor) -> bytes:
        """Return a manifest or another small blob, checked."""
        data = read_member(self._members, blob_name(descriptor.digest), self._place)
        return check(data, descriptor, self._place)


def read_member(members: Members, name: str, place: str) -> bytes:
    """Return a small file of the archive.

    Raises StoreError where it is missing, InputError where it is too large to be a document.
    """
    require_member(members, name, place)
    if members.sizes[name] > document.CONFIG_LIMIT:
        document.refuse(name, f"it has {members.sizes[name]} bytes")
    with members.open(name) as stream:
        return stream.read()


def require_member(members: Members, name: str, place: str) -> None:
    """Raise StoreError where the archive has no file of that name."""
    if name not in members.sizes:
        what = f"the archive {place!r} has no file {name!r}"
        raise StoreError(
            what,
            cause="It holds something else, or was cut off, or holds no image of that digest.",
            next_step="Save the image again.",
        )
