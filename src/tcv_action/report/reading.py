"""Results read back from the `outputs.json` of other runs, such as the legs of a matrix."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from tcv_action.errors import InputError
from tcv_action.oci.digest import is_digest
from tcv_action.report.result import Failure, RunResult, TargetResult
from tcv_action.strict_json import loads
from tcv_action.triton.target import Target

_T = TypeVar("_T")
_Fields = Mapping[str, object]
_EXIT_CODES = range(1, 126)


def read_result(content: bytes, name: str) -> RunResult:
    """Read what `outputs_json` wrote, less the kernels' records; `name` is what errors call it.

    Raises InputError where the content is no such result.
    """
    try:
        return _result(_object(loads(content)))
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        what = f"The result {name!r} cannot be read: {type(error).__name__}: {error}."
        raise InputError(
            what,
            cause="It is not an outputs.json, or another version wrote it.",
            next_step="Hand on the file that `tcv run` left in its --output folder.",
        ) from error


def _result(fields: _Fields) -> RunResult:
    rows = tuple(_row(_object(row)) for row in _list(fields, "targets"))
    of_rows = {row.failure for row in rows}
    errors = [_failure(_object(error)) for error in _list(fields, "errors")]
    own = [failure for failure in errors if failure not in of_rows]
    return RunResult(
        image=_text(fields, "image"),
        dry_run=_flag(fields, "dry-run"),
        targets=rows,
        failure=own[0] if own else None,
    )


def _row(fields: _Fields) -> TargetResult:
    error = fields["error"]
    return TargetResult(
        target=Target.parse(_text(fields, "target")),
        tags=_texts(fields, "tags"),
        references=_texts(fields, "references"),
        digest=_optional(_digest, fields, "digest"),
        labels=_labels(fields),
        entries=_optional(_count, fields, "entries"),
        cache_bytes=_optional(_count, fields, "cache_size_bytes"),
        image_bytes=_optional(_count, fields, "image_size_bytes"),
        mode=_optional(_text, fields, "mode"),
        hits=_optional(_count, fields, "hits"),
        asked=_optional(_count, fields, "requests"),
        cold_seconds=_optional(_seconds, fields, "cold_seconds"),
        warm_seconds=_optional(_seconds, fields, "warm_seconds"),
        compile_seconds=_optional(_seconds, fields, "compile_seconds"),
        missed=_texts(fields, "missed"),
        failure=_failure(_object(error)) if error else None,
    )


def _failure(fields: _Fields) -> Failure:
    exit_code = _count(fields, "exit_code")
    if exit_code not in _EXIT_CODES:
        raise _wrong(fields, "exit_code")
    return Failure(
        stage=_text(fields, "stage"),
        what=_text(fields, "what"),
        cause=_text(fields, "cause"),
        next_step=_text(fields, "next_step"),
        exit_code=exit_code,
        file=_text(fields, "file"),
        line=_count(fields, "line"),
    )


def _optional(read: Callable[[_Fields, str], _T], fields: _Fields, name: str) -> _T | None:
    return None if fields[name] is None else read(fields, name)


def _object(value: object) -> _Fields:
    if not isinstance(value, dict):
        message = f"{value!r:.80} is not an object"
        raise TypeError(message)
    return value


def _list(fields: _Fields, name: str) -> list[object]:
    value = fields[name]
    if not isinstance(value, list):
        raise _wrong(fields, name)
    return value


def _texts(fields: _Fields, name: str) -> tuple[str, ...]:
    texts = [text for text in _list(fields, name) if isinstance(text, str)]
    if len(texts) != len(_list(fields, name)):
        raise _wrong(fields, name)
    return tuple(texts)


def _labels(fields: _Fields) -> dict[str, str]:
    labels = _object(fields["labels"])
    return {name: _text(labels, name) for name in labels}


def _text(fields: _Fields, name: str) -> str:
    value = fields[name]
    if not isinstance(value, str):
        raise _wrong(fields, name)
    return value


def _digest(fields: _Fields, name: str) -> str:
    digest = _text(fields, name)
    if not is_digest(digest):
        raise _wrong(fields, name)
    return digest


def _flag(fields: _Fields, name: str) -> bool:
    value = fields[name]
    if not isinstance(value, bool):
        raise _wrong(fields, name)
    return value


def _count(fields: _Fields, name: str) -> int:
    value = fields[name]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _wrong(fields, name)
    return value


def _seconds(fields: _Fields, name: str) -> float:
    value = fields[name]
    return value if isinstance(value, float) else float(_count(fields, name))


def _wrong(fields: _Fields, name: str) -> TypeError:
    return TypeError(f"{name!r} is {fields[name]!r:.80}")
