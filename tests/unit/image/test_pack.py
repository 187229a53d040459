"""Packing: the contract to the letter, and the same bytes for the same files."""

import io
import json
import logging
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.caches import (
    HIP,
    add_entry,
    add_helper,
    hash_of,
    key_of,
    small_cache,
    unpack_native_h100,
)

from tcv_action.errors import InputError, NothingToPackageError, StoreError
from tcv_action.image import Contents, Contract, PackOptions, Variant, pack, read_contract
from tcv_action.oci.image import OciImage
from tcv_action.oci.layout import Layout
from tcv_action.oci.media_types import CONTENT_LAYER, MediaTypes
from tcv_action.triton.environment import Environment, to_json
from tcv_action.triton.groups import PathStyle
from tcv_action.triton.reader import read_cache
from tcv_action.triton.request import Request
from tcv_action.triton.target import Target

PREFIX = "cache.triton.image/"
ENVIRONMENT = Environment(
    triton_version="3.6.0",
    triton_key="ab" * 32,
    triton_key_text="3.6.0-ab-cd",
    python_version="3.11.7",
    python_abi="cpython-311",
    host_arch="aarch64",
    tools={"ptxas": "12.8"},
    variables={"TRITON_DEBUG": None},
)
REQUEST = Request(
    name="add_kernel",
    hash=hash_of(0),
    hit=False,
    target="cuda:90",
    source="/home/me/add.py:3",
    signature={"x": "*fp32"},
    constants={"BLOCK": 1024},
    attributes={},
    options={"num_warps": 4},
    seconds={"llir": 0.1},
)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout.create(tmp_path / "layout")


def packed(
    layout: Layout, cache: Path, options: PackOptions | None = None, **known: object
) -> OciImage:
    return pack(
        read_cache(cache),
        None,
        layout,
        options=options or PackOptions(),
        **known,  # type: ignore[arg-type]
    )


def labels_of(image: OciImage) -> dict[str, str]:
    labels = json.loads(image.config)["config"]["Labels"]
    assert isinstance(labels, dict)
    return labels


def members_of(image: OciImage) -> dict[str, bytes]:
    with image.blobs.open_blob(image.layers[0]) as stream:
        data = stream.read()
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        files = {one.name: archive.extractfile(one) for one in archive if one.isfile()}
        return {name: stream.read() for name, stream in files.items() if stream}


def manifest_json(image: OciImage) -> str:
    return members_of(image)["io.triton.manifest/manifest.json"].decode()


def test_the_digest_of_an_image_is_this(tmp_path: Path, layout: Layout) -> None:
    """Guards reproducibility from release to release: a change here changes every digest."""
    image = packed(layout, small_cache(tmp_path / "cache"))

    assert image.digest == "sha256:ec970b7dd9fb88af35295e3ffff859520d53e3c257ad7a80aeaefa9a437e1f26"


def _renamed(cache: Path) -> Path:
    return cache.rename(cache.with_name("another name"))


def _aged(cache: Path) -> Path:
    for number, path in enumerate(sorted(cache.rglob("*"))):
        os.utime(path, (number, 1_000_000 + number))
    return cache


def _chowned(cache: Path) -> Path:
    for path in cache.rglob("*"):
        os.chown(path, 1234, 4321)
    return cache


def _private(cache: Path) -> Path:
    for path in cache.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return cache


def _in_another_order(cache: Path) -> Path:
    turned = cache.with_name("turned")
    for path in sorted(cache.rglob("*"), reverse=True):
        if path.is_file():
            place = turned / path.relative_to(cache)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
    return turned


def _relocated(cache: Path) -> Path:
    for path in cache.glob("*/__grp__*"):
        path.write_text(path.read_text().replace("/tmp/warm", "/somewhere/else"))  # noqa: S108
    return cache


def _with_leftovers(cache: Path) -> Path:
    (cache / "tmp.pid_1_a").mkdir()
    (cache / key_of(0) / "lock").touch()
    return cache


@pytest.mark.parametrize(
    "change",
    [
        _renamed,
        _aged,
        pytest.param(
            _chowned, marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root gives away")
        ),
        _private,
        _in_another_order,
        _relocated,
        _with_leftovers,
    ],
)
def test_one_cache_has_one_digest(
    tmp_path: Path, layout: Layout, change: Callable[[Path], Path]
) -> None:
    first = packed(layout, small_cache(tmp_path / "one"))

    second = packed(layout, change(small_cache(tmp_path / "two")))

    assert second.digest == first.digest


