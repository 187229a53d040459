"""Several targets in one warmup: at once, and ended together."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.integration.triton.conftest import SCRIPTS, here, written
from tests.services.cache import ROOT

from tcv_action.errors import WarmupError
from tcv_action.triton.interpreter import Interpreter
from tcv_action.triton.script import Script
from tcv_action.triton.target import Target
from tcv_action.triton.warmup import warm_up_all

TARGETS = tuple(map(Target.parse, ("cuda:80", "cuda:90")))
THIS = here(Path(sys.executable))
# Leaves its process id; fails for the first target, and would run on for the other.
ONE_FAILS = """
import json, os, time
backend, arch, _ = json.loads(os.environ["TCV_PROBE"])["target"]
other = "pid-90"
if arch == "90":
    open("new", "w").write(str(os.getpid())); os.rename("new", other)
    time.sleep(600)
while not os.path.exists(other):
    time.sleep(0.01)
raise SystemExit(3)
"""
BOTH_RUN_ON = """
import json, os, time
arch = json.loads(os.environ["TCV_PROBE"])["target"][1]
open("new" + arch, "w").write(str(os.getpid())); os.rename("new" + arch, "pid-" + arch)
time.sleep(600)
"""
PROGRAM = """
import sys
from tests.integration.triton.test_several_targets import warm_all
warm_all(sys.argv[1])
"""


def warm_all(folder: str) -> None:
    """Warm up both targets with the script in a folder."""
    _warm(Script(argv=("script.py",), cwd=Path(folder)), Path(folder), THIS)


def _warm(script: Script, folder: Path, interpreter: Interpreter) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    warm_up_all(
        script,
        {target: folder / target.arch for target in TARGETS},
        interpreter=interpreter,
        timeout=300,
        on_output=lambda target, line: lines.append((str(target), line)),
        workers=2,
    )
    return lines


def wait_for(path: Path) -> str:
    """Wait for a file, bounded by the test's own time limit, and return its text."""
    while not path.exists():
        time.sleep(0.01)
    return path.read_text()


def is_running(pid: str) -> bool:
    """Tell whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_target_that_fails_ends_the_others(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(WarmupError, match="ended with exit code 3"):
        _warm(written(tmp_path, ONE_FAILS), tmp_path, THIS)
    assert time.monotonic() - began < 300
    assert not is_running((tmp_path / "pid-90").read_text())
    assert not (tmp_path / "80").exists()
    assert not (tmp_path / "90").exists()


def test_an_interrupt_ends_all_of_them(tmp_path: Path) -> None:
    written(tmp_path, BOTH_RUN_ON)
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    pids = [wait_for(tmp_path / f"pid-{target.arch}") for target in TARGETS]
    program.send_signal(signal.SIGINT)
    _, errors = program.communicate(timeout=60)
    assert program.returncode != 0
    assert b"KeyboardInterrupt" in errors
    assert not any(map(is_running, pids))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pid-80", "pid-90", "script.py"]


@pytest.mark.triton
def test_each_line_is_told_with_its_target(triton_here: Interpreter, tmp_path: Path) -> None:
    script = Script(argv=(str(SCRIPTS / "without_torch.py"), "here"), cwd=tmp_path)
    lines = _warm(script, tmp_path, triton_here)
    assert sorted(lines) == [(str(target), "asked for 8 kernels here") for target in TARGETS]
