"""What `tcv warmup` leaves behind where the script failed."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("made", ["new", "new/deep"])
def test_a_warmup_that_failed_leaves_no_folder_that_it_made(tmp_path: Path, made: str) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "script.py").write_text("raise SystemExit(1)")
    tcv = (sys.executable, "-m", "tcv_action", "warmup", "--warmup-in", "compile-only")
    where = ("--python", sys.executable, "-t", "cuda:90")
    for folder in (made, "there"):
        done = subprocess.run(
            [*tcv, *where, "-d", folder, "script.py"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 4, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["script.py", "there"]
