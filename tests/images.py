"""Small images for tests: real layers and configs, in a layout on disk."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from tcv_action.oci.config import ImageConfig, build_config
from tcv_action.oci.descriptor import Descriptor
from tcv_action.oci.image import OciImage
from tcv_action.oci.layout import Layout
from tcv_action.oci.manifest import build_manifest, open_image
from tcv_action.oci.media_types import MediaTypes

FILES = {
    "io.triton.cache/KEY/add.json": b'{"hash":"0a"}',
    "io.triton.cache/KEY/add.cubin": bytes(range(256)) * 64,
    "io.triton.manifest/manifest.json": b'{"triton":[]}',
}
LABELS = {"cache.triton.image/entry-count": "1", "org.opencontainers.image.title": "sample"}


def tarball(files: Mapping[str, bytes]) -> bytes:
    """Return a plain tar of these files, folders before what they hold."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for folder in sorted({str(parent) for name in files for parent in Path(name).parents}):
            if folder != ".":
                info = tarfile.TarInfo(folder)
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(info)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def sample_image(
    folder: Path,
    media_types: MediaTypes = MediaTypes.OCI,
    *,
    files: Mapping[str, bytes] = FILES,
    labels: Mapping[str, str] = LABELS,
) -> OciImage:
    """Build an image of one gzip layer in the layout `folder`; the same input, the same digest."""
    layout = Layout.create(folder)
    tar = tarball(files)
    layer = layout.put_bytes(gzip.compress(tar, mtime=0), media_types.layer)
    config = ImageConfig(
        architecture="amd64",
        labels=labels,
        diff_ids=(f"sha256:{hashlib.sha256(tar).hexdigest()}",),
    )
    return image_of_layer(layout, layer, config, media_types)


def image_of_layer(
    layout: Layout, layer: Descriptor, config: ImageConfig, media_types: MediaTypes
) -> OciImage:
    """Join a layer that is in the layout to an image."""
    described = layout.put_bytes(build_config(config, created_by=["tests"]), media_types.config)
    manifest = build_manifest(config=described, layers=[layer], media_types=media_types)
    descriptor = layout.put_bytes(manifest, media_types.manifest)
    return open_image(manifest, descriptor, layout)


def layer_bytes(image: OciImage) -> bytes:
    """Return the bytes of the image's first layer, read from where it lies."""
    with image.blobs.open_blob(image.layers[0]) as stream:
        return stream.read()


def same_content(one: OciImage, other: OciImage) -> bool:
    """Tell whether two images agree in manifest, config and the bytes of each layer."""
    return (one.manifest, one.config, layer_bytes(one)) == (
        other.manifest,
        other.config,
        layer_bytes(other),
    )
