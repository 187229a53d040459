"""The published specification, as a check of any image: what docs/ says, images must hold."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from tcv_action.oci.image import OciImage

SCHEMAS = Path(__file__).resolve().parents[1] / "docs" / "schema"
ROWS = {
    "application/vnd.oci.image.manifest.v1+json": (
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.oci.image.layer.v1.tar+gzip",
    ),
    "application/vnd.docker.distribution.manifest.v2+json": (
        "application/vnd.docker.container.image.v1+json",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
    ),
}
CONTENT_LAYER = "application/cache.triton.content.layer.v1+triton"


def assert_follows_specification(image: OciImage) -> None:
    """Assert what docs/spec-compat.md and docs/spec.md say of manifest, config and layer."""
    manifest, config = json.loads(image.manifest), json.loads(image.config)
    _check_manifest(manifest)
    labels = config["config"]["Labels"]
    kind = _check_labels(labels)
    with image.blobs.open_blob(image.layers[0]) as stream:
        tar = gzip.decompress(stream.read())
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(tar).hexdigest()}"]
    assert config["os"] == "linux"
    assert config["architecture"]
    _check_layer(tar, labels, kind)


def validate(document: Any, schema: str, part: str = "") -> None:
    """Validate a document against a schema of docs/schema, or a part of one."""
    reference = f"{_id(schema)}{part and f'#/$defs/{part}'}"
    validator = Draft202012Validator({"$ref": reference}, registry=_registry())
    validator.validate(document)


def _check_manifest(manifest: Mapping[str, Any]) -> None:
    config_type, layer_type = ROWS[manifest["mediaType"]]
    assert manifest["config"]["mediaType"] == config_type
    (layer,) = manifest["layers"]
    assert layer["mediaType"] in {layer_type, CONTENT_LAYER}
    variant = "oci" if layer["mediaType"] == CONTENT_LAYER else "compat"
    if "oci" in manifest["mediaType"]:
        assert manifest["annotations"]["cache.triton.image/variant"] == variant
    else:
        assert "annotations" not in manifest


def _check_labels(labels: Mapping[str, str]) -> str:
    validate(labels, "labels")
    (kind,) = (
        one for one in ("triton", "vllm", "inductor") if f"cache.{one}.image/summary" in labels
    )
    prefix = f"cache.{kind}.image/"
    validate(json.loads(labels[f"{prefix}summary"]), "labels", "summary")
    if f"{prefix}metadata" in labels:
        validate(json.loads(labels[f"{prefix}metadata"]), "labels", "metadata")
    if f"{prefix}environment" in labels:
        validate(json.loads(labels[f"{prefix}environment"]), "manifest", "environment")
    return kind


def _check_layer(tar: bytes, labels: Mapping[str, str], kind: str) -> None:
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as archive:
        members = archive.getmembers()
        manifest = archive.extractfile(f"io.{kind}.manifest/manifest.json")
        assert manifest is not None
        document = json.loads(manifest.read())
    names = [member.name for member in members]
    assert len(set(names)) == len(names)
    folders = set()
    for member in members:
        assert member.isfile() or member.isdir()
        assert member.name.split("/")[0] in {f"io.{kind}.cache", f"io.{kind}.manifest"}
        assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
        assert member.mode in ({0o644, 0o755} if member.isfile() else {0o755})
        parent = member.name.rpartition("/")[0]
        assert not parent or parent in folders
        folders |= {member.name} if member.isdir() else set()
    cache = [one for one in members if one.isfile() and one.name.startswith(f"io.{kind}.cache/")]
    assert sum(one.size for one in cache) == int(labels[f"cache.{kind}.image/cache-size-bytes"])
    _check_manifest_json(document, int(labels[f"cache.{kind}.image/entry-count"]), kind)


def _check_manifest_json(document: Any, count: int, kind: str) -> None:
    validate(document, "manifest")
    records = (
        document if isinstance(document, list) else document.get("vllm", document.get("triton"))
    )
    assert len(records) == count, kind


@cache
def _registry() -> Registry[Any]:
    resources = [
        Resource.from_contents(json.loads(path.read_text())) for path in SCHEMAS.glob("*.json")
    ]
    for resource in resources:
        Draft202012Validator.check_schema(resource.contents)
    return Registry().with_resources([(resource.id() or "", resource) for resource in resources])


def _id(schema: str) -> str:
    identifier = json.loads((SCHEMAS / f"{schema}.schema.json").read_text())["$id"]
    assert isinstance(identifier, str)
    return identifier
