"""Images of frameworks' caches: packed as mcv packs them, restored as they were."""

import io
import json
import logging
import tarfile
from pathlib import Path

import pytest
from tests.framework_caches import (
    AOT_HASH,
    COMPILE,
    ENV,
    HASH,
    add_vllm_aot,
    add_vllm_binary,
    add_vllm_triton,
    unpack_inductor_h100,
)

from tcv_action.errors import InputError, NothingToPackageError
from tcv_action.frameworks.detect import Kind, read_any_cache
from tcv_action.image import (
    Contents,
    Contract,
    PackOptions,
    Variant,
    pack,
    read_contract,
)
from tcv_action.oci.image import OciImage
from tcv_action.oci.layout import Layout
from tcv_action.restore import restore
from tcv_action.triton.groups import PathStyle
from tcv_action.triton.reader import read_cache
from tcv_action.triton.target import Target

CUDA_90 = Target("cuda", "90", 32)
PREFIX = "cache.vllm.image/"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout.create(tmp_path / "layout")


def packed(
    layout: Layout,
    root: Path,
    options: PackOptions | None = None,
    target: Target | None = None,
) -> OciImage:
    return pack(read_any_cache(root), target, layout, options=options or PackOptions())


def members_of(image: OciImage) -> dict[str, bytes]:
    with image.blobs.open_blob(image.layers[0]) as stream:
        data = stream.read()
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        files = {one.name: archive.extractfile(one) for one in archive if one.isfile()}
        return {name: stream.read() for name, stream in files.items() if stream}


def labels_of(image: OciImage) -> dict[str, str]:
    labels = json.loads(image.config)["config"]["Labels"]
    assert isinstance(labels, dict)
    return labels


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_binary_cache_has_the_labels_of_mcv(tmp_path: Path, layout: Layout) -> None:
    add_vllm_binary(tmp_path / "cache")

    labels = labels_of(packed(layout, tmp_path / "cache", PackOptions(title="model")))

    size = sum(map(len, contents(tmp_path / "cache").values()))
    assert labels == {
        f"{PREFIX}summary": (
            '{"targets":[{"backend":"cuda","arch":"sm_90","warp_size":32,"cuda_version":"12.9"}]}'
        ),
        f"{PREFIX}entry-count": "1",
        f"{PREFIX}cache-size-bytes": str(size),
        f"{PREFIX}format": "binary",
        f"{PREFIX}path-style": "portable",
        f"{PREFIX}contents": "full",
        "io.kserve.km/framework": "vllm",
        "io.kserve.km/cache-type": "torch-compile",
        "io.kserve.km/cache-hash": HASH,
        "io.kserve.km/cache-mount-subpath": "torch_compile_cache",
        "io.kserve.km/cache-root-env": "VLLM_CACHE_ROOT=/home/kserve/.cache/vllm",
        "org.opencontainers.image.title": "model",
    }


def test_a_binary_cache_has_the_manifest_json_of_mcv(tmp_path: Path, layout: Layout) -> None:
    add_vllm_binary(tmp_path / "cache")

    members = members_of(packed(layout, tmp_path / "cache"))

    assert json.loads(members["io.vllm.manifest/manifest.json"]) == {
        "vllm": [
            {
                "vllmHash": HASH,
                "cacheFormat": "binary",
                "binary": [
                    {
                        "rank": "rank_0_0",
                        "prefix": "backbone",
                        "artifact_count": 2,
                        "artifact_names": [
                            f"artifact_compile_range_1_8192_subgraph_{n}" for n in range(2)
                        ],
                        "code_hash": "c0",
                        "config_hash": "c2",
                        "compiler_hash": "c1",
                        "cache_save_format": "binary",
                        "target_device": "cuda",
                        "env": ENV,
                    }
                ],
            }
        ]
    }
    assert {name.partition("/")[0] for name in members} == {"io.vllm.cache", "io.vllm.manifest"}