def test_the_labels_are_the_contract_s(tmp_path: Path, layout: Layout) -> None:
    cache = small_cache(tmp_path / "cache", entries=1)

    image = packed(layout, cache, PackOptions(title="kernels", labels={"com.example.x": "y"}))

    labels = labels_of(image)
    assert json.loads(labels.pop(f"{PREFIX}metadata")) == [
        {
            "hash": hash_of(0),
            "backend": "cuda",
            "arch": "90",
            "warp_size": 32,
            "dummy_key": json.loads(manifest_json(image))["triton"][0]["dummy_key"],
            "num_stages": 3,
            "num_warps": 4,
        }
    ]
    sizes = [len(data) for name, data in members_of(image).items() if "io.triton.cache/" in name]
    assert labels == {
        f"{PREFIX}summary": '{"targets":[{"backend":"cuda","arch":"90","warp_size":32}]}',
        f"{PREFIX}entry-count": "1",
        f"{PREFIX}cache-size-bytes": str(sum(sizes)),
        f"{PREFIX}variant": "multi",
        f"{PREFIX}path-style": "portable",
        f"{PREFIX}contents": "full",
        f"{PREFIX}python-abi": "cpython-312",
        f"{PREFIX}host-arch": "x86_64",
        "org.opencontainers.image.title": "kernels",
        "com.example.x": "y",
    }


def test_an_environment_is_recorded_in_labels_and_manifest_json(
    tmp_path: Path, layout: Layout
) -> None:
    add_entry(tmp_path / "cache")

    image = packed(layout, tmp_path / "cache", environment=ENVIRONMENT, requests=[REQUEST])

    labels = labels_of(image)
    assert labels[f"{PREFIX}triton-version"] == "3.6.0"
    assert labels[f"{PREFIX}triton-key"] == "ab" * 32
    assert labels[f"{PREFIX}python-abi"] == "cpython-311"
    assert labels[f"{PREFIX}host-arch"] == "aarch64"
    assert labels[f"{PREFIX}environment"] == to_json(ENVIRONMENT)
    assert json.loads(image.config)["architecture"] == "arm64"
    document = json.loads(manifest_json(image))
    assert list(document) == ["triton", "environment", "requests"]
    assert document["environment"] == json.loads(to_json(ENVIRONMENT))
    assert document["requests"][0]["source"] == "add.py:3"
    assert "triton_key_text" not in manifest_json(image)


def test_manifest_json_has_its_fields_in_the_order_of_mcv(tmp_path: Path, layout: Layout) -> None:
    add_entry(tmp_path / "cache", target=HIP, ptx_version=84, debug=True)

    text = manifest_json(packed(layout, tmp_path / "cache"))

    (record,) = json.loads(text)["triton"]
    assert text.startswith('{"triton":[{"hash":"')
    assert list(record) == [
        "hash", "dummy_key", "ptx_version", "num_stages", "num_warps", "debug", "backend", "arch",
        "warp_size",
    ]  # fmt: skip
    assert (record["arch"], record["warp_size"], record["debug"]) == ("gfx942", 64, True)


def test_the_older_contract_has_its_own_summary_and_a_bare_array(
    tmp_path: Path, layout: Layout
) -> None:
    image = packed(layout, small_cache(tmp_path / "cache"), PackOptions(contract=Contract.TCV))

    assert labels_of(image)[f"{PREFIX}summary"] == (
        '{"variant":"multi","entry_count":3,'
        '"targets":[{"backend":"cuda","arch":"90","warp_size":32}]}'
    )
    assert len(json.loads(manifest_json(image))) == 3
    assert read_contract(image).generation is Contract.TCV


@pytest.mark.parametrize("media_types", list(MediaTypes))
@pytest.mark.parametrize("variant", list(Variant))
def test_a_manifest_keeps_to_one_row_of_media_types(
    tmp_path: Path, layout: Layout, media_types: MediaTypes, variant: Variant
) -> None:
    options = PackOptions(media_types=media_types, variant=variant, annotations={"a": "b"})

    image = packed(layout, small_cache(tmp_path / "cache"), options)

    manifest = json.loads(image.manifest)
    assert manifest["mediaType"] == media_types.manifest == image.descriptor.media_type
    assert manifest["config"]["mediaType"] == media_types.config
    (layer,) = manifest["layers"]
    assert layer["mediaType"] == (media_types.layer if variant is Variant.COMPAT else CONTENT_LAYER)
    if media_types is MediaTypes.OCI:
        assert manifest["annotations"] == {f"{PREFIX}variant": str(variant), "a": "b"}
    else:
        assert "annotations" not in manifest
    assert read_contract(image).variant is variant


def test_the_config_has_what_readers_ask_for(tmp_path: Path, layout: Layout) -> None:
    config = json.loads(packed(layout, small_cache(tmp_path / "cache")).config)

    assert (config["architecture"], config["os"]) == ("amd64", "linux")
    assert config["rootfs"]["type"] == "layers"
    assert len(config["rootfs"]["diff_ids"]) == len(config["history"]) == 1
    assert config["created"] == "1970-01-01T00:00:00Z"


def test_a_chosen_time_is_that_of_config_and_files(tmp_path: Path, layout: Layout) -> None:
    image = packed(layout, small_cache(tmp_path / "cache"), PackOptions(created=1_700_000_000))

    assert json.loads(image.config)["created"] == "2023-11-14T22:13:20Z"
    with (
        image.blobs.open_blob(image.layers[0]) as stream,
        tarfile.open(fileobj=stream, mode="r|gz") as archive,
    ):
        assert {member.mtime for member in archive} == {1_700_000_000}


