"""The machine that an image is checked against: its GPUs and its interpreter."""

from pathlib import Path

import click

from tcv_action.commands.edge import Edge
from tcv_action.commands.scripts import chosen_interpreter
from tcv_action.errors import WarmupError
from tcv_action.gpus import find_gpus
from tcv_action.gpus.gpu import Inventory
from tcv_action.preflight.machine import Machine

stub = click.option(
    "--stub",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Take the GPUs from this file instead; docs/gpus-stub.md has its format.",
)


def inventory_here(stub_file: Path | None) -> Inventory:
    """Return the GPUs of the stub file, else of this machine."""
    if stub_file is None:
        return find_gpus()
    from tcv_action.gpus.stub import read  # noqa: PLC0415

    return read(stub_file)


def machine_here(python: str | None, stub_file: Path | None, edge: Edge) -> Machine:
    """Describe this machine and the interpreter that would load a cache.

    Raises WarmupError where an interpreter that was named has no Triton; one that was only guessed
    leaves the environment unknown.
    """
    inventory = inventory_here(stub_file)
    try:
        environment, _ = chosen_interpreter(python, edge).describe()
    except WarmupError as error:
        if python is not None:
            raise
        return Machine(inventory=inventory, why_unknown=error.what.rstrip("."))
    return Machine(inventory=inventory, environment=environment)
