"""What can go wrong, each with its exit code and its advice.

A message has three parts: what happened (with the value in quotes), the usual cause, the next
step. `tcv_action.__main__` is the one place that catches these and shows them.
"""

from typing import ClassVar


class TcvError(Exception):
    """A failure that a person can act on; its message stands alone, without a traceback."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, cause: str = "", next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.cause = cause
        self.next_step = next_step

    def __str__(self) -> str:
        """Return the parts that are known, a line each."""
        return "\n".join(part for part in (self.what, self.cause, self.next_step) if part)


class InputError(TcvError):
    """What the person gave cannot be used: an option, a reference, a folder, an image."""

    exit_code = 2


class ConfigurationError(InputError):
    """A configuration file is wrong, first at this line, counted from 1."""

    def __init__(self, what: str, *, file: str, line: int, next_step: str) -> None:
        super().__init__(what, next_step=next_step)
        self.file = file
        self.line = line


class NothingToPackageError(TcvError):
    """There is no kernel: an empty cache folder, or a script that launched nothing."""

    exit_code = 3


class WarmupError(TcvError):
    """The script, or the interpreter that should run it, failed."""

    exit_code = 4


class StoreError(TcvError):
    """A registry, an engine or the disk refused or failed."""

    exit_code = 5


class DiskError(StoreError):
    """A disk of this machine refused a file."""


class IncompatibleError(TcvError):
    """The image cannot hit on this machine."""

    exit_code = 6


class NotProvedError(TcvError):
    """The replay had fewer hits than requests."""

    exit_code = 7
