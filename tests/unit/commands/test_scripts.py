"""What stands on the command line, as a script or as a program."""

import sys
from pathlib import Path

import pytest

from tcv_action.commands.scripts import given_script


def given(*command: str) -> tuple[tuple[str, ...], bool]:
    """Return what is run, and whether it is a program of its own."""
    script = given_script(command, module=False)
    return script.argv, script.is_command


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of our own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(file: Path, text: str, mode: int = 0o755) -> None:
    """Write a file with a mode."""
    file.write_text(text)
    file.chmod(mode)


@pytest.mark.parametrize("mode", [0o644, 0o755])
@pytest.mark.parametrize("start", ["", "#!/usr/bin/env python3\n", "#!/opt/bin/python\n"])
def test_a_file_of_python_is_a_script(folder: Path, start: str, mode: int) -> None:
    for name in ("warm.py", "warm"):
        written(folder / name, f"{start}import triton\n", mode)
        assert given(name, "--size", "3") == ((name, "--size", "3"), False)


def test_a_python_by_its_path_is_a_program() -> None:
    assert given(sys.executable, "warm.py") == ((sys.executable, "warm.py"), True)


@pytest.mark.parametrize(
    ("name", "path"),
    [("warm.sh", "./warm.sh"), ("./warm.sh", "./warm.sh"), ("in/warm.sh", "in/warm.sh")],
)
def test_a_shell_script_is_a_program_found_where_it_lies(
    folder: Path, name: str, path: str
) -> None:
    (folder / "in").mkdir()
    written(folder / name, "#!/bin/sh\npython warm.py\n")
    assert given(name, "x") == ((path, "x"), True)


def test_a_name_that_is_no_file_is_a_program_and_a_path_is_not() -> None:
    assert given("torchrun", "warm.py") == (("torchrun", "warm.py"), True)
    assert given("gone.py") == (("gone.py",), False)
    assert given("in/gone") == (("in/gone",), False)
