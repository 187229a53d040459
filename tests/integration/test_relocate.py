"""A cache folder that was moved by hand is made to hit again."""

import json
import shutil
from pathlib import Path

import pytest
from tests.framework_caches import unpack_inductor_h100
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


def test_every_triton_cache_in_a_frameworks_is_relocated(tmp_path: Path) -> None:
    cache = unpack_inductor_h100(tmp_path / "inductor")
    moved = cache.rename(tmp_path / "moved")
    groups = sorted(moved.rglob("__grp__*.json"))

    said = tcv("relocate", "-d", moved, "--mount-path", "/mnt/inductor").ok().out

    assert f"{len(groups)} group files" in said
    for group in groups:
        folder = f"/mnt/inductor/{group.parent.relative_to(moved)}"
        children = json.loads(group.read_text())["child_paths"]
        assert children == {name: f"{folder}/{name}" for name in children}
