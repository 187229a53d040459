"""GitHub's own parser of workflows and actions, from its npm package, kept under `.cache/`."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.services.cache import CACHE, locked
from tests.services.tools import require_tool

PACKAGE = "@actions/workflow-parser@0.3.61"
INSTALL_SECONDS = 300


def findings(files: Sequence[Path]) -> list[str]:
    """Return what the parser finds wrong with the files, each `PATH: MESSAGE`."""
    script = Path(__file__).with_name("node") / "parse_workflows.mjs"
    command = [require_tool("node"), str(script), str(_packages()), *map(str, files)]
    done = subprocess.run(command, check=True, capture_output=True, timeout=60)
    found: list[str] = json.loads(done.stdout)
    return found


def _packages() -> Path:
    folder = CACHE / "npm" / PACKAGE.rpartition("@")[2]
    with locked(folder):
        complete = folder / "complete"
        if not complete.exists():
            _install(folder)
            complete.touch()
    return folder / "node_modules"


def _install(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    install = ["install", "--prefix", str(folder), "--no-save", "--no-package-lock", "--no-audit"]
    command = [require_tool("npm"), *install, "--no-fund", "--ignore-scripts", PACKAGE]
    subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_SECONDS)
