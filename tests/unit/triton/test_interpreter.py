"""Choosing the Python that compiles."""

import os
import sys
from pathlib import Path

import pytest

from tcv_action.errors import WarmupError
from tcv_action.triton.interpreter import Interpreter, find_interpreter, read_description
from tcv_action.triton.process import Finished
from tcv_action.triton.script import Script
from tcv_action.triton.target import Target

TOLD = (
    '{"triton_version": "3.6.0", "triton_key": "a", "triton_key_text": "3.6.0-a",'
    ' "python_version": "3.12.1", "python_abi": "cpython-312", "host_arch": "x86_64",'
    ' "torch_version": null, "tools": {"ptxas": "12.8.93"}, "variables": {"USE_IR_LOC": null},'
    ' "gpu": {"backend": "cuda", "arch": "90", "warp_size": 32}}'
)


def finished(exit_code: int, *lines: str) -> Finished:
    """Make the end of a process."""
    return Finished(exit_code=exit_code, seconds=0.1, last_lines=lines)


def show(interpreter: Interpreter, variables: dict[str, str], names: tuple[str, ...]) -> list[str]:
    """Return what a script of the interpreter sees in some variables."""
    script = Path(sys.executable).parent, "import os; print(*map(os.environ.get, %r), sep='\\n')"
    lines: list[str] = []
    interpreter.run(
        Script(argv=("-c", script[1] % (names,)), cwd=script[0], environment={"MINE": "1"}),
        variables,
        on_output=lines.append,
    )
    return lines


def test_it_is_found_by_path_and_by_name() -> None:
    path = Path(sys.executable)
    environment = {"PATH": str(path.parent)}
    assert find_interpreter(str(path), environment).executable == path
    assert find_interpreter(path.name, environment).executable == path


def test_one_that_is_not_there_is_named() -> None:
    with pytest.raises(WarmupError, match="'python9' is not there"):
        find_interpreter("python9", {"PATH": "/usr/bin"})


def test_one_that_does_not_start_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_bytes(b"\x7fELF")
    broken.chmod(0o755)
    with pytest.raises(WarmupError, match="could not be started"):
        find_interpreter(str(broken), {}).describe()


def test_a_program_that_is_not_there_is_named_with_the_right_next_step(tmp_path: Path) -> None:
    script = Script(argv=("nosuchprog", "a"), cwd=tmp_path, is_command=True)
    with pytest.raises(WarmupError, match="'nosuchprog' could not be started") as caught:
        Interpreter(executable=Path(sys.executable)).run(script, {}, on_output=print)
    assert "--python" not in caught.value.next_step
    assert "on PATH" in caught.value.next_step


def test_our_secrets_stay_with_us() -> None:
    ours = {
        "INPUT_REGISTRY-PASSWORD": "x",
        "ACTIONS_RUNTIME_TOKEN": "x",
        "ACTIONS_ID_TOKEN_REQUEST_URL": "x",
        "GITHUB_TOKEN": "x",
        "GH_TOKEN": "x",
    }
    theirs = {"PATH": os.defpath, "GITHUB_SHA": "1", "TRITON_F32_DEFAULT": "ieee"}
    kept = find_interpreter(sys.executable, {**ours, **theirs}).environment
    assert kept == theirs
    assert find_interpreter(sys.executable, {"MY_KEY": "x"}, secrets=["MY_*"]).environment == {}


def test_it_does_not_show_its_environment() -> None:
    assert "hunter2" not in repr(Interpreter(executable=Path("x"), environment={"A": "hunter2"}))


def test_variables_win_and_the_given_pythonpath_stays() -> None:
    interpreter = Interpreter(
        executable=Path(sys.executable), environment={"PYTHONPATH": "/theirs", "MINE": "0"}
    )
    assert show(interpreter, {"PYTHONPATH": "/ours"}, ("PYTHONPATH", "MINE")) == [
        "/ours:/theirs",
        "1",
    ]
    assert show(interpreter, {"MINE": "2"}, ("PYTHONPATH", "MINE")) == ["/theirs", "2"]


def test_a_description_becomes_values() -> None:
    environment, gpu = read_description(["a warning", TOLD], finished(0), "py")
    assert environment.triton_version == "3.6.0"
    assert environment.variables == {"USE_IR_LOC": None}
    assert gpu == Target("cuda", "90", 32)


def test_a_python_without_triton_is_named() -> None:
    with pytest.raises(WarmupError, match="no Triton in the Python 'py'") as caught:
        read_description(['{"missing": "No module named \'triton\'"}'], finished(1), "py")
    assert "No module named 'triton'" in caught.value.cause
    assert caught.value.next_step


def test_a_python_that_says_nothing_is_named() -> None:
    with pytest.raises(WarmupError, match="'py' does not run") as caught:
        read_description([], finished(-11, "Segmentation fault"), "py")
    assert "Segmentation fault" in caught.value.cause


def test_this_python_without_triton_says_so(tmp_path: Path) -> None:
    interpreter = Interpreter(
        executable=Path(sys.executable), environment={"PYTHONPATH": str(tmp_path)}
    )
    (tmp_path / "triton.py").write_text("raise ImportError('libtriton is broken')")
    with pytest.raises(WarmupError, match="no Triton") as caught:
        interpreter.describe()
    assert "libtriton is broken" in caught.value.cause
