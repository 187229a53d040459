"""The index.json of a layout: which images there are, and under which tags."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tcv_action.errors import StoreError
from tcv_action.oci import document
from tcv_action.oci.descriptor import Descriptor
from tcv_action.oci.index import Platform, parse_platform, platform_document
from tcv_action.oci.media_types import OCI_INDEX

MARKER = b'{"imageLayoutVersion":"1.0.0"}'
REF_NAME = "org.opencontainers.image.ref.name"
_KIND = "index.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedImage:
    """One row: a manifest or an index, and its tag if it has one.

    The descriptor's annotations are those of the row, the tag's excepted.
    """

    descriptor: Descriptor
    tag: str | None = None
    platform: Platform | None = None


def build_layout_index(images: Sequence[NamedImage]) -> bytes:
    """Return the bytes of index.json."""
    return document.dump(
        {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [_row_document(image) for image in images],
        }
    )


def _row_document(image: NamedImage) -> dict[str, object]:
    annotations = dict(image.descriptor.annotations)
    if image.tag is not None:
        annotations[REF_NAME] = image.tag
    row = document.descriptor_document(replace(image.descriptor, annotations=annotations))
    return row | ({"platform": platform_document(image.platform)} if image.platform else {})


def parse_layout_index(data: bytes) -> tuple[NamedImage, ...]:
    """Read index.json; raises InputError where it breaks the specification."""
    content = document.load(data, _KIND)
    rows = document.parse_list(content.get("manifests"), _KIND, "manifests")
    return tuple(_parse_row(row) for row in rows)


def _parse_row(value: object) -> NamedImage:
    descriptor = document.parse_descriptor(value, _KIND)
    annotations = dict(descriptor.annotations)
    tag = annotations.pop(REF_NAME, None)
    platform = document.parse_object(value, _KIND, "manifests").get("platform")
    return NamedImage(
        descriptor=replace(descriptor, annotations=annotations),
        tag=tag,
        platform=parse_platform(document.parse_object(platform, _KIND, "platform")),
    )


def renamed(
    images: Sequence[NamedImage],
    descriptor: Descriptor,
    names: Sequence[str | None],
    platform: Platform | None = None,
) -> tuple[NamedImage, ...]:
    """Return the rows with the descriptor under these tags, taken from whoever had them.

    The name None is that of an image without a tag, and moves as a tag does. Without any name the
    descriptor is only listed, beside all others.
    """
    kept = [image for image in images if not _replaced(image, descriptor, names)]
    listed = any(image.descriptor.digest == descriptor.digest for image in kept)
    rows = [
        NamedImage(descriptor=descriptor, tag=name, platform=platform)
        for name in names or (None,)
        if name is not None or not listed
    ]
    return (*kept, *rows)


def _replaced(image: NamedImage, descriptor: Descriptor, names: Sequence[str | None]) -> bool:
    if image.tag is None and image.descriptor.digest == descriptor.digest:
        return bool(names)
    return image.tag in names


def choose(images: Sequence[NamedImage], tag: str | None, place: str) -> Descriptor:
    """Return the image of the tag or, without one, the only image that there is.

    Raises StoreError where there is no such image, or more than one.
    """
    found = {
        image.descriptor.digest: image.descriptor
        for image in images
        if tag is None or image.tag == tag
    }
    if len(found) == 1:
        return next(iter(found.values()))
    tags = ", ".join(sorted(image.tag for image in images if image.tag)) or "none"
    what = f"{place!r} holds no image" if not found else f"{place!r} holds {len(found)} images"
    if tag is not None:
        what = f"{what} with the tag {tag!r}"
    raise StoreError(what, cause=f"Tags that it holds: {tags}.", next_step="Name one of its tags.")
