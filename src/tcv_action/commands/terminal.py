"""A person's terminal: progress and errors on standard error, so that results stay clean."""

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.markup import escape
from rich.text import Text

from tcv_action.commands.output import console
from tcv_action.errors import TcvError


class Terminal:
    """Shows the work in a terminal; a `Progress`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._console = console(stderr=True)

    @contextlib.contextmanager
    def phase(self, title: str) -> Iterator[None]:
        """Print the title at the start and the duration at the end."""
        started = self._clock()
        self._console.print(f"[bold]▸ {escape(title)}[/bold]")
        yield
        self._console.print(f"  [dim]{self._clock() - started:.1f} s[/dim]")

    def info(self, text: str) -> None:
        """Print plain text, indented under its phase."""
        for line in text.splitlines():
            self._console.print(f"  {escape(line)}")

    def warn(self, text: str) -> None:
        """Print a warning."""
        self._console.print(f"  [yellow]warning:[/yellow] {escape(text)}")

    def error(self, error: TcvError) -> None:
        """Print an error's three parts."""
        self._console.print(f"[bold red]error:[/bold red] {escape(error.what)}")
        for name, part in (("cause", error.cause), ("next", error.next_step)):
            if part:
                self._console.print(f"  [dim]{name}:[/dim] {escape(part)}")

    @contextlib.contextmanager
    def script_output(self) -> Iterator[Callable[[str], None]]:
        """Print the script's lines behind a bar, in its colours; nothing else of it is obeyed."""
        yield self._script_line

    def _script_line(self, line: str) -> None:
        bar = Text("  │ ", style="dim")
        self._console.print(bar.append_text(Text.from_ansi(line.rstrip(), style="not dim")))
