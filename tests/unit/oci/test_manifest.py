"""Manifests, configs and indexes: exact bytes out, and what is refused on the way in."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tcv_action.errors import InputError, StoreError
from tcv_action.oci import media_types
from tcv_action.oci.config import ImageConfig, build_config, parse_config
from tcv_action.oci.descriptor import Descriptor
from tcv_action.oci.digest import describe, sha256
from tcv_action.oci.index import IndexEntry, Platform, build_index, parse_index
from tcv_action.oci.layout import Layout
from tcv_action.oci.manifest import build_manifest, open_image, parse_manifest
from tcv_action.oci.media_types import Compression, MediaTypes, layer_compression, layer_type

CONFIG = Descriptor(media_type=media_types.OCI_CONFIG, digest=sha256(b"config"), size=6)
LAYER = Descriptor(media_type=media_types.OCI_LAYER_GZIP, digest=sha256(b"layer"), size=5)
ENTRY = {"mediaType": media_types.OCI_MANIFEST, "digest": sha256(b"m"), "size": 1}


def manifest(**changes: object) -> bytes:
    return json.dumps(json.loads(build(MediaTypes.OCI)) | changes).encode()


def build(row: MediaTypes, annotations: Mapping[str, str] | None = None) -> bytes:
    return build_manifest(config=CONFIG, layers=[LAYER], media_types=row, annotations=annotations)


def test_a_manifest_has_one_form() -> None:
    assert build(MediaTypes.OCI, {"b": "2", "a": "1"}) == (
        b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",'
        b'"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%b","size":6},'
        b'"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"%b",'
        b'"size":5}],"annotations":{"a":"1","b":"2"}}'
        % (CONFIG.digest.encode(), LAYER.digest.encode())
    )


def test_docker_s_row_has_no_annotations() -> None:
    assert "annotations" not in json.loads(build(MediaTypes.DOCKER, {"a": "1"}))


@pytest.mark.parametrize("row", list(MediaTypes))
def test_a_manifest_comes_back(row: MediaTypes) -> None:
    parsed = parse_manifest(build(row), row.manifest)

    assert (parsed.media_type, parsed.config, parsed.layers) == (row.manifest, CONFIG, (LAYER,))


def test_a_manifest_may_leave_its_type_out() -> None:
    content = json.loads(build(MediaTypes.OCI))
    del content["mediaType"]

    assert parse_manifest(json.dumps(content).encode()).media_type == media_types.OCI_MANIFEST


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no JSON object"),
        (manifest(mediaType="application/vnd.acme"), "'application/vnd.acme' is none of an image"),
        (manifest(mediaType=7), "is none of an image"),
        (manifest(manifests=[]), "an index and a manifest at once"),
        (manifest(config=None), "a descriptor is None"),
        (manifest(layers={}), "'layers' is not a list"),
        (manifest(layers=[{"mediaType": "x", "digest": "sha256:..", "size": 1}]), "the digest"),
        (manifest(layers=[ENTRY | {"size": -1}]), "the size -1"),
        (manifest(layers=[ENTRY | {"size": True}]), "the size True"),
        (manifest(annotations={"a": 1}), "no string"),
        (build_index([]).data, "an index, where one image was expected"),
    ],
)
def test_a_broken_manifest_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        parse_manifest(data)

    assert caught.value.next_step


def test_a_manifest_that_came_as_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match="came as"):
        parse_manifest(build(MediaTypes.OCI), media_types.DOCKER_MANIFEST)


@pytest.mark.parametrize("stated", [["x"], {"x": 1}])
def test_a_media_type_that_is_no_text_is_refused(stated: object) -> None:
    with pytest.raises(InputError, match="came as"):
        parse_manifest(manifest(mediaType=stated), media_types.OCI_MANIFEST)


def test_a_config_of_megabytes_is_refused_unread(tmp_path: Path) -> None:
    large = Descriptor(media_type=media_types.OCI_CONFIG, digest=CONFIG.digest, size=9 << 20)
    data = build_manifest(config=large, layers=[], media_types=MediaTypes.OCI)

    with pytest.raises(InputError, match="9437184 bytes"):
        open_image(data, describe(data, media_types.OCI_MANIFEST), Layout.create(tmp_path))


def test_a_missing_config_is_said(tmp_path: Path) -> None:
    data = build(MediaTypes.OCI)

    with pytest.raises(StoreError, match="cannot read"):
        open_image(data, describe(data, media_types.OCI_MANIFEST), Layout.create(tmp_path))


def test_a_config_comes_back() -> None:
    config = ImageConfig(
        architecture="arm64", labels={"b": "2", "a": "é"}, diff_ids=(sha256(b"tar"),)
    )

    data = build_config(config, created_by=["tcv"])

    assert parse_config(data) == config
    assert list(json.loads(data)["config"]["Labels"]) == ["a", "b"]
    assert json.loads(data)["history"] == [{"created": config.created, "created_by": "tcv"}]


@pytest.mark.parametrize("data", [b"{}", b'{"config":null,"rootfs":{"diff_ids":null}}'])
def test_a_bare_config_is_read(data: bytes) -> None:
    assert parse_config(data).labels == {}


@pytest.mark.parametrize(
    "data", [b"[]", b'{"config":[]}', b'{"config":{"Labels":{"a":1}}}', b'["\\ud800"]']
)
def test_a_broken_config_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="config"):
        parse_config(data)


@pytest.mark.parametrize("row", list(MediaTypes))
def test_an_index_comes_back(row: MediaTypes) -> None:
    target = {"arch": "90"}
    descriptor = Descriptor(
        media_type=row.manifest, digest=sha256(b"m"), size=1, annotations=target
    )
    platform = Platform(architecture="arm64", variant="v8")

    index = build_index([IndexEntry(descriptor=descriptor, platform=platform)], media_types=row)

    assert parse_index(index.data, index.descriptor) == index
    assert index.entries[0].platform == platform
    annotated = row is MediaTypes.OCI
    assert index.entries[0].descriptor.annotations == (target if annotated else {})


def index_of(*entries: object) -> bytes:
    content = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_INDEX,
        "manifests": entries,
    }
    return json.dumps(content).encode()


def test_an_index_in_an_index_is_refused() -> None:
    data = index_of(ENTRY | {"mediaType": media_types.OCI_INDEX})

    with pytest.raises(InputError, match="holds another index"):
        parse_index(data, describe(data, media_types.OCI_INDEX))


def test_what_an_index_holds_beside_images_is_passed_over() -> None:
    attestation = {"annotations": {"vnd.docker.reference.digest": ENTRY["digest"]}}
    data = index_of(ENTRY, ENTRY | {"mediaType": "application/vnd.acme"}, ENTRY | attestation)

    index = parse_index(data, describe(data, media_types.OCI_INDEX))

    assert [entry.descriptor.digest for entry in index.entries] == [ENTRY["digest"]]


def test_a_manifest_is_no_index() -> None:
    data = build(MediaTypes.OCI)

    with pytest.raises(InputError, match="index cannot be read"):
        parse_index(data, describe(data, media_types.OCI_MANIFEST))


@pytest.mark.parametrize("row", list(MediaTypes))
@pytest.mark.parametrize("compression", list(Compression))
def test_a_layer_s_type_tells_how_it_is_packed(row: MediaTypes, compression: Compression) -> None:
    assert layer_compression(layer_type(row, compression)) is compression


def test_an_unknown_layer_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(InputError, match=r"application/vnd\.acme") as caught:
        layer_compression("application/vnd.acme")

    assert media_types.OCI_LAYER_GZIP in caught.value.next_step
