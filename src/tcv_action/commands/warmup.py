"""`tcv warmup`: fill a cache folder."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from tcv_action.commands import options
from tcv_action.commands.edge import Edge, log_level, print_json
from tcv_action.commands.output import print_text
from tcv_action.commands.places import standing
from tcv_action.commands.scripts import Warming, given_script
from tcv_action.errors import InputError
from tcv_action.report import text
from tcv_action.stores.access import RegistryAccess
from tcv_action.triton.relocate import gather
from tcv_action.triton.warmup import Warmup, warm_up_all
from tcv_action.workplace import workplace


@click.command(context_settings={"allow_interspersed_args": False})
@options.script
@options.module
@options.targets
@click.option(
    "--cache-dir",
    "-d",
    type=options.GivenPath(file_okay=False),
    required=True,
    metavar="DIR",
    help="Folder that the entries go to; what it holds already stays.",
)
@options.python
@options.timeout
@options.warming
@options.registry
@options.as_json
@log_level
@click.pass_obj
def command(
    edge: Edge,
    command: tuple[str, ...],
    targets: tuple[str, ...],
    cache_dir: Path,
    python: str | None,
    timeout: float | None,
    warming: Warming,
    access: RegistryAccess,
    *,
    module: bool,
    as_json: bool,
) -> None:
    """Run a script and fill a cache folder.

    The kernels that SCRIPT launches are compiled for each --target: on this machine's GPU where it
    is the target, else without any GPU. They are compiled in a private folder and moved in whole.

    \b
    Example:
      tcv warmup --target cuda:90 --target hip:gfx942 --cache-dir cache warmup.py
    """
    chosen = options.parse_targets(targets)
    if not chosen:
        what = "No --target is given."
        raise InputError(what, next_step="Write for example --target cuda:90.")
    with (
        _made(cache_dir),
        standing(warming, chosen, python, access, edge) as stand,
        workplace(cache_dir) as folder,
        edge.progress.script_output() as show,
    ):
        warmups = warm_up_all(
            given_script(command, module=module),
            {target: folder / target.tag_suffix for target in chosen},
            interpreter=stand.place,
            timeout=timeout,
            on_output=lambda target, line: show(f"{target} | {line}" if chosen[1:] else line),
            gpus=stand.gpus,
            workers=len(os.sched_getaffinity(0)),
        )
        for warmup in warmups:
            gather(warmup.cache_dir, cache_dir)
    _show(warmups, cache_dir, edge, as_json=as_json)


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Remove the folder, and those above it, where it was not there before and got no kernel."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        yield
    finally:
        for one in missing:
            with suppress(OSError):
                one.rmdir()


def _show(warmups: Sequence[Warmup], cache_dir: Path, edge: Edge, *, as_json: bool) -> None:
    if as_json:
        print_json({"cache_dir": str(cache_dir), "targets": [_row(one) for one in warmups]})
        return
    for one in warmups:
        edge.say(
            f"{one.target}: {text.counted(len(one.kernels), 'kernel')}"
            f" in {text.seconds(one.seconds)} ({one.mode})"
        )
    print_text(cache_dir)


def _row(warmup: Warmup) -> dict[str, object]:
    return {
        "target": str(warmup.target),
        "mode": warmup.mode,
        "requests": len(warmup.requests),
        "seconds": warmup.seconds,
        "compile_seconds": warmup.compile_seconds,
        "triton": warmup.environment.triton_version,
    }
