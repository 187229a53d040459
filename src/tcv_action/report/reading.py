"""Results read back from the `outputs.json` of other runs, such as the legs of a matrix."""

import json
from collections.abc import Mapping
from typing import Any

from tcv_action.errors import InputError
from tcv_action.report.result import Failure, RunResult, TargetResult
from tcv_action.triton.target import Target


def read_result(text: str, name: str) -> RunResult:
    """Read what `outputs_json` wrote, less the kernels' records; `name` is what errors call it.

    Raises InputError where the text is no such result.
    """
    try:
        return _result(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"The result {name!r} cannot be read: {type(error).__name__}: {error}."
        raise InputError(
            what,
            cause="It is not an outputs.json, or another version wrote it.",
            next_step="Hand on the file that `tcv run` left in its --output folder.",
        ) from error


def _result(content: Mapping[str, Any]) -> RunResult:
    rows = tuple(_row(row) for row in content["targets"])
    of_rows = {row.failure for row in rows}
    errors = [Failure(**error) for error in content["errors"]]
    own = [failure for failure in errors if failure not in of_rows]
    return RunResult(
        image=content["image"],
        dry_run=content["dry-run"],
        targets=rows,
        failure=own[0] if own else None,
    )


def _row(content: Mapping[str, Any]) -> TargetResult:
    return TargetResult(
        target=Target.parse(content["target"]),
        tags=tuple(content["tags"]),
        references=tuple(content["references"]),
        digest=content["digest"],
        labels=content["labels"],
        entries=content["entries"],
        cache_bytes=content["cache_size_bytes"],
        image_bytes=content["image_size_bytes"],
        mode=content["mode"],
        hits=content["hits"],
        asked=content["requests"],
        cold_seconds=content["cold_seconds"],
        warm_seconds=content["warm_seconds"],
        compile_seconds=content["compile_seconds"],
        missed=tuple(content["missed"]),
        failure=Failure(**content["error"]) if content["error"] else None,
    )
