"""What a command finds around it: the environment, a place to report to, a place for results."""

import json
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click
from click.core import ParameterSource

from tcv_action import inputs
from tcv_action.commands.output import LogFormatter, print_text
from tcv_action.commands.terminal import Terminal
from tcv_action.errors import ConfigurationError, TcvError
from tcv_action.progress import Progress
from tcv_action.triton.failures import ScriptError

_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """The environment as it was at the start, and who listens."""

    environ: Mapping[str, str]
    progress: Progress

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Edge":
        """Look where the command runs: on GitHub its log is a protocol, else it is a terminal."""
        return cls(environ=environ, progress=_progress(environ))

    @property
    def on_github(self) -> bool:
        """Whether GitHub's runner reads what is printed."""
        return self.environ.get("GITHUB_ACTIONS") == "true"

    def default_map(self) -> dict[str, dict[str, object]]:
        """Return the defaults that the action's inputs give to `tcv run`."""
        given = inputs.from_environment(self.environ)
        return {"run": given} if given else {}

    def github_file(self, name: str) -> Path | None:
        """Return the file that `GITHUB_<name>` names, if there is one."""
        path = self.environ.get(f"GITHUB_{name}", "")
        return Path(path) if path else None

    def github_event(self) -> Mapping[str, object]:
        """Return the payload of the event that started the job; empty outside GitHub."""
        path = self.github_file("EVENT_PATH")
        if path is None:
            return {}
        try:
            event = json.loads(path.read_text())
        except (OSError, ValueError):
            return {}
        return event if isinstance(event, dict) else {}

    def show(self, error: TcvError) -> None:
        """Show an error where a person looks: its parts in red, or an annotation on GitHub."""
        if self.on_github:
            from tcv_action.github.workflow import Workflow  # noqa: PLC0415

            file, line = self._place(error)
            Workflow().fail(str(error), title=error.what.splitlines()[0], file=file, line=line)
        else:
            Terminal().error(error)

    def _place(self, error: TcvError) -> tuple[str, int]:
        """Return file and line of the user's script or configuration, as the repository names it."""
        if not isinstance(error, ScriptError | ConfigurationError) or not error.file:
            return "", 0
        path, workspace = Path(error.file), self.environ.get("GITHUB_WORKSPACE", "")
        inside = workspace and path.is_relative_to(workspace)
        return str(path.relative_to(workspace) if inside else path), error.line

    def say(self, text: str) -> None:
        """Say one line to the person."""
        self.progress.info(text)


def _progress(environ: Mapping[str, str]) -> Progress:
    if environ.get("GITHUB_ACTIONS") != "true":
        return Terminal()
    from tcv_action.github.workflow import Workflow, mask  # noqa: PLC0415

    for secret in inputs.secrets(environ):
        mask(secret)
    return Workflow()


def print_json(value: object) -> None:
    """Write a value to standard output as indented JSON."""
    print_text(json.dumps(value, indent=2, ensure_ascii=False))


def set_log_level(context: click.Context, parameter: click.Parameter, level: str) -> str:
    """Send the package's own log to standard error from this level on.

    A level before the verb holds where the verb names none.
    """
    usual = context.get_parameter_source(parameter.name or "") is ParameterSource.DEFAULT
    if usual and context.parent is not None:
        return level
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogFormatter())
    logging.basicConfig(handlers=[handler])
    logging.getLogger().setLevel(level.upper())
    return level


log_level = click.option(
    "--log-level",
    "-l",
    type=click.Choice(_LEVELS, case_sensitive=False),
    default="warning",
    show_default=True,
    callback=set_log_level,
    expose_value=False,
    help="How much of the inner working to log.",
)
