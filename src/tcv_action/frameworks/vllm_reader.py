"""Reading vLLM's compile cache in its four formats.

Where they lie: `torch_compile_cache/<hash>/rank_R_D/…/triton_cache/` (Triton entries),
`…/rank_R_D/<prefix>/` with cache_key_factors.json and `artifact_compile_range_*` (binary),
`torch_compile_cache/torch_aot_compile/<hash>/rank_R_D/model` (ahead of time). The mega AOT
artifact lies like the second or the third, and its factors say VLLM_USE_MEGA_AOT_ARTIFACT.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from tcv_action.errors import InputError, NothingToPackageError
from tcv_action.frameworks.tree import Tree, embedded_paths, read_tree
from tcv_action.frameworks.vllm import AotModel, Artifacts, CompiledModel, Format, VllmCache
from tcv_action.strict_json import loads
from tcv_action.triton.cache import CachedFile
from tcv_action.triton.listing import reading
from tcv_action.triton.target import Target

COMPILE_FOLDER = "torch_compile_cache"
AOT_FOLDER = "torch_aot_compile"
_FACTORS = "cache_key_factors.json"
_RANK = re.compile(r"rank_[0-9]+_[0-9]+")
# What vLLM keeps beside its compile caches: facts on models and machines, nothing compiled.
_NOT_COMPILED = ("dummy_cache", "modelinfos")
_BACKENDS = {"cuda": "cuda", "rocm": "hip", "hip": "hip"}


def read_vllm_cache(folder: Path) -> VllmCache:
    """Read the folder that VLLM_CACHE_ROOT names.

    Raises InputError for files that cannot be used, NothingToPackageError where nothing compiled
    lies there.
    """
    tree = read_tree(folder, without=_NOT_COMPILED)
    models = tuple(_models(tree))
    if not models:
        what = f"The vLLM cache {str(folder)!r} holds nothing compiled."
        raise NothingToPackageError(
            what,
            cause=f"Under {COMPILE_FOLDER!r} is neither a Triton cache nor an artifact.",
            next_step="Give the folder that VLLM_CACHE_ROOT named while a model was served.",
        )
    return VllmCache(
        tree=tree,
        models=models,
        targets=_targets(tree, models),
        embedded=embedded_paths(tree),
    )


def _models(tree: Tree) -> Iterable[CompiledModel]:
    by_hash = _by_folder(tree.files, COMPILE_FOLDER)
    for hash_, files in by_hash.items():
        if hash_ != AOT_FOLDER:
            model = _compiled(tree, hash_, f"{COMPILE_FOLDER}/{hash_}", files)
            if model:
                yield model
    aot_folder = f"{COMPILE_FOLDER}/{AOT_FOLDER}"
    for hash_, files in _by_folder(by_hash.get(AOT_FOLDER, ()), aot_folder).items():
        model = _ahead_of_time(tree, hash_, f"{aot_folder}/{hash_}", files)
        if model:
            yield model


def _compiled(
    tree: Tree, hash_: str, folder: str, files: tuple[CachedFile, ...]
) -> CompiledModel | None:
    artifacts = tuple(_artifacts(tree, folder, files))
    if artifacts:
        return CompiledModel(hash=hash_, format=Format.BINARY, artifacts=artifacts)
    entries = tuple(
        entry
        for place, cache in tree.triton.items()
        if place.startswith(f"{folder}/")
        for entry in cache.entries
    )
    return CompiledModel(hash=hash_, format=Format.TRITON, entries=entries) if entries else None


def _artifacts(tree: Tree, folder: str, files: tuple[CachedFile, ...]) -> Iterable[Artifacts]:
    for rank, rank_files in _by_rank(files, folder):
        for prefix, prefix_files in _by_folder(rank_files, f"{folder}/{rank}").items():
            place = f"{folder}/{rank}/{prefix}"
            names = sorted({_next_part(file.path, place) for file in prefix_files})
            found = tuple(name for name in names if name.startswith("artifact_compile_range_"))
            if _FACTORS in names and found:
                factors = _read_factors(tree.root, f"{place}/{_FACTORS}")
                is_file = any(file.path == f"{place}/{found[0]}" for file in prefix_files)
                yield _artifacts_of(rank, prefix, found, factors, is_file=is_file)


def _artifacts_of(
    rank: str, prefix: str, names: tuple[str, ...], factors: Mapping[str, object], *, is_file: bool
) -> Artifacts:
    env = _env(factors)
    return Artifacts(
        rank=rank,
        prefix=prefix,
        names=names,
        save_format="mega-aot" if _is_mega(env) else "binary" if is_file else "unpacked",
        code_hash=_text(factors, "code_hash"),
        config_hash=_text(factors, "config_hash"),
        compiler_hash=_text(factors, "compiler_hash"),
        env=env,
    )


def _ahead_of_time(
    tree: Tree, hash_: str, folder: str, files: tuple[CachedFile, ...]
) -> CompiledModel | None:
    models = [
        (rank, file)
        for rank, rank_files in _by_rank(files, folder)
        for file in rank_files
        if file.path == f"{folder}/{rank}/model"
    ]
    if not models:
        return None
    env = _env_of(tree.root, files)
    if not _is_mega(env):
        aot = tuple(AotModel(rank=rank, size=file.size) for rank, file in models)
        return CompiledModel(hash=hash_, format=Format.AOT_COMPILE, aot=aot)
    artifacts = tuple(
        Artifacts(rank=rank, prefix="", names=("model",), save_format="mega-aot", env=env)
        for rank, _ in models
    )
    return CompiledModel(hash=hash_, format=Format.BINARY, artifacts=artifacts)


def _targets(tree: Tree, models: Iterable[CompiledModel]) -> tuple[Target, ...]:
    """Read the targets off the Triton entries, which are sure, else off vLLM's own factors."""
    if tree.targets:
        return tree.targets
    told = set()
    for artifacts in (part for model in models for part in model.artifacts):
        backend = _BACKENDS.get(artifacts.target_device)
        arch = artifacts.env.get("VLLM_PAGED_ATTN_ARCH")
        if backend and isinstance(arch, str) and arch:
            told.add(Target.parse(f"{backend}:{arch}"))
    return tuple(sorted(told))


