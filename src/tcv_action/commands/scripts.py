"""The script and the interpreter that a person named."""

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
    that it starts is watched. Raises StoreError where the disk does not tell.
    """
    if module:
        return Script(argv=("-m", *command), cwd=Path.cwd())
    first = Path(command[0])
    is_program = len(first.parts) == 1 and first.suffix != ".py" and not is_file_here(first)
    return Script(argv=command, cwd=Path.cwd(), is_command=is_program)


def gpus_for(warming: Warming, targets: Sequence[Target], edge: Edge) -> frozenset[Target]:
    """Look for GPUs, say what was found and chosen, and return the targets that run on one.

    Raises IncompatibleError where a GPU is demanded and out of reach.
    """
    choice = choose(warming.where, targets, find_gpus(), require_gpu=warming.require_gpu)
    edge.say(choice.reason)
    return choice.on_gpu
