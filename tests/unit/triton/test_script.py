"""A script as a person gives it."""

from pathlib import Path

import pytest

from tcv_action.errors import InputError
from tcv_action.triton.script import Script

PYTHON = Path("/usr/bin/python3")


def test_a_path_and_a_module_are_run_by_the_interpreter(tmp_path: Path) -> None:
    script = Script(argv=("a.py", "--size", "3"), cwd=tmp_path)
    assert script.command(PYTHON) == ("/usr/bin/python3", "a.py", "--size", "3")
    assert Script(argv=("-m", "my.kernels"), cwd=tmp_path).command(PYTHON)[1:] == (
        "-m",
        "my.kernels",
    )
    assert str(script) == "a.py --size 3"


def test_a_command_line_is_run_as_it_is(tmp_path: Path) -> None:
    script = Script(argv=("torchrun", "a.py"), cwd=tmp_path, is_command=True)
    script.check()
    assert script.command(PYTHON) == ("torchrun", "a.py")


@pytest.mark.parametrize("argv", [(), ("-m",)])
def test_no_script_is_refused(argv: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No script was given"):
        Script(argv=argv, cwd=tmp_path).check()


def test_a_script_or_folder_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'gone\.py' is not there"):
        Script(argv=("gone.py",), cwd=tmp_path).check()
    with pytest.raises(InputError, match="nowhere' is not there"):
        Script(argv=("a.py",), cwd=tmp_path / "nowhere").check()


def test_a_script_that_no_disk_can_hold_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'a{300}' cannot be read: File name too long"):
        Script(argv=("a" * 300,), cwd=tmp_path).check()


def test_a_script_is_found_from_its_working_directory(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    Script(argv=("a.py",), cwd=tmp_path).check()
    Script(argv=("-m", "a"), cwd=tmp_path).check()
