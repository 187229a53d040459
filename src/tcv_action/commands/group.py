"""The `tcv` command: a file a verb, imported only when that verb is asked for."""

import importlib

import click

from tcv_action import __version__

_COMMANDS = {
    "run": "Warm up, package, push, restore, prove and report: the action's whole job.",
    "warmup": "Run a script and fill a cache folder.",
    "create": "Package a cache folder as an image.",
    "extract": "Restore a cache from an image.",
    "inspect": "Show labels, targets, entries and sizes of an image or folder.",
    "check": "Foretell from an image's labels whether it will hit on this machine.",
    "verify": "Replay a script against an image or folder and count the hits.",
    "diff": "Compare two images or folders, entry by entry.",
    "merge": "Join the images of a matrix to one index, one result, one summary.",
    "plan": "Make the matrix of a workflow's jobs from a configuration.",
    "relocate": "Rewrite a folder's group files for where it is, or will be mounted.",
    "gpus": "Show this machine's GPUs.",
}


class _Verbs(click.Group):
    """A group that knows its commands' names and imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"tcv_action.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tcv")
def cli() -> None:
    """Compile Triton kernels once, ship the cache as an OCI image, prove that every kernel hits.

    \b
    Example:
      tcv run --dry-run --target cuda:90 --target hip:gfx942 warmup.py
    """
