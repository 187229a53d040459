"""Results of other runs, read back: whole, or refused by name."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tcv_action.errors import InputError
from tcv_action.report.outputs import outputs_json
from tcv_action.report.reading import read_result
from tcv_action.report.result import Failure, RunResult, TargetResult
from tcv_action.triton.target import Target

ROW = TargetResult(
    target=Target.parse("cuda:90"),
    tags=("v1-cuda-sm90",),
    references=("ghcr.io/octo/kernels:v1-cuda-sm90",),
    digest="sha256:" + "0" * 64,
    labels={"a": "b"},
    entries=3,
    hits=3,
    asked=3,
    cold_seconds=1.5,
    missed=("k (a.py:1)",),
)
FAILURE = Failure(stage="push", what="No.", cause="", next_step="", exit_code=5)
FAILED = TargetResult(target=Target.parse("hip:gfx942"), failure=FAILURE)
RESULT = RunResult(image="ghcr.io/octo/kernels", dry_run=False, targets=(ROW, FAILED))


def test_what_was_written_is_read() -> None:
    own = replace(RESULT, failure=replace(FAILURE, stage="join", exit_code=2))

    for result in (RESULT, own):
        assert read_result(outputs_json(result).encode(), "leg") == result


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((name, 5) for name in ("digest", "labels", "mode", "tags", "references", "missed")),
        *((name, "x") for name in ("entries", "cache_size_bytes", "image_size_bytes", "hits")),
        *((name, "x") for name in ("requests", "cold_seconds", "warm_seconds", "compile_seconds")),
        ("entries", -1),
        ("hits", True),
        ("cold_seconds", 10**400),
        ("digest", "sha256:feed"),
        ("references", [5]),
        ("missed", [None]),
        ("labels", {"a": 5}),
        ("labels", {"a": "\ud800"}),
        ("target", ["cuda:90"]),
        ("error", "no"),
        ("error", {"stage": "s"}),
    ],
)
def test_a_field_of_another_type_is_refused(field: str, value: object) -> None:
    with pytest.raises(InputError, match="'leg' cannot be read"):
        read_result(changed(lambda result: result["targets"][0].update({field: value})), "leg")


@pytest.mark.parametrize("code", [0, -1, 300, "4", None])
def test_an_exit_code_is_one_of_a_failure(code: object) -> None:
    with pytest.raises(InputError, match="'exit_code' is"):
        read_result(changed(lambda result: result["errors"][0].update(exit_code=code)), "leg")


@pytest.mark.parametrize("content", [b"\xff", b"[" * 100_000, b"[]", b"{}", b'{"targets":[5]}'])
def test_what_is_no_result_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match="'leg' cannot be read") as refused:
        read_result(content, "leg")
    assert "outputs.json" in str(refused.value)


def changed(change: Callable[[dict[str, Any]], None]) -> bytes:
    """Return the bytes of a result after the change."""
    result = json.loads(outputs_json(RESULT))
    change(result)
    return json.dumps(result).encode()
