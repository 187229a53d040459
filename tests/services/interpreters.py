"""Pythons with Triton and PyTorch in virtual environments that are kept under `.cache/`."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.services.cache import CACHE, locked

OLDEST = "3.11"
NEWER = ("3.12", "3.13", "3.14")
TRITON = "triton==3.6.0"
# The one release of PyTorch whose CPU build the project's machines have at hand.
TORCH = "torch==2.13.0"
INSTALL_SECONDS = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python (`version` is `3.11`) and the requirements that are installed beside it."""

    version: str
    path: Path
    requirements: tuple[str, ...]

    @property
    def has_torch(self) -> bool:
        """Tell whether PyTorch is installed."""
        return any(each.startswith("torch==") for each in self.requirements)


def find_python(version: str) -> Path | None:
    """Return a Python of that minor version that really starts, from PATH or from pyenv."""
    name = f"python{version}"
    on_path = [Path(folder) / name for folder in os.get_exec_path()]
    root = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    from_pyenv = sorted(root.glob(f"versions/{version}.*/bin/python"))
    return next((each for each in [*on_path, *from_pyenv] if _starts(each, version)), None)


def require_python(*versions: str) -> tuple[str, Path]:
    """Return the first of the versions that is here, with its path; else skip (fail in CI)."""
    for version in versions:
        found = find_python(version)
        if found is not None:
            return version, found
    names = " or ".join(f"python{version}" for version in versions)
    pytest.skip(f"no {names} on PATH or under pyenv: install one (pyenv install {versions[0]})")


def interpreter(python: Path, version: str, requirements: Sequence[str]) -> Interpreter:
    """Return that Python with exactly these requirements, installing them the first time.

    Raises CalledProcessError, with pip's own words, where a requirement cannot be had.
    """
    name = "-".join([f"py{version}", *(each.replace("==", "-") for each in sorted(requirements))])
    folder = CACHE / "interpreters" / name
    with locked(folder):
        complete = folder / "complete"
        if not complete.exists():
            _install(python, folder, requirements)
            complete.touch()
    return Interpreter(
        version=version, path=folder / "bin" / "python", requirements=tuple(requirements)
    )


def _install(python: Path, folder: Path, requirements: Sequence[str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _run([str(python), "-m", "venv", str(folder)])
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    _run([*pip, "--no-cache-dir", "setuptools", *requirements])


def _run(command: Sequence[str]) -> None:
    subprocess.run(
        command,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=INSTALL_SECONDS,
    )


def _starts(python: Path, version: str) -> bool:
    # A pyenv shim answers `command not found` for versions that are installed but not chosen.
    if not os.access(python, os.X_OK):
        return False
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    answer = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False)
    return answer.stdout.strip() == version
