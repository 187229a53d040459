"""The releases of Triton that are supported, each tried: the table in docs/triton-releases.md.

Write the table anew with TCV_WRITE_DOCS=1 in the environment.
"""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.integration.triton.conftest import TIMEOUT, move, prove, script
from tests.services.cache import ROOT
from tests.services.interpreters import interpreter, require_python

from tcv_action.errors import TcvError
from tcv_action.triton.interpreter import Interpreter, find_interpreter
from tcv_action.triton.target import Target
from tcv_action.triton.warmup import warm_up_all

pytestmark = pytest.mark.triton

# The last release of each minor.
RELEASES = (
    "3.0.0",
    "3.1.0",
    "3.2.0",
    "3.3.1",
    "3.4.0",
    "3.5.1",
    "3.6.0",
    "3.7.1",
    "3.8.0",
    "3.9.0",
)
TARGETS = ("cuda:80", "cuda:90", "hip:gfx942")
DOCUMENT = ROOT / "docs" / "triton-releases.md"
HEADING = f"""\
# Releases of Triton

Made by `tests/integration/triton/test_matrix.py`, which installs each release and warms up a script of
eight specializations (plain, autotuned, with heuristics) without a GPU. A cell tells the hits of
requests of a replay in a fresh process, after the cache was moved to another folder.

| Triton | {" | ".join(f"`{target}`" for target in TARGETS)} | hits are counted by |
|---|{"---|" * len(TARGETS)}---|
"""


def environment_with_linker() -> Mapping[str, str]:
    """Return the environment with the newest linker of LLVM, which AMD's backend calls up to 3.4.

    Its objects want LLVM 16 or later, and Debian's `ld.lld` may be older.
    """
    names = [name for folder in os.get_exec_path() for name in Path(folder).glob("ld.lld-*")]
    numbered = [
        (int(found[1]), name) for name in names if (found := re.search(r"-(\d+)$", str(name)))
    ]
    if not numbered or max(numbered)[0] < 16:
        pytest.skip("no ld.lld of LLVM 16 or later: apt-get install lld-16")
    return {**os.environ, "TRITON_HIP_LLD_PATH": str(max(numbered)[1])}


def cells_of(release: str, folder: Path) -> list[str]:
    """Return a row of the table: what holds for each target."""
    version, python = require_python("3.12", "3.11")
    try:
        installed = interpreter(python, version, [f"triton=={release}"])
    except subprocess.CalledProcessError:
        return [f"cannot be installed for Python {version}"] * len(TARGETS) + ["-"]
    place = find_interpreter(str(installed.path), environment_with_linker())
    folders = {Target.parse(target): folder / target.replace(":", "-") for target in TARGETS}
    warm_up_all(
        script("without_torch.py"),
        folders,
        interpreter=place,
        timeout=TIMEOUT,
        on_output=lambda _target, _line: None,
        workers=2,
    )
    counted = "files" if tuple(map(int, release.split(".")[:2])) < (3, 4) else "Triton itself"
    return [*(_hits(target, made, place) for target, made in folders.items()), counted]


def _hits(target: Target, folder: Path, place: Interpreter) -> str:
    moved = move(folder, folder.with_name(f"{folder.name}-moved"))
    proof = prove(script("without_torch.py"), str(target), moved, place)
    if target == Target.parse(TARGETS[0]):
        gone = moved.rename(folder.with_name("gone"))
        lost = prove(script("without_torch.py"), str(target), gone, place)
        assert lost.hits == 0, "a replay must be able to miss"
    return f"{proof.hits} of {proof.total}"


@pytest.mark.parametrize("release", RELEASES)
def test_a_release_compiles_and_hits(release: str, tmp_path: Path) -> None:
    try:
        cells = cells_of(release, tmp_path)
    except TcvError as error:
        cells = [str(error)]
    row = f"| {release} | {' | '.join(cells)} |"
    if "TCV_WRITE_DOCS" in os.environ:
        _write(release, row)
    assert row in DOCUMENT.read_text(encoding="utf-8").splitlines()
    assert cells[: len(TARGETS)] == ["8 of 8"] * len(TARGETS)


def _write(release: str, row: str) -> None:
    rows = DOCUMENT.read_text(encoding="utf-8").splitlines() if DOCUMENT.exists() else []
    known = {line.split(" ")[1]: line for line in rows if line.startswith("| 3.")}
    lines = [{**known, release: row}[name] for name in RELEASES if name in {*known, release}]
    DOCUMENT.write_text(HEADING + "\n".join(lines) + "\n", encoding="utf-8")


def test_the_table_holds_the_newest_release() -> None:
    rows = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if "| 3." in line]
    assert [row.split(" ")[1] for row in rows] == list(RELEASES)
