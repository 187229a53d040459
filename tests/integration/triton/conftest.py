"""Ways to run scripts with real Tritons."""

import os
import shutil
from pathlib import Path

import pytest
from tests.services import interpreters

from tcv_action.triton.groups import is_group_file, rewrite_group
from tcv_action.triton.interpreter import Interpreter, find_interpreter
from tcv_action.triton.replay import Proof, replay
from tcv_action.triton.script import Script
from tcv_action.triton.target import Target
from tcv_action.triton.warmup import Warmup, warm_up

SCRIPTS = Path(__file__).resolve().parents[2] / "data" / "scripts"
SUITE = Path(__file__).resolve().parents[3] / "examples" / "suite.py"
TIMEOUT = 300.0


def script(name: str, *arguments: str) -> Script:
    """Return one of the scripts in tests/data/scripts."""
    return Script(argv=(str(SCRIPTS / name), *arguments), cwd=SCRIPTS)


def written(folder: Path, code: str) -> Script:
    """Write a script as a person would, and return it."""
    path = folder / "script.py"
    path.write_text(code)
    return Script(argv=(path.name,), cwd=folder)


def here(python: Path) -> Interpreter:
    """Return an interpreter with the environment of the tests."""
    return find_interpreter(str(python), os.environ)


def warm(what: Script, target: str, folder: Path, interpreter: Interpreter) -> Warmup:
    """Warm up compile-only, saying nothing."""
    return warm_up(
        what,
        Target.parse(target),
        folder,
        interpreter=interpreter,
        timeout=TIMEOUT,
        on_output=lambda _line: None,
        gpu=False,
    )


def prove(what: Script, target: str, folder: Path, interpreter: Interpreter) -> Proof:
    """Replay compile-only, saying nothing."""
    return replay(
        what,
        Target.parse(target),
        folder,
        interpreter=interpreter,
        timeout=TIMEOUT,
        on_output=lambda _line: None,
        gpu=False,
    )


def move(folder: Path, destination: Path) -> Path:
    """Move a cache as a restored image does: another folder, its group files rewritten."""
    shutil.move(folder, destination)
    for group in destination.rglob("__grp__*.json"):
        names = [file.name for file in group.parent.iterdir() if not is_group_file(file.name)]
        content = rewrite_group(
            group.read_bytes(), key=group.parent.name, prefix=str(destination), present=names
        )
        group.write_bytes(content)
    return destination


@pytest.fixture
def torch_here(python_with_torch: interpreters.Interpreter) -> Interpreter:
    """Give Python 3.11 with Triton and PyTorch's CPU build."""
    return here(python_with_torch.path)


@pytest.fixture
def triton_here(python_with_triton: interpreters.Interpreter) -> Interpreter:
    """Give Python 3.11 and one newer with Triton and no PyTorch: two runs a test."""
    return here(python_with_triton.path)
