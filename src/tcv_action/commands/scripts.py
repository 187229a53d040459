"""The script and the interpreter that a person named."""

import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tcv_action.commands.edge import Edge
from tcv_action.gpus import find_gpus
from tcv_action.triton.interpreter import Interpreter, find_interpreter
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
    """Make the script value of what stands on the command line."""
    return Script(argv=("-m", *command) if module else command, cwd=Path.cwd())


def chosen_interpreter(python: str | None, edge: Edge) -> Interpreter:
    """Find the interpreter that compiles.

    Without a choice it is the one that runs this command if it has Triton, else `python3`: the
    command is often installed in an environment of its own.
    """
    own = sys.executable if importlib.util.find_spec("triton") else "python3"
    return find_interpreter(python or own, edge.environ)


def targets_at_hand() -> frozenset[Target]:
    """Return the targets of this machine's GPUs, none where there is no GPU."""
    return frozenset(find_gpus().targets)


def gpus_for(warming: Warming, targets: Sequence[Target], edge: Edge) -> frozenset[Target]:
    """Look for GPUs, say what was found and chosen, and return the targets that run on one.

    Raises IncompatibleError where a GPU is demanded and out of reach.
    """
    choice = choose(warming.where, targets, find_gpus(), require_gpu=warming.require_gpu)
    edge.say(choice.reason)
    return choice.on_gpu
