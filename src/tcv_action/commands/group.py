"""The `tcv` command: a file a verb, imported only when that verb is asked for."""

import importlib

import click

from tcv_action import __version__
from tcv_action.commands.edge import Edge, log_level
from tcv_action.commands.flags import Flags, as_click_reads, original
from tcv_action.errors import InputError

_COMMANDS = {
    "run": "Warm up, package, push, restore, prove and report: the action's whole job.",
    "warmup": "Run a script and fill a cache folder.",
    "create": "Package a cache folder as an image.",
    "extract": "Restore a cache from an image.",
    "restore": "Put a cache in place for the steps that follow; a miss is no failure.",
    "inspect": "Show labels, targets, entries and sizes of an image or folder.",
    "check": "Foretell from an image's labels whether it will hit on this machine.",
    "verify": "Replay a script against an image or folder and count the hits.",
    "diff": "Compare two images or folders, entry by entry.",
    "merge": "Join the images of a matrix to one index, one result, one summary.",
    "plan": "Make the matrix of a workflow's jobs from a configuration.",
    "prune": "Show which old versions of a package may go, and delete them when told.",
    "relocate": "Rewrite a folder's group files for where it is, or will be mounted.",
    "gpus": "Show this machine's GPUs.",
}


class _Verbs(click.Group):
    """A group that knows its commands' names and imports a command when it is called."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, those of the original's flags as its users wrote them."""
        return super().parse_args(ctx, as_click_reads(args, _COMMANDS))

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


@click.group(
    cls=_Verbs,
    invoke_without_command=True,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Without a command the flags are those of the original tcv and mcv.",
)
@original
@log_level
@click.version_option(__version__, prog_name="tcv")
@click.pass_context
def cli(context: click.Context, flags: Flags) -> None:
    """Compile Triton kernels once, ship the cache as an OCI image, prove that every kernel hits.

    \b
    Examples:
      tcv run --dry-run --target cuda:90 --target hip:gfx942 warmup.py
      tcv -c -i quay.io/me/kernels:v1 -d ~/.triton/cache
      tcv -e -i quay.io/me/kernels:v1
    """
    if context.invoked_subcommand is None:
        act = importlib.import_module("tcv_action.commands.original").act
        act(flags, context.ensure_object(Edge))
    elif flags.given:
        what = f"{', '.join(flags.given)} cannot stand before {context.invoked_subcommand!r}."
        raise InputError(
            what,
            cause="They are the flags of the original tools, which had no commands.",
            next_step=f"Write them after it: tcv {context.invoked_subcommand} --help shows which.",
        )