def _by_rank(
    files: Iterable[CachedFile], folder: str
) -> Iterable[tuple[str, tuple[CachedFile, ...]]]:
    for rank, rank_files in _by_folder(files, folder).items():
        if _RANK.fullmatch(rank):
            yield rank, rank_files


def _by_folder(files: Iterable[CachedFile], folder: str) -> dict[str, tuple[CachedFile, ...]]:
    """Group the files of the folders directly under `folder`."""
    grouped: dict[str, list[CachedFile]] = {}
    for file in files:
        if file.path.startswith(f"{folder}/") and "/" in file.path[len(folder) + 1 :]:
            grouped.setdefault(_next_part(file.path, folder), []).append(file)
    return {name: tuple(grouped[name]) for name in sorted(grouped)}


def _next_part(path: str, folder: str) -> str:
    return path[len(folder) + 1 :].partition("/")[0]


def _env_of(root: Path, files: Iterable[CachedFile]) -> Mapping[str, object]:
    for file in files:
        if file.path.endswith(f"/{_FACTORS}"):
            return _env(_read_factors(root, file.path))
    return {}


def _env(factors: Mapping[str, object]) -> Mapping[str, object]:
    env = factors.get("env")
    return dict(sorted(env.items())) if isinstance(env, dict) else {}


def _is_mega(env: Mapping[str, object]) -> bool:
    return str(env.get("VLLM_USE_MEGA_AOT_ARTIFACT")).lower() in {"1", "true"}


def _text(factors: Mapping[str, object], name: str) -> str:
    value = factors.get(name)
    return value if isinstance(value, str) else ""


def _read_factors(root: Path, path: str) -> Mapping[str, object]:
    with reading(path):
        content = (root / path).read_bytes()
    try:
        factors = loads(content)
    except ValueError:
        factors = None
    if not isinstance(factors, dict):
        what = f"The file {path!r} cannot be read."
        raise InputError(
            what,
            cause="vLLM writes a JSON object there; an interrupted process may leave it broken.",
            next_step="Remove that folder, or let vLLM compile again.",
        )
    return factors
