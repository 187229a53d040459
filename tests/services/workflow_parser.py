"""GitHub's own parser of workflows and actions, from its npm package."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.services.npm import node_modules
from tests.services.tools import require_tool

PARSER = "@actions/workflow-parser@0.3.61"


def findings(files: Sequence[Path]) -> list[str]:
    """Return what the parser finds wrong with the files, each `PATH: MESSAGE`."""
    script = Path(__file__).with_name("node") / "parse_workflows.mjs"
    command = [require_tool("node"), str(script), str(node_modules(PARSER)), *map(str, files)]
    done = subprocess.run(command, check=True, capture_output=True, timeout=60)
    found: list[str] = json.loads(done.stdout)
    return found
