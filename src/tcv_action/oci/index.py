"""Indexes: several images under one name, told apart by platform and annotations.

Source: OCI image specification 1.1, image-index.md; docker's manifest list.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tcv_action.oci import document
from tcv_action.oci.descriptor import Descriptor
from tcv_action.oci.digest import describe
from tcv_action.oci.manifest import manifest_type
from tcv_action.oci.media_types import INDEXES, MANIFESTS, MediaTypes

_KIND = "index"
_ATTESTATION = "vnd.docker.reference.digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """What a runtime chooses by; `architecture` in Go's words: amd64, arm64."""

    architecture: str
    os: str = "linux"
    variant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEntry:
    """One image of an index; its annotations are the descriptor's."""

    descriptor: Descriptor
    platform: Platform | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OciIndex:
    """One index, exact to the byte: `descriptor` points to `data`."""

    descriptor: Descriptor
    data: bytes
    entries: tuple[IndexEntry, ...]
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The index's digest."""
        return self.descriptor.digest


def build_index(
    entries: Sequence[IndexEntry],
    *,
    media_types: MediaTypes = MediaTypes.OCI,
    annotations: Mapping[str, str] | None = None,
) -> OciIndex:
    """Join images to an index; annotations stand only in OCI's row."""
    oci = media_types is MediaTypes.OCI
    content: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": media_types.image_index,
        "manifests": [_entry_document(entry, annotated=oci) for entry in entries],
    }
    if annotations and oci:
        content["annotations"] = dict(sorted(annotations.items()))
    data = document.dump(content)
    return parse_index(data, describe(data, media_types.image_index))


def _entry_document(entry: IndexEntry, *, annotated: bool) -> dict[str, object]:
    content = document.descriptor_document(entry.descriptor)
    annotations = content.pop("annotations", None)
    if entry.platform:
        content["platform"] = platform_document(entry.platform)
    if annotations and annotated:
        content["annotations"] = annotations
    return content


def platform_document(platform: Platform) -> dict[str, str]:
    """Return the platform as it stands in indexes."""
    content = {"architecture": platform.architecture, "os": platform.os}
    return content | ({"variant": platform.variant} if platform.variant else {})


def parse_index(data: bytes, descriptor: Descriptor) -> OciIndex:
    """Read an index whose digest was checked.

    Entries of unknown media types are passed over, as the specification asks, and so are the
    attestations that docker's builder puts beside its images. Raises InputError for content that
    is no index, and for an index inside it.
    """
    content = document.load(data, _KIND)
    actual = manifest_type(content, descriptor.media_type)
    if actual not in INDEXES:
        document.refuse(_KIND, f"its media type is {actual!r}")
    entries = document.parse_list(content.get("manifests"), _KIND, "manifests")
    return OciIndex(
        descriptor=descriptor,
        data=data,
        entries=tuple(
            entry
            for entry in map(_parse_entry, entries)
            if entry.descriptor.media_type in MANIFESTS
            and _ATTESTATION not in entry.descriptor.annotations
        ),
        annotations=document.parse_strings(content.get("annotations"), _KIND, "annotations"),
    )


def _parse_entry(value: object) -> IndexEntry:
    descriptor = document.parse_descriptor(value, _KIND)
    if descriptor.media_type in INDEXES:
        document.refuse(_KIND, f"it holds another index, {descriptor.digest!r}")
    content = document.parse_object(value, _KIND, "manifests")
    platform = document.parse_object(content.get("platform"), _KIND, "platform")
    return IndexEntry(descriptor=descriptor, platform=parse_platform(platform))


def parse_platform(content: Mapping[str, object]) -> Platform | None:
    """Read a platform out of an index; None where it names no architecture or system."""
    architecture, os = content.get("architecture"), content.get("os")
    if not isinstance(architecture, str) or not isinstance(os, str):
        return None
    return Platform(architecture=architecture, os=os, variant=str(content.get("variant") or ""))
