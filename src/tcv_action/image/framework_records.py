"""manifest.json of a framework's cache."""

from tcv_action.frameworks.inductor import InductorCache
from tcv_action.frameworks.vllm import Artifacts, CompiledModel, VllmCache
from tcv_action.image.records import Record, compact, entry_records
from tcv_action.triton.dummy_key import DummyKeys


def framework_manifest_json(cache: VllmCache | InductorCache, keys: DummyKeys) -> bytes:
    """Write manifest.json: `{"vllm": […]}` as mcv does, or `{"inductor": {…}, "triton": […]}`."""
    if isinstance(cache, VllmCache):
        models = [_model(model, keys) for model in cache.models]
        return compact({"vllm": models}).encode()
    document = {
        "inductor": {"parts": cache.parts, "embedded": sorted(cache.embedded)},
        "triton": entry_records(cache.tree.entries, keys),
    }
    return compact(document).encode()


def _model(model: CompiledModel, keys: DummyKeys) -> Record:
    record: dict[str, object] = {"vllmHash": model.hash, "cacheFormat": str(model.format)}
    lists = {
        "triton": entry_records(model.entries, keys),
        "binary": [_artifacts(artifacts) for artifacts in model.artifacts],
        "aot_compile": [
            {"hash": model.hash, "rank": aot.rank, "model_file": "model", "file_size": aot.size}
            for aot in model.aot
        ],
    }
    return record | {name: records for name, records in lists.items() if records}


def _artifacts(artifacts: Artifacts) -> Record:
    optional = {
        "code_hash": artifacts.code_hash,
        "config_hash": artifacts.config_hash,
        "compiler_hash": artifacts.compiler_hash,
        "cache_save_format": artifacts.save_format,
        "target_device": artifacts.target_device,
        "env": artifacts.env,
    }
    return {
        "rank": artifacts.rank,
        "prefix": artifacts.prefix,
        "artifact_count": len(artifacts.names),
        "artifact_names": list(artifacts.names),
        **{name: value for name, value in optional.items() if value},
    }
