"""A run as one HTML page: everything in the file, nothing fetched, kernels to search through."""

import base64
import hashlib
from collections.abc import Iterable, Iterator

from tcv_action.report import text
from tcv_action.report.result import Failure, RunResult, TargetResult
from tcv_action.report.summary import headline
from tcv_action.triton.request import Request

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --dim: #777; --good: #1a7f37; --bad: #cf222e; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h1.good::before { content: "✔ "; color: var(--good); }
h1.bad::before { content: "✘ "; color: var(--bad); }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: left;
  vertical-align: top; }
th { color: var(--dim); font-weight: 500; } td.number, th.number { text-align: right; }
code { font: 13px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
details { margin: .5rem 0; } summary { cursor: pointer; }
.failure { border-left: 4px solid var(--bad); padding: .2rem 1rem; white-space: pre-wrap; }
input { font: inherit; padding: .3rem .6rem; width: 20rem; }
.short { white-space: nowrap; }
.hit { color: var(--good); } .miss { color: var(--bad); }
"""

# The page's only program; its digest stands in the policy, so no text of a label can run.
_PROGRAM = """
document.getElementById("search").addEventListener("input", event => {
  const words = event.target.value.toLowerCase().split(/\\s+/).filter(Boolean);
  for (const row of document.querySelectorAll("tr.kernel")) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every(word => text.includes(word));
  }
});
"""


def page(result: RunResult) -> str:
    """Write the whole page; it works for partial and failed runs as well."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: RunResult) -> Iterator[str]:
    title = text.markup(headline(result))
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>"
    yield f'<h1 class="{"good" if result.succeeded else "bad"}">{title}</h1>'
    for failure in result.failures:
        yield _failure(failure)
    yield from _overview(result.targets)
    yield from _kernels(result.targets)
    for row in result.targets:
        yield from _labels(row)
    yield f"<script>{_PROGRAM}</script>\n</body>\n</html>"


def _policy() -> str:
    digest = base64.b64encode(hashlib.sha256(_PROGRAM.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def _failure(failure: Failure) -> str:
    parts = "\n".join(filter(None, (failure.what, failure.cause, failure.next_step)))
    stage = text.markup(failure.stage)
    return (
        f'<p class="failure"><b>{stage}</b> failed ({failure.exit_code})\n{text.markup(parts)}</p>'
    )


def _overview(rows: Iterable[TargetResult]) -> Iterator[str]:
    heads = ("target", "image", "entries", "cache", "image size", "hits", "cold", "warm")
    yield f"<table><thead>{_row(heads, tag='th', numbers=2)}</thead><tbody>"
    for row in rows:
        where = [f"<code>{text.markup(one)}</code>" for one in (*row.references, row.digest or "")]
        cells = (
            str(row.entries) if row.entries is not None else "-",
            text.size(row.cache_bytes),
            text.size(row.image_bytes),
            text.hits(row.hits, row.asked),
            text.seconds(row.cold_seconds),
            text.seconds(row.warm_seconds),
        )
        numbers = "".join(f'<td class="number">{cell}</td>' for cell in cells)
        target = f"<code>{text.markup(str(row.target))}</code>"
        yield f"<tr><td>{target}</td><td>{'<br>'.join(where)}</td>{numbers}</tr>"
    yield "</tbody></table>"


def _row(cells: Iterable[str], *, tag: str, numbers: int) -> str:
    """Write a row whose cells from `numbers` on are numbers."""
    written = []
    for place, cell in enumerate(cells):
        kind = ' class="number"' if place >= numbers else ""
        written.append(f"<{tag}{kind}>{text.markup(cell)}</{tag}>")
    return f"<tr>{''.join(written)}</tr>"


def _kernels(rows: Iterable[TargetResult]) -> Iterator[str]:
    yield '<p><input id="search" type="search" placeholder="search kernels" autofocus></p>'
    heads = ("target", "kernel", "signature", "constants", "options", "source", "compile")
    yield f"<table><thead>{_row(heads, tag='th', numbers=6)}</thead><tbody>"
    for row in rows:
        missed = set(row.missed)
        for request in row.requests:
            yield _kernel(row, request, missed=f"{request.name} ({request.source})" in missed)
    yield "</tbody></table>"


def _kernel(row: TargetResult, request: Request, *, missed: bool) -> str:
    state = "" if row.hits is None else "miss" if missed else "hit"
    shown = (
        ", ".join(f"{name}: {kind}" for name, kind in request.signature.items()),
        ", ".join(f"{name}={value}" for name, value in request.constants.items()),
        ", ".join(
            f"{name.removeprefix('num_')}={request.options[name]}"
            for name in ("num_warps", "num_stages", "num_ctas")
            if name in request.options
        ),
        request.source.rpartition("/")[2],
    )
    signature, *short = (f"<code>{text.markup(cell)}</code>" for cell in shown)
    details = f"<td>{signature}</td>" + "".join(f'<td class="short">{cell}</td>' for cell in short)
    seconds = text.seconds(sum(request.seconds.values()) if request.seconds else None)
    target = f"<code>{text.markup(str(row.target))}</code>"
    return (
        f'<tr class="kernel"><td class="short">{target}</td><td class="short {state}">'
        f'<code>{text.markup(request.name)}</code></td>{details}<td class="number">{seconds}</td></tr>'
    )


def _labels(row: TargetResult) -> Iterator[str]:
    if not row.labels:
        return
    yield f"<details><summary>Labels of {text.markup(str(row.target))}</summary><table><tbody>"
    for name, value in sorted(row.labels.items()):
        yield (
            f"<tr><td><code>{text.markup(name)}</code></td>"
            f"<td><code>{text.markup(value)}</code></td></tr>"
        )
    yield "</tbody></table></details>"
