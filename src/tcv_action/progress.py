"""How a stage tells that it goes on; what shows it stands at the edge."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol


class Progress(Protocol):
    """Where long work reports to: a terminal, GitHub's log, nothing at all."""

    def phase(self, title: str) -> AbstractContextManager[None]:
        """Enclose a named part of the work; its duration is shown at its end."""
        ...

    def info(self, text: str) -> None:
        """Say one plain line."""
        ...

    def warn(self, text: str) -> None:
        """Say what a person should act on, though the work goes on."""
        ...

    def script_output(self) -> AbstractContextManager[Callable[[str], None]]:
        """Hand out a function that shows the user's script's lines, none of them obeyed.

        The function may be called from several threads.
        """
        ...
