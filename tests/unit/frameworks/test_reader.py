"""Reading the caches of frameworks: each format found, each folder told apart."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.caches import HIP, add_entry, small_cache
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
from tcv_action.frameworks.detect import Kind, kind_of, read_any_cache
from tcv_action.frameworks.inductor import InductorCache
from tcv_action.frameworks.vllm import Format, VllmCache
from tcv_action.triton.cache import Cache
from tcv_action.triton.target import Target

CUDA_90 = Target("cuda", "90", 32)


def read_vllm(root: Path) -> VllmCache:
    cache = read_any_cache(root)
    assert isinstance(cache, VllmCache)
    return cache


def test_the_legacy_format_has_a_triton_cache_inside(tmp_path: Path) -> None:
    add_vllm_triton(tmp_path)

    cache = read_vllm(tmp_path)

    (model,) = cache.models
    assert (model.hash, model.format, len(model.entries)) == (HASH, Format.TRITON, 2)
    assert cache.targets == (CUDA_90,)
    assert len(cache.tree.files) == 2 * 7 + 1 + 1


@pytest.mark.parametrize(("unpacked", "save_format"), [(False, "binary"), (True, "unpacked")])
def test_the_binary_format_has_artifacts_and_factors(
    tmp_path: Path, unpacked: bool, save_format: str
) -> None:
    add_vllm_binary(tmp_path, unpacked=unpacked)
    add_vllm_binary(tmp_path, unpacked=unpacked, rank="rank_1_0", prefix="eagle_head")

    cache = read_vllm(tmp_path)

    (model,) = cache.models
    assert (model.hash, model.format) == (HASH, Format.BINARY)
    first, second = model.artifacts
    assert (first.rank, first.prefix) == ("rank_0_0", "backbone")
    assert (second.rank, second.prefix) == ("rank_1_0", "eagle_head")
    assert first.names == tuple(f"artifact_compile_range_1_8192_subgraph_{n}" for n in range(2))
    assert first.save_format == save_format
    assert (first.code_hash, first.compiler_hash, first.config_hash) == ("c0", "c1", "c2")
    assert (first.target_device, cache.cuda_version) == ("cuda", "12.9")
    assert cache.targets == (CUDA_90,)


def test_a_model_compiled_ahead_of_time_is_one_file(tmp_path: Path) -> None:
    add_vllm_aot(tmp_path)

    cache = read_vllm(tmp_path)

    (model,) = cache.models
    assert (model.hash, model.format) == (AOT_HASH, Format.AOT_COMPILE)
    assert [(one.rank, one.size) for one in model.aot] == [("rank_0_0", 700)]
    assert cache.targets == ()


def test_the_mega_artifact_is_binary_with_a_save_format_of_its_own(tmp_path: Path) -> None:
    add_vllm_aot(tmp_path, mega=True)
    add_vllm_binary(tmp_path, env={**ENV, "VLLM_USE_MEGA_AOT_ARTIFACT": "1"})

    cache = read_vllm(tmp_path)

    assert {model.hash for model in cache.models} == {AOT_HASH, HASH}
    assert cache.formats == (Format.BINARY,)
    assert {part.save_format for model in cache.models for part in model.artifacts} == {"mega-aot"}


def test_all_formats_in_one_folder_are_found(tmp_path: Path) -> None:
    add_vllm_triton(tmp_path, hash_="1" * 10)
    add_vllm_binary(tmp_path, hash_="2" * 10)
    add_vllm_aot(tmp_path)

    assert read_vllm(tmp_path).formats == (Format.AOT_COMPILE, Format.BINARY, Format.TRITON)


def test_what_vllm_did_not_compile_is_left_out(tmp_path: Path) -> None:
    add_vllm_binary(tmp_path)
    for folder in ("modelinfos", "dummy_cache", f"{COMPILE}/{HASH}/__pycache__"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "file").touch()

    tree = read_vllm(tmp_path).tree

    assert set(tree.dropped) == {"modelinfos", "dummy_cache", f"{COMPILE}/{HASH}/__pycache__"}
    assert len(tree.files) == 4


def test_an_arch_that_the_factors_do_not_name_stays_unknown(tmp_path: Path) -> None:
    add_vllm_binary(tmp_path, env={"VLLM_TARGET_DEVICE": "cuda"})

    assert read_vllm(tmp_path).targets == ()


def test_amd_is_told_by_its_device(tmp_path: Path) -> None:
    add_vllm_binary(tmp_path, env={"VLLM_TARGET_DEVICE": "rocm", "VLLM_PAGED_ATTN_ARCH": "gfx942"})

    assert read_vllm(tmp_path).targets == (Target("hip", "gfx942", 64),)


def test_triton_entries_are_surer_than_factors(tmp_path: Path) -> None:
    add_vllm_binary(tmp_path)
    add_vllm_triton(tmp_path, hash_="1" * 10, target=HIP)

    assert read_vllm(tmp_path).targets == (Target("hip", "gfx942", 64),)


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_broken_factors_are_refused_by_name(tmp_path: Path, content: str) -> None:
    folder = add_vllm_binary(tmp_path)
    (folder / "cache_key_factors.json").write_text(content)

    with pytest.raises(InputError, match=r"backbone/cache_key_factors\.json"):
        read_vllm(tmp_path)


def test_a_vllm_folder_with_nothing_compiled(tmp_path: Path) -> None:
    (tmp_path / COMPILE / HASH / "rank_0_0").mkdir(parents=True)

    with pytest.raises(NothingToPackageError, match="holds nothing compiled"):
        read_vllm(tmp_path)


def test_links_in_a_vllm_cache_are_refused_by_name(tmp_path: Path) -> None:
    folder = add_vllm_binary(tmp_path)
    (folder / "odd").symlink_to("/etc")

    with pytest.raises(InputError, match="backbone/odd' in the cache folder is a link"):
        read_vllm(tmp_path)


def test_a_real_inductor_cache_is_read(tmp_path: Path) -> None:
    cache = read_any_cache(unpack_inductor_h100(tmp_path))

    assert isinstance(cache, InductorCache)
    assert cache.parts == {"autotune": 1, "code": 3, "fxgraph": 1, "triton": 25}
    assert (len(cache.tree.entries), cache.targets) == (3, (CUDA_90,))


def test_files_that_name_their_old_place_are_reported(tmp_path: Path) -> None:
    cache = read_any_cache(unpack_inductor_h100(tmp_path))

    assert isinstance(cache, InductorCache)
    assert set(cache.embedded.values()) == {"/tmp/ind"}  # noqa: S108
    assert sorted(path.partition("/")[0] for path in cache.embedded) == ["5k", "fxgraph"]


def test_files_that_name_their_present_place_are_reported_too(tmp_path: Path) -> None:
    folder = add_vllm_binary(tmp_path)
    (folder / "generated.py").write_text(f"path = '{tmp_path}/x.py'")

    cache = read_vllm(tmp_path)

    assert cache.embedded == {f"{COMPILE}/{HASH}/rank_0_0/backbone/generated.py": str(tmp_path)}


def _triton(folder: Path) -> None:
    small_cache(folder)


def _inductor(folder: Path) -> None:
    (folder / "fxgraph" / "aa").mkdir(parents=True)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (_triton, Kind.TRITON),
        (add_vllm_binary, Kind.VLLM),
        (add_vllm_triton, Kind.VLLM),
        (add_vllm_aot, Kind.VLLM),
        (_inductor, Kind.INDUCTOR),
    ],
)
def test_the_kind_of_a_folder(tmp_path: Path, make: Callable[[Path], object], kind: Kind) -> None:
    make(tmp_path)

    assert kind_of(tmp_path) is kind


def test_vllm_wins_over_triton_entries_beside_it(tmp_path: Path) -> None:
    add_vllm_binary(tmp_path)
    add_entry(tmp_path)

    assert kind_of(tmp_path) is Kind.VLLM


def test_inductor_and_triton_in_one_folder_are_refused(tmp_path: Path) -> None:
    _inductor(tmp_path)
    add_entry(tmp_path)

    with pytest.raises(InputError, match="two kinds of cache"):
        kind_of(tmp_path)


@pytest.mark.parametrize("part", [COMPILE, f"{COMPILE}/torch_aot_compile"])
def test_a_part_of_a_vllm_cache_is_refused_with_advice(tmp_path: Path, part: str) -> None:
    add_vllm_aot(tmp_path)

    with pytest.raises(InputError, match="part of a vLLM cache") as raised:
        kind_of(tmp_path / part)
    assert "VLLM_CACHE_ROOT" in raised.value.next_step


def test_a_triton_cache_is_read_as_ever(tmp_path: Path) -> None:
    cache = read_any_cache(small_cache(tmp_path))

    assert isinstance(cache, Cache)
    assert len(cache.entries) == 3


def test_folders_that_cannot_be_read_say_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no cache folder"):
        read_any_cache(tmp_path / "nowhere")


def test_factors_of_any_type_are_kept_as_they_are(tmp_path: Path) -> None:
    env = {"B": [1, {"x": None}], "A": 1.5}
    add_vllm_binary(tmp_path, env=env)

    (model,) = read_vllm(tmp_path).models

    assert json.dumps(model.artifacts[0].env) == '{"A": 1.5, "B": [1, {"x": null}]}'
