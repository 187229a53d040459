"""Group files rewritten in place: nothing of a killed run stays, nothing else of a file changes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.caches import add_entry, small_cache

from tcv_action.errors import InputError
from tcv_action.triton.reader import read_cache
from tcv_action.triton.relocate import relocate


def group_of(cache: Path) -> Path:
    return next(cache.glob("*/__grp__*.json"))


def _pid_that_is_gone() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_mode_of_a_group_file_stays(tmp_path: Path) -> None:
    cache = small_cache(tmp_path / "cache", entries=1)
    group_of(cache).chmod(0o600)

    assert relocate(cache, "/mnt/there") == 1

    assert group_of(cache).stat().st_mode & 0o777 == 0o600
    (place, *_) = json.loads(group_of(cache).read_text())["child_paths"].values()
    assert place.startswith("/mnt/there/")


def test_what_a_killed_run_left_is_removed_and_never_packed(tmp_path: Path) -> None:
    cache = small_cache(tmp_path / "cache", entries=1)
    group = group_of(cache)
    abandoned = group.with_name(f".{group.name}.{_pid_that_is_gone()}")
    living = group.with_name(f".{group.name}.{os.getppid()}")
    abandoned.touch()
    living.touch()

    held = read_cache(cache)
    relocate(cache)

    assert {f"{group.parent.name}/{path.name}" for path in (abandoned, living)} <= set(held.dropped)
    assert (abandoned.exists(), living.exists()) == (False, True)


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_entry(tmp_path / "cache", 1)

    def refused(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "replace", refused)
    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(InputError, match="cannot be written: Read-only file system"):
        relocate(tmp_path / "cache", "/mnt/there")
