"""Handing over a run's result: files, GitHub's files, the terminal, the exit code."""

from collections.abc import Iterator
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from tcv_action.commands.edge import Edge, print_json
from tcv_action.commands.output import console
from tcv_action.errors import TcvError
from tcv_action.oci.disk import disk_trouble, written_beside
from tcv_action.report import text
from tcv_action.report.outputs import outputs, outputs_json, step_outputs
from tcv_action.report.page import page
from tcv_action.report.result import Failure, RunResult
from tcv_action.report.summary import headline, summary
from tcv_action.triton.failures import ScriptError


def deliver(
    result: RunResult, output: Path, edge: Edge, *, as_json: bool, layout: Path | None = None
) -> int:
    """Write all reports, show the result, and return the exit code: the first failure's, or 0.

    `layout` is where the images are on disk, if they stay there.
    """
    _write(result, output)
    if edge.on_github:
        _hand_on(result, output, edge)
    if as_json:
        print_json(outputs(result))
    else:
        _show(result, output, layout)
    for failure in result.failures:
        edge.show(_error(failure))
    return result.failures[0].exit_code if result.failures else 0


def _write(result: RunResult, output: Path) -> None:
    with disk_trouble(output):
        output.mkdir(parents=True, exist_ok=True)
    contents = {
        "summary.md": summary(result),
        "outputs.json": outputs_json(result),
        "page.html": page(result),
    }
    for name, content in contents.items():
        with written_beside(output / name) as file:
            file.write(content.encode())


def _hand_on(result: RunResult, output: Path, edge: Edge) -> None:
    from tcv_action.github import workflow  # noqa: PLC0415
    from tcv_action.github.workspace import give_to_owner  # noqa: PLC0415

    workspace = edge.environ.get("GITHUB_WORKSPACE")
    if workspace:
        give_to_owner(output, Path(workspace))
    if edge.github_file("OUTPUT"):
        workflow.set_outputs(step_outputs(result))
    path = edge.github_file("STEP_SUMMARY")
    if path is None:
        return
    try:
        workflow.append_summary(path, summary(result))
    except OSError as error:
        edge.progress.warn(f"The job summary {str(path)!r} could not be written: {error.strerror}")


def _show(result: RunResult, output: Path, layout: Path | None) -> None:
    shown = console()
    mark = "[bold green]✔[/bold green]" if result.succeeded else "[bold red]✘[/bold red]"
    shown.print(f"\n{mark} [bold]{escape(headline(result))}[/bold]\n")
    if result.targets:
        shown.print(_table(result))
        shown.print()
    for name, place in _places(result, output, layout):
        shown.print(f"[dim]{name:<9}[/dim] {escape(place)}")


def _table(result: RunResult) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("target", "entries", "cache", "image", "hits", "cold", "warm"):
        table.add_column(name, no_wrap=True)
    for row in result.targets:
        table.add_row(
            str(row.target),
            "-" if row.entries is None else str(row.entries),
            text.size(row.cache_bytes),
            text.size(row.image_bytes),
            text.hits(row.hits, row.asked),
            text.seconds(row.cold_seconds),
            text.seconds(row.warm_seconds),
        )
    return table


def _places(result: RunResult, output: Path, layout: Path | None) -> Iterator[tuple[str, str]]:
    for row in result.targets:
        for reference in row.references:
            yield "image", f"{reference}@{row.digest}"
    for tag in result.index_tags:
        place = f"oci:{layout}" if layout else result.image
        yield "index", f"{place}:{tag}@{result.index_digest}"
    if layout and any(row.tags for row in result.targets):
        yield "layout", str(layout)
    yield "summary", str(output / "summary.md")
    yield "outputs", str(output / "outputs.json")
    yield "page", str(output / "page.html")


def _error(failure: Failure) -> TcvError:
    what = f"{failure.stage}: {failure.what}"
    parts = {"cause": failure.cause, "next_step": failure.next_step}
    if failure.file:
        return ScriptError(what, file=failure.file, line=failure.line, **parts)
    return TcvError(what, **parts)
