"""What `tcv run` prints and writes where GitHub's runner reads it."""

from pathlib import Path

import pytest
from tests.services.command import Ended, tcv
from tests.services.interpreters import Interpreter
from tests.services.runner_log import read_log

COMMANDS = """
import triton
print("::set-output name=hits::99")
print("::add-mask::a")
print("::error file=x.py::not ours")
print("::stop-commands::guess")
print("::guess::")
def main():
    1 / 0
main()
"""

pytestmark = pytest.mark.triton


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Give GitHub's variables and the files that they name."""
    for name in ("output", "summary"):
        (tmp_path / name).touch()
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(tmp_path),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "TCV_REGISTRY_PASSWORD": "very-secret",
    }


def run(script: str, python: Interpreter, folder: Path, files: dict[str, str]) -> Ended:
    (folder / "warm.py").write_text(script)
    return tcv(
        "run", "--dry-run", "-t", "cuda:90", "--python", python.path, "warm.py",
        cwd=folder, environ=files,
    )  # fmt: skip


def test_failure_is_annotated_at_the_scripts_line_and_its_commands_are_not_obeyed(
    python_with_triton: Interpreter, tmp_path: Path, files: dict[str, str]
) -> None:
    ended = run(COMMANDS, python_with_triton, tmp_path, files)
    assert ended.code == 4
    log = read_log(ended.out)
    (annotation,) = log.annotations
    assert annotation.level == "error"
    assert annotation.properties["file"] == "warm.py"
    assert annotation.properties["line"] == "9"
    assert "ZeroDivisionError" in annotation.message
    assert log.masks == ["very-secret"]
    assert "::set-output name=hits::99" in log.text
    assert "hits=99" not in (tmp_path / "output").read_text()
    assert "warm up** failed" in (tmp_path / "summary").read_text()
