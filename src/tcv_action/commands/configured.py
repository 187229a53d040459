"""A command whose defaults stand in a configuration file, too."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from tcv_action import inputs
from tcv_action.commands import options
from tcv_action.commands.edge import Edge

_SAID = (str, tuple, list)


class Configured(click.Command):
    """A command with an option `--config FILE`; what a person gives wins over the file."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the file that the option names before the other options look for their defaults."""
        parsed, _, _ = self.make_parser(ctx).parse_args(list(args))
        # What is not there is a marker of click's own, which is neither text nor empty.
        given: dict[str, Any] = {
            name: value for name, value in parsed.items() if isinstance(value, _SAID)
        }
        path = given.get("config") or ctx.lookup_default("config")
        if path:
            edge = ctx.ensure_object(Edge)
            settings = _settings(Path(str(path)), given, ctx.default_map or {})
            ctx.default_map = inputs.from_environment(edge.environ, settings)
        return super().parse_args(ctx, args)


def _settings(path: Path, given: Mapping[str, Any], of_inputs: Mapping[str, Any]) -> dict[str, str]:
    from tcv_action import plan  # noqa: PLC0415

    said = {**of_inputs, **{name: value for name, value in given.items() if value}}
    wanted = options.parse_targets(said.get("targets", ()))
    sources = {"script": "command", "cache-dir": "cache_dir"}
    nearer = [name for name, parameter in sources.items() if parameter in said]
    return plan.settings(plan.chosen(plan.read_legs(path), wanted), nearer)
