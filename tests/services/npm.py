"""Packages of the npm registry at fixed versions, kept under `.cache/`."""

import subprocess
from pathlib import Path

from tests.services.cache import CACHE, locked
from tests.services.tools import require_tool

INSTALL_SECONDS = 600


def node_modules(*packages: str) -> Path:
    """Return a folder with the packages (`NAME@VERSION`), installed the first time; none runs."""
    name = "-".join(package.lstrip("@").replace("/", "-") for package in packages)
    folder = CACHE / "npm" / name
    with locked(folder):
        complete = folder / "complete"
        if not complete.exists():
            _install(folder, packages)
            complete.touch()
    return folder / "node_modules"


def _install(folder: Path, packages: tuple[str, ...]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    quiet = ("--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
    command = [require_tool("npm"), "install", "--prefix", str(folder), *quiet, *packages]
    subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_SECONDS)
