"""The script that launches a person's kernels, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tcv_action.errors import InputError
from tcv_action.triton.listing import reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What is run to launch the kernels, in which folder, with which variables added.

    `argv` begins with the path of a Python script, relative to `cwd` or absolute, or with `-m` and
    a module. With `is_command` it is any command line, whose Python processes are watched.
    """

    argv: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    is_command: bool = False

    def check(self) -> None:
        """Raise InputError where there is nothing to run, or the disk does not tell."""
        if not self.cwd.is_dir():
            what = f"The working directory {str(self.cwd)!r} is not there."
            raise InputError(what, next_step="Name a folder that exists.")
        if not self.argv or self.argv == ("-m",):
            what = "No script was given."
            raise InputError(
                what,
                next_step="Name the Python script that launches your kernels, or -m and a module.",
            )
        if not self.is_command and self.argv[0] != "-m" and not self._is_there():
            what = f"The script {self.argv[0]!r} is not there."
            raise InputError(
                what,
                cause=f"It was looked for in {str(self.cwd)!r}.",
                next_step="Give its path relative to the working directory.",
            )

    def _is_there(self) -> bool:
        with reading(self.argv[0]):
            return (self.cwd / self.argv[0]).is_file()

    def command(self, python: Path) -> tuple[str, ...]:
        """Return the command line that runs it with the given interpreter."""
        return self.argv if self.is_command else (str(python), *self.argv)

    def __str__(self) -> str:
        """Write it as a person typed it."""
        return " ".join(self.argv)
