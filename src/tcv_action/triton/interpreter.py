"""The Python that compiles: where it is, and what its Triton is."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

from tcv_action.errors import WarmupError
from tcv_action.triton import process
from tcv_action.triton.environment import Environment
from tcv_action.triton.script import Script
from tcv_action.triton.target import Target

PROBE = Path(__file__).with_name("probe.py")

SECRETS = (
    "INPUT_*",
    "ACTIONS_*_TOKEN",
    "ACTIONS_*_URL",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "DOCKER_AUTH_CONFIG",
    "TCV_*",
)
"""Patterns of the environment variables that are ours and not the script's."""

_DESCRIBE_SECONDS = 120.0


class Place(Protocol):
    """Where a script is run: the host's Python, or a Python inside a container."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that its scripts start from."""
        ...

    def run(
        self,
        script: Script,
        variables: Mapping[str, str],
        *,
        on_output: Callable[[str], None],
        timeout: float | None = None,
        stop: process.Stop | None = None,
    ) -> process.Finished:
        """Run a script with variables added; the paths in their values are valid there.

        Raises WarmupError where it cannot be started.
        """
        ...

    def describe(self) -> tuple[Environment, Target | None]:
        """Return what Triton's keys depend on there, and the GPU that Triton finds there.

        Raises WarmupError where there is no Triton.
        """
        ...

    def __str__(self) -> str:
        """Name it as a person would."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python on this host, and the environment that its scripts start from."""

    executable: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def run(
        self,
        script: Script,
        variables: Mapping[str, str],
        *,
        on_output: Callable[[str], None],
        timeout: float | None = None,
        stop: process.Stop | None = None,
    ) -> process.Finished:
        """Run a script on this host; `variables` win over the script's and over our own.

        Raises WarmupError where it cannot be started.
        """
        given = {**self.environment, **script.environment}
        environment = {**given, **variables}
        if "PYTHONPATH" in given and "PYTHONPATH" in variables:
            folders = (variables["PYTHONPATH"], given["PYTHONPATH"])
            environment["PYTHONPATH"] = os.pathsep.join(folders)
        if script.is_command:
            folders = (str(self.executable.parent), environment.get("PATH", os.defpath))
            environment["PATH"] = os.pathsep.join(folders)
        command = process.Command(
            argv=script.command(self.executable), cwd=script.cwd, environment=environment
        )
        try:
            return process.run(command, on_output=on_output, timeout=timeout, stop=stop)
        except OSError as error:
            raise _not_started(script, command.argv[0], error) from error

    def describe(self) -> tuple[Environment, Target | None]:
        """Return what Triton's keys depend on here, and the GPU that Triton finds on this machine.

        Raises WarmupError where the interpreter does not run or has no Triton.
        """
        lines: list[str] = []
        with tempfile.TemporaryDirectory(prefix="tcv-describe-") as folder:
            # Beside the probe lie modules of ours, which must not shadow the interpreter's own.
            alone = shutil.copy(PROBE, folder)
            script = Script(argv=(str(alone),), cwd=Path(folder))
            finished = self.run(script, {}, on_output=lines.append, timeout=_DESCRIBE_SECONDS)
        return read_description(lines, finished, str(self))

    def __str__(self) -> str:
        """Return the path of the executable."""
        return str(self.executable)


def find_interpreter(
    name: str, environment: Mapping[str, str], *, secrets: Iterable[str] = SECRETS
) -> Interpreter:
    """Return the interpreter of that path, or of that name on the environment's PATH.

    Its scripts see the environment without what matches the patterns in `secrets`.

    Raises WarmupError where there is no such program.
    """
    found = shutil.which(name, path=environment.get("PATH", os.defpath))
    if found is None:
        what = f"The Python {name!r} is not there, or is not a program."
        raise WarmupError(
            what,
            cause="It was looked for as a path and on PATH.",
            next_step="Name the Python that has Triton with --python.",
        )
    patterns = tuple(secrets)
    kept = {
        key: value
        for key, value in environment.items()
        if not any(fnmatchcase(key, pattern) for pattern in patterns)
    }
    return Interpreter(executable=Path(found).absolute(), environment=kept)


def read_description(
    lines: Iterable[str], finished: process.Finished, name: str
) -> tuple[Environment, Target | None]:
    """Read what the probe printed of the interpreter that is called `name`.

    Raises WarmupError where it has no Triton, or did not get so far.
    """
    told = next((line for line in reversed(list(lines)) if line.startswith("{")), None)
    if told is None:
        what = f"The Python {name!r} does not run."
        raise WarmupError(
            what,
            cause=f"It ended with {finished.exit_code}: {' '.join(finished.last_lines[-3:])}",
            next_step="Name a working Python that has Triton with --python.",
        )
    found = json.loads(told)
    if "missing" in found:
        raise no_triton(name, found["missing"])
    gpu = found.pop("gpu")
    return Environment(**found), None if gpu is None else Target(**gpu)


def no_triton(name: str, detail: str) -> WarmupError:
    """Return the error that says that the interpreter called `name` has no Triton."""
    return WarmupError(
        f"There is no Triton in the Python {name!r}.",
        cause=f"Importing it failed: {detail}.",
        next_step="Install triton there, or name the Python that has it with --python.",
    )


def _not_started(script: Script, program: str, error: OSError) -> WarmupError:
    next_step = "Name a Python that runs on this machine with --python."
    if script.is_command:
        next_step = "Name a Python script, or a program that is on PATH and runs on this machine."
    return WarmupError(
        f"The program {program!r} could not be started.",
        cause=f"The system said: {error.strerror}.",
        next_step=next_step,
    )