def test_group_files_get_the_style_s_paths_and_the_label_says_which(
    tmp_path: Path, layout: Layout
) -> None:
    cache = small_cache(tmp_path / "cache", entries=1)
    style = PathStyle.parse("baked:/models/cache")

    image = packed(layout, cache, PackOptions(path_style=style))

    group = members_of(image)[f"io.triton.cache/{key_of(0)}/__grp__kernel_0.json"]
    assert f"/models/cache/{key_of(0)}/kernel_0.cubin".encode() in group
    assert labels_of(image)[f"{PREFIX}path-style"] == "baked:/models/cache"


def test_binary_contents_leave_out_source_and_ir(tmp_path: Path, layout: Layout) -> None:
    cache = unpack_native_h100(tmp_path)

    image = packed(layout, cache, PackOptions(contents=Contents.BINARY))

    members = members_of(image)
    kinds = {name.rpartition(".")[2] for name in members}
    assert kinds == {"cubin", "json", "so"}
    for name, content in members.items():
        if "__grp__" in name:
            assert {child.rpartition(".")[2] for child in json.loads(content)["child_paths"]} == {
                "cubin", "json",
            }  # fmt: skip
    assert read_contract(image).entry_count == 31
    assert labels_of(image)[f"{PREFIX}contents"] == "binary"


def test_a_metadata_label_beyond_64_kib_is_left_out_and_said_so(
    tmp_path: Path, layout: Layout, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(400):
        folder = tmp_path / "cache" / key_of(number)
        folder.mkdir(parents=True)
        document = {"hash": hash_of(number), "target": HIP}
        (folder / "k.json").write_text(json.dumps(document))

    with caplog.at_level(logging.WARNING):
        image = packed(layout, tmp_path / "cache")

    assert f"{PREFIX}metadata" not in labels_of(image)
    assert "metadata is left out" in caplog.text
    assert len(image.config) < 4096


def test_a_label_of_the_contract_cannot_be_set() -> None:
    with pytest.raises(InputError, match=r"label 'cache.triton.image/entry-count' cannot be set"):
        PackOptions(labels={f"{PREFIX}entry-count": "7"})


@pytest.mark.parametrize("created", [-1, 8**11])
def test_a_time_that_no_archive_can_hold_is_refused(created: int) -> None:
    with pytest.raises(InputError, match=f"The time {created} cannot be the image's"):
        PackOptions(created=created)


def test_a_target_takes_its_entries_and_every_helper(tmp_path: Path, layout: Layout) -> None:
    add_entry(tmp_path / "cache", 1)
    add_entry(tmp_path / "cache", 2, target=HIP)
    helper = add_helper(tmp_path / "cache")
    target = Target("hip", "gfx942", 64)

    image = pack(read_cache(tmp_path / "cache"), target, layout, options=PackOptions())

    folders = {name.split("/")[1] for name in members_of(image)} - {"manifest.json"}
    assert folders == {key_of(2), helper.name}
    facts = read_contract(image)
    assert (facts.targets, facts.entry_count) == ((target,), 1)


def test_a_target_without_entries_is_nothing_to_package(tmp_path: Path, layout: Layout) -> None:
    cache = read_cache(small_cache(tmp_path / "cache"))

    with pytest.raises(NothingToPackageError):
        pack(cache, Target("cuda", "80", 32), layout, options=PackOptions())


def test_names_that_ustar_has_no_room_for_are_packed(tmp_path: Path, layout: Layout) -> None:
    cache = small_cache(tmp_path / "cache", entries=1)
    long_name = f"{'long' * 40}.ptx"
    (cache / key_of(0) / long_name).write_text("long")
    (cache / key_of(0) / "naïve_核.ptx").write_text("utf8")

    members = members_of(packed(layout, cache))

    assert members[f"io.triton.cache/{key_of(0)}/{long_name}"] == b"long"
    assert members[f"io.triton.cache/{key_of(0)}/naïve_核.ptx"] == b"utf8"


def test_a_broken_group_file_is_refused_by_name(tmp_path: Path, layout: Layout) -> None:
    cache = small_cache(tmp_path / "cache", entries=1)
    (cache / key_of(0) / "__grp__kernel_0.json").write_text("{")

    with pytest.raises(InputError, match=key_of(0)):
        packed(layout, cache)


@pytest.mark.parametrize("name", ["kernel_0.cubin", "__grp__kernel_0.json"])
def test_a_file_that_vanishes_between_listing_and_packing_is_named_and_leaves_no_blob(
    tmp_path: Path, layout: Layout, name: str
) -> None:
    cache = read_cache(small_cache(tmp_path / "cache", entries=1))
    (cache.root / key_of(0) / name).unlink()

    with pytest.raises(InputError, match=name):
        pack(cache, None, layout, options=PackOptions())
    assert list((layout.root / "blobs" / "sha256").iterdir()) == []


def test_a_disk_that_refuses_is_a_store_error(tmp_path: Path, layout: Layout) -> None:
    cache = read_cache(small_cache(tmp_path / "cache"))
    shutil.rmtree(layout.root / "blobs")

    with pytest.raises(StoreError):
        pack(cache, None, layout, options=PackOptions())
