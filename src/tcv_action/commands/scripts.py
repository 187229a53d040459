"""The script and the interpreter that a person named."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tcv_action.commands.edge import Edge
from tcv_action.gpus import find_gpus
from tcv_action.oci.disk import is_file_here
from tcv_action.triton.script import Script
from tcv_action.triton.target import Target
from tcv_action.warming import WarmupIn, choose


@dataclass(frozen=True, slots=True, kw_only=True)
class Warming:
    """How a script is to be run.

    With `image` it runs in a container of it, after the shell commands in `setup`; `network` is
    the engine's name of the container's network, None for our own one's.
    """

    where: WarmupIn = WarmupIn.AUTO
    require_gpu: bool = False
    image: str | None = None
    setup: tuple[str, ...] = ()
    network: str | None = None


def given_script(command: tuple[str, ...], *, module: bool) -> Script:
    """Make the script value of what stands on the command line.

    A first word that is no file here and looks like none (`torchrun`) is a program: it and all
    that it starts is watched. So is an executable file that is no Python (`./warm.sh`). Raises
    StoreError where the disk does not tell.
    """
    if module:
        return Script(argv=("-m", *command), cwd=Path.cwd())
    first = Path(command[0])
    if not is_file_here(first):
        is_program = len(first.parts) == 1 and first.suffix != ".py"
        return Script(argv=command, cwd=Path.cwd(), is_command=is_program)
    if not _is_program(first):
        return Script(argv=command, cwd=Path.cwd())
    # Without a slash it would be looked for on PATH.
    name = command[0] if "/" in command[0] else f"./{command[0]}"
    return Script(argv=(name, *command[1:]), cwd=Path.cwd(), is_command=True)


def _is_program(file: Path) -> bool:
    """Tell an executable that the system runs, and not Python: machine code, a shell script."""
    if not os.access(file, os.X_OK):
        return False
    try:
        with file.open("rb") as stream:
            start = stream.readline(256)
    except OSError:  # executable, and not to be read
        return True
    return start.startswith(b"\x7fELF") or (start.startswith(b"#!") and b"python" not in start)


def gpus_for(warming: Warming, targets: Sequence[Target], edge: Edge) -> frozenset[Target]:
    """Look for GPUs, say what was found and chosen, and return the targets that run on one.

    Raises IncompatibleError where a GPU is demanded and out of reach.
    """
    choice = choose(warming.where, targets, find_gpus(), require_gpu=warming.require_gpu)
    edge.say(choice.reason)
    return choice.on_gpu
