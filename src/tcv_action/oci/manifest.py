"""Manifests: the document that joins a config and layers to one image.

Source: OCI image specification 1.1, manifest.md; distribution's manifest-v2-2.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tcv_action.oci import document
from tcv_action.oci.descriptor import BlobSource, Descriptor
from tcv_action.oci.image import OciImage
from tcv_action.oci.media_types import INDEXES, MANIFESTS, OCI_MANIFEST, MediaTypes

_KIND = "manifest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a manifest says; `layers` are bottom first."""

    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = field(default_factory=dict)


def build_manifest(
    *,
    config: Descriptor,
    layers: Sequence[Descriptor],
    media_types: MediaTypes,
    annotations: Mapping[str, str] | None = None,
) -> bytes:
    """Return the exact bytes of a manifest; annotations stand only in OCI's row."""
    content: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": media_types.manifest,
        "config": document.descriptor_document(config),
        "layers": [document.descriptor_document(layer) for layer in layers],
    }
    if annotations and media_types is MediaTypes.OCI:
        content["annotations"] = dict(sorted(annotations.items()))
    return document.dump(content)


def parse_manifest(data: bytes, media_type: str | None = None) -> Manifest:
    """Read a manifest; `media_type` is what the place it came from calls it.

    Raises InputError for an unknown media type, for an index, and for broken content.
    """
    content = document.load(data, _KIND)
    actual = manifest_type(content, media_type)
    if actual in INDEXES:
        document.refuse(_KIND, "it is an index, where one image was expected")
    layers = document.parse_list(content.get("layers"), _KIND, "layers")
    return Manifest(
        media_type=actual,
        config=document.parse_descriptor(content.get("config"), _KIND),
        layers=tuple(document.parse_descriptor(layer, _KIND) for layer in layers),
        annotations=document.parse_strings(content.get("annotations"), _KIND, "annotations"),
    )


def manifest_type(content: Mapping[str, object], media_type: str | None = None) -> str:
    """Return the media type of a manifest or index.

    OCI lets a manifest leave the type out; then `media_type` holds, or OCI's is meant. Raises
    InputError where the two disagree, the type is unknown, or the content is of both kinds.
    """
    stated = content.get("mediaType")
    if stated is not None and media_type not in (None, stated):
        document.refuse(_KIND, f"it says {stated!r} and came as {media_type!r}")
    actual = stated or media_type or OCI_MANIFEST
    if not isinstance(actual, str) or actual not in (*MANIFESTS, *INDEXES):
        document.refuse(_KIND, f"its media type {actual!r} is none of an image")
    # A document of both kinds would be read differently by different tools (CVE-2021-41190).
    foreign = {"layers", "config"} if actual in INDEXES else {"manifests"}
    if foreign & content.keys():
        document.refuse(_KIND, "it is an index and a manifest at once")
    return actual


def open_image(data: bytes, descriptor: Descriptor, blobs: BlobSource) -> OciImage:
    """Return the image of a manifest whose digest was checked, its config read from `blobs`.

    Raises InputError for content that cannot be read, StoreError where `blobs` fails.
    """
    manifest = parse_manifest(data, descriptor.media_type)
    if manifest.config.size > document.CONFIG_LIMIT:
        document.refuse("config", f"it has {manifest.config.size} bytes")
    with blobs.open_blob(manifest.config) as stream:
        config = stream.read()
    return OciImage(
        descriptor=descriptor,
        manifest=data,
        config_descriptor=manifest.config,
        config=config,
        layers=manifest.layers,
        blobs=blobs,
    )
