"""The `tcv` command as a person runs it: a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How the command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)

    def ok(self) -> "Ended":
        """Fail the test with what was said where the command failed."""
        assert self.code == 0, f"exit code {self.code}\n{self.out}\n{self.err}"
        return self


def tcv(
    *arguments: object,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
    timeout: float = 300.0,
) -> Ended:
    """Run `python -m tcv_action` with the arguments, away from GitHub's variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")}
    ended = subprocess.run(
        [sys.executable, "-m", "tcv_action", *map(str, arguments)],
        cwd=cwd,
        env={**kept, **(environ or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Ended(code=ended.returncode, out=ended.stdout, err=ended.stderr)
