"""Images built by hand, byte by byte where need be: what other tools, or an enemy, may write."""

import gzip
import hashlib
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tcv_action.oci.config import ImageConfig, build_config
from tcv_action.oci.image import OciImage
from tcv_action.oci.layout import Layout
from tcv_action.oci.manifest import build_manifest
from tcv_action.oci.media_types import OCI_LAYER_GZIP, MediaTypes
from tests.caches import hash_of, key_of

END = bytes(1024)
ROOT = "io.triton.cache"
MANIFEST = "io.triton.manifest/manifest.json"


def member(
    name: str,
    content: bytes = b"",
    *,
    kind: bytes = tarfile.REGTYPE,
    link: str = "",
    mode: int = 0o644,
) -> bytes:
    """Return one member of an archive, of any kind, under any name."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.size = kind, link, mode, len(content)
    return info.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512)


def entry_members(number: int = 0, *, name: str = "k", root: str = ROOT) -> list[bytes]:
    """Return the members of a small entry for CUDA 90."""
    folder = f"{root}/{key_of(number)}"
    metadata = {
        "hash": hash_of(number),
        "target": {"backend": "cuda", "arch": 90, "warp_size": 32},
        "name": name,
    }
    children = {child: f"/elsewhere/{child}" for child in (f"{name}.cubin", f"{name}.json")}
    return [
        member(f"{folder}/{name}.cubin", b"cubin"),
        member(f"{folder}/{name}.json", json.dumps(metadata).encode()),
        member(f"{folder}/__grp__{name}.json", json.dumps({"child_paths": children}).encode()),
    ]


def manifest_member(numbers: Sequence[int] = (0,), *, bare: bool = False) -> bytes:
    """Return the member of a manifest.json of either generation."""
    records = [
        {"hash": hash_of(number), "backend": "cuda", "arch": "90", "warp_size": 32}
        for number in numbers
    ]
    return member(MANIFEST, json.dumps(records if bare else {"triton": records}).encode())


def archive(members: Sequence[bytes]) -> bytes:
    """Return a whole archive."""
    return b"".join(members) + END


def labels(*, entries: int = 1, size: int | None = None, **more: str) -> dict[str, str]:
    """Return the labels of an image of CUDA 90 entries."""
    summary = {"targets": [{"backend": "cuda", "arch": "90", "warp_size": 32}]}
    told = {
        "cache.triton.image/summary": json.dumps(summary),
        "cache.triton.image/entry-count": str(entries),
    }
    if size is not None:
        told["cache.triton.image/cache-size-bytes"] = str(size)
    return told | more


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer as it stands in a registry, and what it claims of itself."""

    data: bytes
    diff_id: str
    media_type: str = OCI_LAYER_GZIP


def gzip_layer(tar: bytes, media_type: str = OCI_LAYER_GZIP) -> Layer:
    """Compress an archive to a layer with the right diff_id."""
    return Layer(data=gzip.compress(tar, mtime=0), diff_id=digest(tar), media_type=media_type)


def digest(data: bytes) -> str:
    """Return `sha256:<64 hex>`."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def image_of(
    layout: Layout,
    layers: Sequence[Layer],
    config_labels: Mapping[str, str],
    media_types: MediaTypes = MediaTypes.OCI,
) -> OciImage:
    """Put layers and labels together to an image in a layout."""
    descriptors = [layout.put_bytes(layer.data, layer.media_type) for layer in layers]
    config = build_config(
        ImageConfig(
            architecture="amd64",
            labels=config_labels,
            diff_ids=tuple(layer.diff_id for layer in layers),
        )
    )
    config_descriptor = layout.put_bytes(config, media_types.config)
    manifest = build_manifest(config=config_descriptor, layers=descriptors, media_types=media_types)
    return OciImage(
        descriptor=layout.put_bytes(manifest, media_types.manifest),
        manifest=manifest,
        config_descriptor=config_descriptor,
        config=config,
        layers=tuple(descriptors),
        blobs=layout,
    )
