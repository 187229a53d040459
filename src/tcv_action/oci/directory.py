"""The folder of one image that containers' tools call `dir:`: exact manifest, blobs by digest.

It carries both rows of media types, which their `oci:` does not. Source: containers/image,
docs/containers-transports.5.md.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from tcv_action.oci import media_types
from tcv_action.oci.descriptor import Descriptor
from tcv_action.oci.digest import CHUNK, describe, verified
from tcv_action.oci.disk import disk_trouble
from tcv_action.oci.image import OciImage
from tcv_action.oci.layout import Layout
from tcv_action.oci.manifest import build_manifest, open_image, parse_manifest
from tcv_action.oci.media_types import Compression, MediaTypes

_MANIFEST = "manifest.json"
_VERSION = b"Directory Transport Version: 1.1\n"
_MAGIC = {b"\x1f\x8b": Compression.GZIP, b"\x28\xb5": Compression.ZSTD}


def write_directory(image: OciImage, folder: Path) -> int:
    """Write the image into an empty folder; return its bytes. A layout's blobs are linked."""
    parts = (*image.layers, image.config_descriptor)
    with disk_trouble(folder):
        (folder / "version").write_bytes(_VERSION)
        (folder / _MANIFEST).write_bytes(image.manifest)
        for blob in parts:
            _place(image, blob, folder / _hex(blob))
    return image.descriptor.size + sum(blob.size for blob in parts)


def _place(image: OciImage, blob: Descriptor, path: Path) -> None:
    if path.exists():
        return
    if isinstance(image.blobs, Layout):
        path.symlink_to(image.blobs.blob_path(blob).absolute())
        return
    with image.blobs.open_blob(blob) as stream, path.open("wb") as target:
        shutil.copyfileobj(stream, target, CHUNK)


def read_directory(folder: Path, blobs: "DirectoryBlobs") -> OciImage:
    """Read the image of the folder.

    A tool that takes layers out of its storage unpacks them and leaves their media types as they
    were; here the manifest is made anew to say what the bytes are. Raises InputError where the
    manifest is broken, StoreError from the disk.
    """
    with disk_trouble(folder, "read"):
        manifest = parse_manifest((folder / _MANIFEST).read_bytes())
        row = MediaTypes.OCI
        if manifest.media_type == media_types.DOCKER_MANIFEST:
            row = MediaTypes.DOCKER
        layers = [_as_it_is(layer, folder, row) for layer in manifest.layers]
    data = build_manifest(
        config=manifest.config,
        layers=layers,
        media_types=row,
        annotations=manifest.annotations,
    )
    return open_image(data, describe(data, row.manifest), blobs)


def _as_it_is(layer: Descriptor, folder: Path, row: MediaTypes) -> Descriptor:
    with (folder / _hex(layer)).open("rb") as stream:
        found = _MAGIC.get(stream.read(2), Compression.NONE)
    known = media_types.COMPRESSIONS.get(layer.media_type)
    if known is None or known is found:
        return layer
    return replace(layer, media_type=media_types.layer_type(row, found))


class DirectoryBlobs:
    """The blobs of such a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def open_blob(self, descriptor: Descriptor) -> Iterator[BinaryIO]:
        """Open a blob as a checked stream; see BlobSource."""
        path = self._folder / _hex(descriptor)
        with disk_trouble(path, "read"):
            stream = path.open("rb", buffering=0)
        with stream:
            yield verified(stream, descriptor, str(path))


def _hex(descriptor: Descriptor) -> str:
    return descriptor.digest.removeprefix("sha256:")
