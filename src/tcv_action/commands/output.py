"""Where output leaves the program: whatever it holds is seen, nothing in it is obeyed."""

import io
import logging
import sys
from collections.abc import Iterable

import click
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from tcv_action.visible import visible


def escape_what_cannot_be_encoded() -> None:
    """Have both outputs write an escape for a character that their encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_text(text: object) -> None:
    """Write text and a newline to standard output."""
    click.echo(visible(str(text)))


def show_usage_error(error: click.ClickException) -> None:
    """Write what click says of a wrong command line to standard error."""
    said = io.StringIO()
    error.show(said)
    click.echo(visible(said.getvalue()), err=True, nl=False)


def console(*, stderr: bool = False) -> Console:
    """Return a console for text with colours, those that are ours alone."""
    return _VisibleConsole(stderr=stderr, soft_wrap=True, highlight=False, emoji=False)


class _VisibleConsole(Console):
    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render as rich does; its styles become escape sequences only after this."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


class LogFormatter(logging.Formatter):
    """Writes records of the log, those of other packages too."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Write one record, its traceback included."""
        return visible(super().format(record))
