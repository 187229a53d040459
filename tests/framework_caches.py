"""Caches of frameworks for tests: vLLM's four formats, and Inductor's from an H100."""

import json
from collections.abc import Mapping
from pathlib import Path

from tests.caches import CUDA, DATA, add_entry, add_helper, unpack

HASH = "0123456789"
AOT_HASH = "ab" * 32
COMPILE = "torch_compile_cache"
ENV: Mapping[str, object] = {
    "VLLM_TARGET_DEVICE": "cuda",
    "VLLM_PAGED_ATTN_ARCH": "90",
    "VLLM_MAIN_CUDA_VERSION": "12.9",
    "VLLM_USE_V1": True,
}


def add_vllm_triton(root: Path, *, hash_: str = HASH, target: object = CUDA) -> Path:
    """Add the legacy format: a Triton cache inside, with a helper; return its folder."""
    cache = root / COMPILE / hash_ / "rank_0_0" / "inductor_cache" / "triton_cache"
    for number in range(2):
        add_entry(cache, number, target=target, written_in=str(cache))
    add_helper(cache)
    (root / COMPILE / hash_ / "rank_0_0" / "vllm_compile_cache.py").write_text("{}")
    return cache


def add_vllm_binary(
    root: Path,
    *,
    hash_: str = HASH,
    env: Mapping[str, object] = ENV,
    rank: str = "rank_0_0",
    prefix: str = "backbone",
    unpacked: bool = False,
) -> Path:
    """Add the binary format, or its unpacked form, and return its folder."""
    folder = root / COMPILE / hash_ / rank / prefix
    folder.mkdir(parents=True)
    factors = {"code_hash": "c0", "compiler_hash": "c1", "config_hash": "c2", "env": env}
    (folder / "cache_key_factors.json").write_text(json.dumps(factors))
    for graph in range(2):
        artifact = folder / f"artifact_compile_range_1_8192_subgraph_{graph}"
        if unpacked:
            artifact.mkdir()
            (artifact / "graph").write_bytes(b"pickled graph")
        else:
            artifact.write_bytes(b"pickled graph")
    (folder / "vllm_compile_cache.py").write_text("{}")
    return folder


def add_vllm_aot(root: Path, *, hash_: str = AOT_HASH, mega: bool = False) -> Path:
    """Add a model compiled ahead of time, or the mega artifact in its place."""
    folder = root / COMPILE / "torch_aot_compile" / hash_
    (folder / "rank_0_0").mkdir(parents=True)
    (folder / "rank_0_0" / "model").write_bytes(b"compiled model" * 50)
    if mega:
        env = {**ENV, "VLLM_USE_MEGA_AOT_ARTIFACT": True}
        (folder / "rank_0_0" / "cache_key_factors.json").write_text(json.dumps({"env": env}))
    return folder


def unpack_inductor_h100(folder: Path) -> Path:
    """Unpack the real Inductor cache, which was written in /tmp/ind, and return its folder."""
    unpack(DATA / "inductor-h100.tar.gz", folder)
    return folder / "ind"
