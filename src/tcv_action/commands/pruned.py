"""Showing what a prune found and did: the terminal, JSON, the job's summary and outputs."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tcv_action.commands.edge import Edge, print_json
from tcv_action.commands.output import print_text
from tcv_action.errors import StoreError
from tcv_action.prune.plan import Plan, Verdict
from tcv_action.report import text


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a version that was to be deleted."""

    deleted: bool
    reason: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """A plan, and by digest what was done of it; `outcomes` is empty where nothing was to be."""

    image: str
    plan: Plan
    outcomes: Mapping[str, Outcome]

    @property
    def going(self) -> int:
        """How many versions may go."""
        return sum(one.goes for one in self.plan.verdicts)

    @property
    def deleted(self) -> int:
        """How many versions are deleted."""
        return sum(one.deleted for one in self.outcomes.values())

    @property
    def failures(self) -> list[str]:
        """Why versions could not be deleted."""
        return [one.reason for one in self.outcomes.values() if one.failed]


def deliver(pruned: Pruned, edge: Edge, *, as_json: bool) -> int:
    """Show the result, hand it to GitHub where we are there, and return the exit code."""
    if edge.on_github:
        _hand_on(pruned, edge)
    if as_json:
        print_json(_document(pruned))
    else:
        for line in _lines(pruned):
            print_text(line)
    if not pruned.failures:
        return 0
    what = f"{len(pruned.failures)} versions of {pruned.image!r} could not be deleted:"
    error = StoreError(
        "\n".join((what, *dict.fromkeys(pruned.failures))),
        cause="The token may not delete here, or GitHub protects the version or was in trouble.",
        next_step="Give the job packages: write and the package's admin role, and run it again.",
    )
    edge.show(error)
    return error.exit_code


def outputs_of(document: Mapping[str, object]) -> dict[str, str]:
    """Return the outputs of prune/action.yml."""
    counts = {name: str(document[name]) for name in ("going", "deleted")}
    return {**counts, "json": json.dumps(document, ensure_ascii=False)}


def _lines(pruned: Pruned) -> Iterator[str]:
    rows = [("", "version", "tags", "created", "why"), *_rows(pruned)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield "  ".join((*cells, row[4])).rstrip()
    yield ""
    yield _conclusion(pruned)


def _conclusion(pruned: Pruned) -> str:
    count = len(pruned.plan.verdicts)
    said = f"{pruned.image}: {count} versions, {pruned.going} may go"
    if pruned.outcomes:
        return f"{said}, {pruned.deleted} deleted."
    return f"{said}; --yes deletes them." if pruned.going else f"{said}."


def _rows(pruned: Pruned) -> Iterator[tuple[str, str, str, str, str]]:
    for one in pruned.plan.verdicts:
        word, reason = _fate(one, pruned)
        version = one.stored.version
        yield (
            word,
            version.digest[:19],
            ", ".join(version.tags),
            f"{version.created:%Y-%m-%d}",
            reason,
        )


def _fate(verdict: Verdict, pruned: Pruned) -> tuple[str, str]:
    outcome = pruned.outcomes.get(verdict.stored.digest)
    if outcome is None:
        return "may go" if verdict.goes else "keep", verdict.reason
    return "deleted" if outcome.deleted else "not deleted", outcome.reason or verdict.reason


def _document(pruned: Pruned) -> dict[str, object]:
    return {
        "image": pruned.image,
        "going": pruned.going,
        "deleted": pruned.deleted,
        "failures": pruned.failures,
        "versions": [_record(one, pruned) for one in pruned.plan.verdicts],
    }


def _record(verdict: Verdict, pruned: Pruned) -> dict[str, object]:
    version = verdict.stored.version
    outcome = pruned.outcomes.get(version.digest)
    return {
        "id": version.id,
        "digest": version.digest,
        "tags": list(version.tags),
        "created": version.created.isoformat(),
        "goes": verdict.goes,
        "deleted": bool(outcome and outcome.deleted),
        "reason": _fate(verdict, pruned)[1],
    }


def _hand_on(pruned: Pruned, edge: Edge) -> None:
    from tcv_action.github import workflow  # noqa: PLC0415

    if edge.github_file("OUTPUT"):
        workflow.set_outputs(outputs_of(_document(pruned)))
    path = edge.github_file("STEP_SUMMARY")
    if path is None:
        return
    try:
        workflow.append_summary(path, "\n".join(_markdown(pruned)))
    except OSError as error:
        edge.progress.warn(f"The job summary {str(path)!r} could not be written: {error.strerror}")


def _markdown(pruned: Pruned) -> Iterator[str]:
    yield f"## {text.cell(_conclusion(pruned))}"
    yield ""
    yield "| | version | tags | created | why |"
    yield "|---|---|---|---|---|"
    for row in _rows(pruned):
        yield f"| {' | '.join(text.cell(cell) for cell in row)} |"
    yield ""