def test_a_legacy_cache_has_triton_s_targets_and_entries(tmp_path: Path, layout: Layout) -> None:
    add_vllm_triton(tmp_path / "cache")

    image = packed(layout, tmp_path / "cache")

    assert labels_of(image)[f"{PREFIX}summary"] == (
        '{"targets":[{"backend":"cuda","arch":"90","warp_size":32}]}'
    )
    (model,) = json.loads(members_of(image)["io.vllm.manifest/manifest.json"])["vllm"]
    assert (model["cacheFormat"], len(model["triton"])) == ("triton", 2)
    assert list(model["triton"][0])[:2] == ["hash", "dummy_key"]


def test_a_cache_compiled_ahead_of_time_needs_its_target_said(
    tmp_path: Path, layout: Layout
) -> None:
    add_vllm_aot(tmp_path / "cache")

    with pytest.raises(InputError, match="cannot be told") as raised:
        packed(layout, tmp_path / "cache")
    assert "--target" in raised.value.next_step

    image = packed(layout, tmp_path / "cache", target=CUDA_90)
    labels = labels_of(image)
    assert labels[f"{PREFIX}summary"] == (
        '{"targets":[{"backend":"cuda","arch":"sm_90","warp_size":32}]}'
    )
    assert labels["io.kserve.km/cache-mount-subpath"] == "torch_compile_cache/torch_aot_compile"
    assert json.loads(members_of(image)["io.vllm.manifest/manifest.json"])["vllm"] == [
        {
            "vllmHash": AOT_HASH,
            "cacheFormat": "aot_compile",
            "aot_compile": [
                {"hash": AOT_HASH, "rank": "rank_0_0", "model_file": "model", "file_size": 700}
            ],
        }
    ]


def test_several_formats_are_listed_in_the_order_of_mcv(tmp_path: Path, layout: Layout) -> None:
    root = tmp_path / "cache"
    add_vllm_triton(root, hash_="2" * 10)
    add_vllm_binary(root, hash_="1" * 10)
    add_vllm_aot(root)

    labels = labels_of(packed(layout, root))

    assert labels[f"{PREFIX}format"] == "aot_compile,binary,triton"
    assert labels["io.kserve.km/cache-hash"] == f"{'1' * 10},{'2' * 10},{AOT_HASH}"
    assert labels[f"{PREFIX}entry-count"] == "3"


def test_a_target_that_the_records_deny_is_refused(tmp_path: Path, layout: Layout) -> None:
    add_vllm_binary(tmp_path / "cache")

    with pytest.raises(NothingToPackageError, match="is not for 'hip:gfx942'"):
        packed(layout, tmp_path / "cache", target=Target("hip", "gfx942", 64))


@pytest.mark.parametrize(
    "options", [PackOptions(variant=Variant.OCI), PackOptions(contract=Contract.TCV)]
)
def test_forms_that_are_triton_s_own_are_refused(
    tmp_path: Path, layout: Layout, options: PackOptions
) -> None:
    add_vllm_binary(tmp_path / "cache")

    with pytest.raises(InputError, match="cannot be packed as"):
        packed(layout, tmp_path / "cache", options)


def test_baked_paths_of_inner_caches_name_their_whole_place(tmp_path: Path, layout: Layout) -> None:
    cache = add_vllm_triton(tmp_path / "cache")
    style = PathStyle.parse("baked:/root/.cache/vllm")

    members = members_of(packed(layout, tmp_path / "cache", PackOptions(path_style=style)))

    inner = cache.relative_to(tmp_path / "cache")
    group = next(name for name in members if "__grp__" in name)
    key = group.split("/")[-2]
    assert f"/root/.cache/vllm/{inner}/{key}/add_kernel.cubin".encode() in members[group]


def test_binary_contents_thin_out_the_inner_triton_caches_only(
    tmp_path: Path, layout: Layout
) -> None:
    add_vllm_triton(tmp_path / "cache")
    add_vllm_binary(tmp_path / "cache", hash_="1" * 10)

    members = members_of(packed(layout, tmp_path / "cache", PackOptions(contents=Contents.BINARY)))

    assert not [name for name in members if name.endswith((".ttir", ".llir", ".ptx"))]
    assert [name for name in members if name.endswith("subgraph_0")]


