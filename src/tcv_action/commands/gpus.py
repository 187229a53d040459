"""`tcv gpus`: this machine's GPUs."""

from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from tcv_action import api
from tcv_action.commands import options
from tcv_action.commands.edge import log_level, print_json
from tcv_action.commands.output import console, print_text
from tcv_action.gpus.fleet import to_json
from tcv_action.gpus.gpu import Inventory
from tcv_action.report import text


@click.command
@options.stub
@options.as_json
@log_level
def command(stub: Path | None, *, as_json: bool) -> None:
    """Show this machine's GPUs, and for each vendor without one the reason.

    \b
    Examples:
      tcv gpus --json
      tcv gpus --stub two-h100.yaml
    """
    inventory = api.system_gpus(stub)
    if as_json:
        print_json(to_json(inventory))
        return
    if inventory.gpus:
        console().print(_table(inventory))
    for absence in inventory.absences:
        print_text(f"{absence.vendor}: {absence.reason}")


def _table(inventory: Inventory) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("GPU", "target", "warp size", "name", "memory", "driver"):
        table.add_column(name, no_wrap=True)
    for gpu in inventory.gpus:
        table.add_row(
            gpu.label,
            str(gpu.target),
            str(gpu.target.warp_size),
            escape(gpu.name),
            text.size(gpu.memory_bytes),
            escape(gpu.driver_version or "-"),
        )
    return table
