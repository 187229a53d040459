"""The labels of an image of a framework's cache."""

from collections.abc import Sequence

from tcv_action.frameworks.detect import Kind
from tcv_action.frameworks.inductor import InductorCache
from tcv_action.frameworks.vllm import Format, VllmCache
from tcv_action.frameworks.vllm_reader import AOT_FOLDER, COMPILE_FOLDER
from tcv_action.image import names
from tcv_action.image.labels import known, targets_document
from tcv_action.image.options import PackOptions
from tcv_action.image.records import compact
from tcv_action.triton.environment import Environment, to_json
from tcv_action.triton.target import Target

# Where KServe's serving containers keep vLLM's cache.
_VLLM_ROOT = "/home/kserve/.cache/vllm"


def framework_labels(
    cache: VllmCache | InductorCache,
    targets: Sequence[Target],
    *,
    size: int,
    options: PackOptions,
    environment: Environment | None,
) -> dict[str, str]:
    """Make the labels; `size` is that of the files in the layer, in bytes."""
    kind = Kind.VLLM if isinstance(cache, VllmCache) else Kind.INDUCTOR
    label = names.Names(kind).label
    origins = sorted(set(cache.embedded.values()))
    own = _vllm(cache, targets) if isinstance(cache, VllmCache) else _inductor(cache, targets)
    return {
        label(names.CACHE_SIZE): str(size),
        label(names.PATH_STYLE): str(options.path_style),
        label(names.CONTENTS): str(options.contents),
        **own,
        **known(
            {
                label(names.ORIGIN): compact(origins) if origins else None,
                label(names.ENVIRONMENT): to_json(environment) if environment else None,
                names.TITLE: options.title,
            }
        ),
        **options.labels,
    }


def _vllm(cache: VllmCache, targets: Sequence[Target]) -> dict[str, str]:
    label = names.Names(Kind.VLLM).label
    is_aot_only = all(model.format is Format.AOT_COMPILE for model in cache.models)
    subpath = f"{COMPILE_FOLDER}/{AOT_FOLDER}" if is_aot_only else COMPILE_FOLDER
    return {
        label(names.SUMMARY): compact({"targets": _vllm_targets(cache, targets)}),
        label(names.ENTRY_COUNT): str(len(cache.models)),
        label(names.FORMAT): ",".join(cache.formats),
        "io.kserve.km/framework": "vllm",
        "io.kserve.km/cache-type": "torch-compile",
        "io.kserve.km/cache-hash": ",".join(sorted(model.hash for model in cache.models)),
        "io.kserve.km/cache-mount-subpath": subpath,
        "io.kserve.km/cache-root-env": f"VLLM_CACHE_ROOT={_VLLM_ROOT}",
    }


def _vllm_targets(cache: VllmCache, targets: Sequence[Target]) -> list[dict[str, object]]:
    if cache.formats == (Format.TRITON,):
        return targets_document(targets)
    # For artifacts that are not Triton's, mcv writes the arch with its prefix.
    return [
        {
            "backend": target.backend,
            "arch": f"sm_{target.arch}" if target.backend == "cuda" else target.arch,
            "warp_size": target.warp_size,
            **({"cuda_version": cache.cuda_version} if cache.cuda_version else {}),
        }
        for target in targets
    ]


def _inductor(cache: InductorCache, targets: Sequence[Target]) -> dict[str, str]:
    label = names.Names(Kind.INDUCTOR).label
    return {
        label(names.SUMMARY): compact({"targets": targets_document(targets)}),
        label(names.ENTRY_COUNT): str(len(cache.tree.entries)),
        label(names.PARTS): compact(cache.parts),
    }
