"""Workflow and action files, read by the parser that GitHub itself uses."""

import subprocess
from pathlib import Path

import pytest
from tests.services.cache import ROOT
from tests.services.tools import require_tool
from tests.services.workflow_parser import findings

pytestmark = pytest.mark.tools

PATTERNS = ("action.yml", "*/action.yml", ".github/workflows/*.yml")


def test_github_accepts_every_file() -> None:
    command = [require_tool("git"), "-C", str(ROOT), "ls-files", *PATTERNS]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()

    assert listed
    assert not findings([ROOT / name for name in listed])


def test_a_wrong_file_is_seen(tmp_path: Path) -> None:
    workflow = tmp_path / "wrong.yml"
    workflow.write_text("on: push\njobs:\n  a:\n    runs-on: x\n    stps: []\n")
    action = tmp_path / "action.yml"
    action.write_text("name: x\ndescription: y\nruns:\n  using: docker\n  imge: Dockerfile\n")

    found = findings([workflow, action])

    assert any("stps" in each for each in found)
    assert any("imge" in each for each in found)
