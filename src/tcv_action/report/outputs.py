"""A run as the outputs of action.yml, and as the one JSON object of `outputs.json`."""

import json
from dataclasses import asdict

from tcv_action.report.result import RunResult, TargetResult


def outputs(result: RunResult) -> dict[str, object]:
    """Return action.yml's outputs by name, `targets` as a list with a row per target."""
    rows = result.targets
    first = rows[0] if len(rows) == 1 else None
    return {
        "result": "success" if result.succeeded else "failure",
        "image": result.image,
        "subject-name": result.image,
        "digest": _digest(result) or "",
        "tags": [tag for row in rows for tag in row.tags] + list(result.index_tags),
        "labels": dict(first.labels)
        if first
        else {str(row.target): dict(row.labels) for row in rows},
        "entry-count": sum(row.entries or 0 for row in rows),
        "cache-size-bytes": sum(row.cache_bytes or 0 for row in rows),
        "image-size-bytes": sum(row.image_bytes or 0 for row in rows),
        "hits": sum(row.hits or 0 for row in rows),
        "requests": sum(row.asked or 0 for row in rows),
        "cold-seconds": round(sum(row.cold_seconds or 0.0 for row in rows), 3),
        "warm-seconds": round(sum(row.warm_seconds or 0.0 for row in rows), 3),
        "targets": [_row(row) for row in rows],
        "errors": [asdict(failure) for failure in result.failures],
        "dry-run": result.dry_run,
    }


def _digest(result: RunResult) -> str | None:
    """The index is what was made of several targets, or of several runs."""
    if len(result.targets) == 1 and not result.is_joined:
        return result.targets[0].digest
    return result.index_digest


def outputs_json(result: RunResult) -> str:
    """Write `outputs.json`: UTF-8, indented, with a final newline."""
    return json.dumps(outputs(result), indent=2, ensure_ascii=False) + "\n"


def step_outputs(result: RunResult) -> dict[str, str]:
    """Return the outputs as the strings that a step hands on; `json` is the whole object."""
    values = outputs(result)
    names = values.keys() - {"errors", "dry-run"}
    texts = {name: _as_text(name, values[name]) for name in sorted(names)}
    return {**texts, "json": json.dumps(values, ensure_ascii=False)}


def _as_text(name: str, value: object) -> str:
    if name == "tags" and isinstance(value, list):
        return "\n".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _row(row: TargetResult) -> dict[str, object]:
    return {
        "target": str(row.target),
        "tags": list(row.tags),
        "references": list(row.references),
        "digest": row.digest,
        "labels": dict(row.labels),
        "entries": row.entries,
        "cache_size_bytes": row.cache_bytes,
        "image_size_bytes": row.image_bytes,
        "mode": row.mode,
        "hits": row.hits,
        "requests": row.asked,
        "cold_seconds": row.cold_seconds,
        "warm_seconds": row.warm_seconds,
        "compile_seconds": row.compile_seconds,
        "missed": list(row.missed),
        "error": asdict(row.failure) if row.failure else None,
    }
