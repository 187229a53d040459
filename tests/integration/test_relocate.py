"""A cache folder that was moved by hand is made to hit again."""

import shutil
from pathlib import Path

import pytest
from tests.services.command import tcv
from tests.services.interpreters import Interpreter

VECTOR_ADD = Path(__file__).parents[2] / "examples" / "vector_add.py"


@pytest.mark.triton
def test_moved_folder_hits_only_after_relocate(
    python_with_triton: Interpreter, tmp_path: Path
) -> None:
    python = ("--target", "cuda:90", "--python", python_with_triton.path)
    tcv("warmup", *python, "--cache-dir", tmp_path / "made", VECTOR_ADD).ok()
    tcv("verify", "-d", tmp_path / "made", *python, VECTOR_ADD).ok()
    shutil.move(tmp_path / "made", tmp_path / "moved")
    missed = tcv("verify", "-d", tmp_path / "moved", *python, VECTOR_ADD)
    assert missed.code == 7
    assert "add_kernel" in missed.err
    assert "3 group files" in tcv("relocate", "-d", tmp_path / "moved").ok().out
    assert "3 of 3" in tcv("verify", "-d", tmp_path / "moved", *python, VECTOR_ADD).ok().out