def test_an_inductor_cache_is_a_kind_of_its_own(
    tmp_path: Path, layout: Layout, caplog: pytest.LogCaptureFixture
) -> None:
    root = unpack_inductor_h100(tmp_path)

    with caplog.at_level(logging.WARNING):
        image = packed(layout, root)

    labels = labels_of(image)
    prefix = "cache.inductor.image/"
    assert labels[f"{prefix}summary"] == (
        '{"targets":[{"backend":"cuda","arch":"90","warp_size":32}]}'
    )
    assert labels[f"{prefix}entry-count"] == "3"
    assert labels[f"{prefix}parts"] == '{"autotune":1,"code":3,"fxgraph":1,"triton":25}'
    assert labels[f"{prefix}origin"] == '["/tmp/ind"]'
    assert "2 files name the folder that the cache was written in, /tmp/ind" in caplog.text
    document = json.loads(members_of(image)["io.inductor.manifest/manifest.json"])
    assert (len(document["triton"]), len(document["inductor"]["embedded"])) == (3, 2)
    facts = read_contract(image)
    assert (facts.kind, facts.targets, facts.architecture) == (Kind.INDUCTOR, (CUDA_90,), "amd64")


def vllm_root(tmp_path: Path) -> Path:
    root = tmp_path / "cache"
    add_vllm_triton(root, hash_="2" * 10)
    add_vllm_binary(root)
    add_vllm_aot(root)
    return root


@pytest.mark.parametrize("make", [vllm_root, unpack_inductor_h100])
def test_a_framework_s_cache_comes_back_byte_for_byte_and_its_kernels_would_hit(
    tmp_path: Path, layout: Layout, make: object
) -> None:
    assert callable(make)
    root = make(tmp_path)
    destination = tmp_path / "destination"

    restored = restore(packed(layout, root), destination)

    before, after = contents(root), contents(destination)
    assert before.keys() == after.keys()
    assert restored.files == len(after)
    assert all(before[name] == after[name] for name in before if "__grp__" not in name)
    for group in destination.rglob("__grp__*.json"):
        for name, path in json.loads(group.read_bytes())["child_paths"].items():
            assert path == str(group.parent / name)
            assert Path(path).is_file()


def test_restoring_into_a_cache_that_is_there_keeps_it_and_mends_what_could_not_hit(
    tmp_path: Path, layout: Layout
) -> None:
    root = vllm_root(tmp_path)
    image = packed(layout, root)
    destination = tmp_path / "destination"
    cache = add_vllm_triton(destination, hash_="2" * 10)
    for group in cache.rglob("__grp__*.json"):
        group.write_text(group.read_text().replace(str(destination), "/gone"))
    mine = destination / COMPILE / HASH / "rank_0_0" / "backbone" / "cache_key_factors.json"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")

    restored = restore(image, destination)

    assert mine.read_text() == "mine"
    assert restored.kept > 0
    assert contents(root).keys() == contents(destination).keys()
    for entry in read_cache(cache).entries:
        group = json.loads((cache / entry.key / "__grp__add_kernel.json").read_bytes())
        assert all(Path(path).is_file() for path in group["child_paths"].values())


@pytest.mark.parametrize("place", [COMPILE, f"{COMPILE}/{HASH}", f"{COMPILE}/{HASH}/rank_0_0"])
def test_links_in_the_destination_are_refused_and_not_followed(
    tmp_path: Path, layout: Layout, place: str
) -> None:
    image = packed(layout, vllm_root(tmp_path))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = tmp_path / "destination" / place
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)

    with pytest.raises(InputError, match="is not a folder"):
        restore(image, tmp_path / "destination")
    assert list(elsewhere.iterdir()) == []


def test_another_target_is_refused_before_anything_is_written(
    tmp_path: Path, layout: Layout
) -> None:
    add_vllm_binary(tmp_path / "cache")
    image = packed(layout, tmp_path / "cache")

    with pytest.raises(NothingToPackageError, match="nothing for 'cuda:80'"):
        restore(image, tmp_path / "destination", target=Target("cuda", "80", 32))
    assert not (tmp_path / "destination").exists()
    assert restore(image, tmp_path / "destination", target=CUDA_90).entries == 1


def test_one_vllm_cache_has_one_digest(tmp_path: Path, layout: Layout) -> None:
    first = vllm_root(tmp_path / "one")
    second = vllm_root(tmp_path / "two")

    assert packed(layout, first).digest == packed(layout, second).digest
