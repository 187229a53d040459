"""What `docker save` writes, read as an image.

docker keeps configs and unpacked layers, and no manifest: one is made that names exactly these,
unless the archive holds the image's own. Source: docker's image-spec v1.2, "Combined image JSON +
filesystem changeset format".
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from tcv_action.errors import InputError, StoreError
from tcv_action.oci import document
from tcv_action.oci.archive import INDEX, ArchivedLayout, blob_name, read_member, require_member
from tcv_action.oci.config import parse_config
from tcv_action.oci.descriptor import Descriptor
from tcv_action.oci.digest import describe, hash_stream, verified
from tcv_action.oci.image import OciImage
from tcv_action.oci.index import parse_index
from tcv_action.oci.manifest import build_manifest, open_image, parse_manifest
from tcv_action.oci.media_types import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_LAYER_GZIP,
    INDEXES,
    MediaTypes,
)
from tcv_action.oci.members import Members
from tcv_action.oci.reference import Reference

SAVED = "manifest.json"
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedImage:
    """A row of manifest.json: names of files in the archive, and the image's `NAME:TAG`s."""

    config: str
    layers: tuple[str, ...]
    names: tuple[str, ...] = ()


def build_saved(images: Sequence[SavedImage]) -> bytes:
    """Return the bytes of manifest.json."""
    rows = [
        {"Config": image.config, "RepoTags": list(image.names), "Layers": list(image.layers)}
        for image in images
    ]
    return json.dumps(rows, separators=(",", ":")).encode()


def parse_saved(data: bytes) -> tuple[SavedImage, ...]:
    """Read manifest.json, names made canonical; raises InputError where it is broken.

    A name that is none is kept as it stands: another image can be read and written beside it.
    """
    try:
        rows = json.loads(data)
    except (ValueError, RecursionError) as error:
        document.refuse(SAVED, f"it is no JSON: {error}")
    return tuple(_parse_row(row) for row in document.parse_list(rows, SAVED, "images"))


def _parse_row(row: object) -> SavedImage:
    content = document.parse_object(row, SAVED, "images")
    (config,) = _texts([content.get("Config")], "Config")
    return SavedImage(
        config=config,
        layers=_texts(content.get("Layers"), "Layers"),
        names=tuple(map(_canonical, _texts(content.get("RepoTags"), "RepoTags"))),
    )


def _texts(value: object, field: str) -> tuple[str, ...]:
    texts = []
    for text in document.parse_list(value, SAVED, field):
        if not isinstance(text, str):
            document.refuse(SAVED, f"{field!r} holds {text!r}")
        texts.append(text)
    return tuple(texts)


def _canonical(name: str) -> str:
    try:
        return Reference.parse(name).image
    except InputError:
        return name


def choose_saved(images: Sequence[SavedImage], name: str | None, place: str) -> SavedImage:
    """Return the image of that `NAME:TAG` or, without one, the only image that there is.

    Raises StoreError where there is no such image, or more than one.
    """
    found = [image for image in images if name is None or name in image.names]
    if len(found) == 1:
        return found[0]
    names = ", ".join(name for image in images for name in image.names) or "none"
    what = f"{place!r} holds {len(found) or 'no'} images"
    if name is not None:
        what = f"{what} with the name {name!r}"
    raise StoreError(what, cause=f"Names that it holds: {names}.", next_step="Name one of them.")


def open_saved(members: Members, saved: SavedImage, place: str) -> OciImage:
    """Return the image, with the manifest that the archive holds or one made for it.

    Raises InputError where the archive is broken, StoreError where it cannot be read.
    """
    config = read_member(members, saved.config, place)
    kept = _kept_manifest(members, describe(config, DOCKER_CONFIG).digest, place)
    if kept is not None:
        layout = ArchivedLayout(members, place)
        return open_image(layout.read_bytes(kept), kept, layout)
    diff_ids = parse_config(config).diff_ids
    if len(diff_ids) != len(saved.layers):
        document.refuse(SAVED, f"{len(saved.layers)} layers where the config has {len(diff_ids)}")
    layers = tuple(
        _layer(members, name, diff_id, place)
        for name, diff_id in zip(saved.layers, diff_ids, strict=True)
    )
    config_descriptor = describe(config, DOCKER_CONFIG)
    manifest = build_manifest(
        config=config_descriptor, layers=layers, media_types=MediaTypes.DOCKER
    )
    names = {layer.digest: name for layer, name in zip(layers, saved.layers, strict=True)}
    blobs = _SavedBlobs(members, {config_descriptor.digest: saved.config, **names}, place)
    return open_image(manifest, describe(manifest, MediaTypes.DOCKER.manifest), blobs)


def _kept_manifest(members: Members, config: str, place: str) -> Descriptor | None:
    """Find the manifest of that config in the archive's layout, if it has one."""
    if INDEX not in members.sizes:
        return None
    layout = ArchivedLayout(members, place)
    candidates = [image.descriptor for image in layout.images()]
    for descriptor in candidates:
        if blob_name(descriptor.digest) not in members.sizes:
            continue
        data = layout.read_bytes(descriptor)
        if descriptor.media_type in INDEXES:
            index = parse_index(data, descriptor)
            candidates += [entry.descriptor for entry in index.entries]
        elif parse_manifest(data, descriptor.media_type).config.digest == config:
            return descriptor
    return None


def _layer(members: Members, name: str, diff_id: str, place: str) -> Descriptor:
    """Describe a layer: plain tars go by the digest that the config has, others are hashed."""
    require_member(members, name, place)
    if not name.endswith("/layer.tar"):
        with members.open(name) as stream:
            packed = stream.read(len(_GZIP)) == _GZIP
        if packed:
            with members.open(name) as stream:
                return hash_stream(stream, DOCKER_LAYER_GZIP)
    return Descriptor(media_type=DOCKER_LAYER, digest=diff_id, size=members.sizes[name])


class _SavedBlobs:
    """The config and the layers of one saved image, by digest."""

    def __init__(self, members: Members, names: Mapping[str, str], place: str) -> None:
        self._members = members
        self._names = names
        self._place = place

    @contextmanager
    def open_blob(self, descriptor: Descriptor) -> Iterator[BinaryIO]:
        """Open a blob as a checked stream; see BlobSource."""
        name = self._names.get(descriptor.digest, descriptor.digest)
        require_member(self._members, name, self._place)
        with self._members.open(name) as stream:
            yield verified(stream, descriptor, f"{self._place}:{name}")
