"""A run as the Markdown of a job summary: the table first, details folded."""

import shlex
from collections.abc import Iterator

from tcv_action.report import text
from tcv_action.report.result import Failure, RunResult, TargetResult


def summary(result: RunResult) -> str:
    """Write the whole summary; it works for partial and failed runs as well."""
    return "\n".join(_lines(result)) + "\n"


def brief(result: RunResult) -> str:
    """Write the summary less its folded details, for a pull request's comment."""
    return "\n".join(_opening(result)) + "\n"


def headline(result: RunResult) -> str:
    """Say in one line what came of the run."""
    asked = sum(row.asked or 0 for row in result.targets)
    found = sum(row.hits or 0 for row in result.targets)
    entries = sum(row.entries or 0 for row in result.targets)
    count = len(result.targets)
    what = f"{text.counted(entries, 'kernel')} for {text.counted(count, 'target')}"
    if not result.succeeded:
        return f"Triton cache: failed while it was to {result.failures[0].stage}"
    proof = f", {found} of {asked} requests hit" if asked else ", not replayed"
    return f"Triton cache: {what}{proof}"


def _lines(result: RunResult) -> Iterator[str]:
    yield from _opening(result)
    for row in result.targets:
        yield from _details(row)


def _opening(result: RunResult) -> Iterator[str]:
    yield f"## {'✅' if result.succeeded else '❌'} {text.cell(headline(result))}"
    yield ""
    yield from _failures(result)
    if result.targets:
        yield from _table(result)
        yield from _saved(result)
        yield from _use(result)


def _failures(result: RunResult) -> Iterator[str]:
    for row in result.targets:
        if row.failure:
            yield from _failure(row.failure, f"{row.target}: ")
    if result.failure:
        yield from _failure(result.failure, "")


def _failure(failure: Failure, subject: str) -> Iterator[str]:
    yield f"> **{text.cell(subject + failure.stage)}** failed (exit code {failure.exit_code})."
    for part in (failure.what, failure.cause, failure.next_step):
        for line in part.splitlines():
            yield f"> {text.cell(line)}<br>"
    yield ""


def _table(result: RunResult) -> Iterator[str]:
    yield "| target | image | digest | entries | cache | image size | hits | cold | warm |"
    yield "|---|---|---|--:|--:|--:|--:|--:|--:|"
    for row in result.targets:
        images = "<br>".join(text.code(reference) for reference in row.references)
        cells = (
            text.code(str(row.target)),
            images or "-",
            text.code(row.digest[:19] + "…") if row.digest else "-",
            "-" if row.entries is None else str(row.entries),
            text.size(row.cache_bytes),
            text.size(row.image_bytes),
            ("✅ " if row.hits is not None and row.hits == row.asked else "")
            + text.hits(row.hits, row.asked),
            text.seconds(row.cold_seconds),
            text.seconds(row.warm_seconds),
        )
        yield f"| {' | '.join(cells)} |"
    yield ""


def _saved(result: RunResult) -> Iterator[str]:
    rows = [row for row in result.targets if row.compile_seconds]
    if not rows:
        return
    names = sorted({request.name for row in rows for request in row.requests})
    count = max(len(row.requests) for row in rows)
    shown = ", ".join(text.code(name) for name in names[:8]) + (" …" if len(names) > 8 else "")
    saved = ", ".join(f"{row.compile_seconds:.1f} s ({row.target})" for row in rows)
    of = text.counted(len(names), "kernel")
    yield f"{text.counted(count, 'specialization')} of {of} ({shown})."
    yield f"Compiling saved in each fresh process: {saved}."
    yield ""


def _use(result: RunResult) -> Iterator[str]:
    usable = next((row for row in result.targets if row.references and not row.failure), None)
    if usable is None:
        return
    yield "Restore it where the kernels run:"
    yield ""
    yield "```sh"
    yield f"tcv extract -i {shlex.quote(text.one_line(usable.references[0]))}"
    yield "```"
    yield ""


def _details(row: TargetResult) -> Iterator[str]:
    if row.labels:
        yield from _folded(f"{row.target}: labels", _labels(row))
    if row.requests:
        yield from _folded(f"{row.target}: kernels", _kernels(row))
    if row.missed:
        yield from _folded(f"{row.target}: misses", (f"- {text.cell(name)}" for name in row.missed))


def _labels(row: TargetResult) -> Iterator[str]:
    yield f"Digest {text.code(row.digest or '')}"
    yield ""
    yield "| label | value |"
    yield "|---|---|"
    for name, value in sorted(row.labels.items()):
        shown = value if len(value) <= 300 else f"{value[:300]}… ({len(value)} characters)"
        yield f"| {text.code(name)} | {text.code(shown)} |"


def _kernels(row: TargetResult) -> Iterator[str]:
    yield "| kernel | signature | constants | options | compile |"
    yield "|---|---|---|---|--:|"
    for request in row.requests:
        signature = ", ".join(f"{name}: {kind}" for name, kind in request.signature.items())
        constants = ", ".join(f"{name}={value}" for name, value in request.constants.items())
        options = ", ".join(
            f"{name}={request.options[name]}"
            for name in ("num_warps", "num_stages", "num_ctas")
            if name in request.options
        )
        cells = (
            text.code(request.name),
            text.code(signature),
            text.code(constants),
            text.code(options),
            text.seconds(sum(request.seconds.values()) if request.seconds else None),
        )
        yield f"| {' | '.join(cells)} |"


def _folded(title: str, lines: Iterator[str]) -> Iterator[str]:
    yield f"<details><summary>{text.markup(title)}</summary>"
    yield ""
    yield from lines
    yield ""
    yield "</details>"
    yield ""
