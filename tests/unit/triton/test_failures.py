"""Why a run is of no use, in words."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tcv_action.errors import NothingToPackageError, TcvError, WarmupError
from tcv_action.triton.environment import Environment
from tcv_action.triton.failures import ScriptError, why_unusable
from tcv_action.triton.process import Finished, Stop
from tcv_action.triton.records import Failure, Records, Refusal
from tcv_action.triton.request import Request
from tcv_action.triton.script import Script
from tcv_action.triton.target import Target

REQUEST = Request(
    name="add_kernel",
    hash="ab" * 32,
    hit=False,
    target="cuda:90",
    source="/k.py:4",
    signature={},
    constants={},
    attributes={},
    options={},
    seconds={},
)
SCRIPT = Script(argv=("kernels.py",), cwd=Path())


class Place:
    """A place that has Triton and runs nothing."""

    environment: Mapping[str, str] = {}

    def run(
        self,
        script: Script,
        variables: Mapping[str, str],
        *,
        on_output: Callable[[str], None],
        timeout: float | None = None,
        stop: Stop | None = None,
    ) -> Finished:
        """Run nothing."""
        raise NotImplementedError(script, variables, on_output, timeout, stop)

    def describe(self) -> tuple[Environment, Target | None]:
        """Tell that Triton is there."""
        environment = Environment(
            triton_version="3.6.0",
            triton_key=None,
            python_version="3.12.1",
            python_abi="cpython-312",
            host_arch="x86_64",
            tools={},
            variables={},
        )
        return environment, None

    def __str__(self) -> str:
        """Name it."""
        return "/usr/bin/python3"


def failure(
    kind: str = "ValueError", message: str = "no", missing: str | None = None, refused: bool = False
) -> Failure:
    """Make an exception in line 9 of process 7."""
    return Failure(
        pid=7,
        type=kind,
        message=message,
        file="/k.py",
        line=9,
        missing=missing,
        refused=refused,
    )


def why(
    exit_code: int,
    records: Records,
    stopped: str | None = None,
    last_lines: tuple[str, ...] = ("one", "", "two"),
) -> TcvError:
    """Return the error for a process that ended so."""
    finished = Finished(exit_code=exit_code, seconds=1, last_lines=last_lines, stopped=stopped)
    error = why_unusable(SCRIPT, finished, records, Place(), 60)
    assert error is not None
    return error


def test_a_failing_line_is_named_with_the_last_words() -> None:
    error = why(1, Records(failure=failure()))
    assert isinstance(error, ScriptError)
    assert error.what == "The script 'kernels.py' failed at /k.py:9 with ValueError: no"
    assert error.cause == "It ended with exit code 1. Its last lines:\n  one\n  two"
    assert (error.file, error.line) == ("/k.py", 9)


def test_exit_codes_and_signals_are_told_apart() -> None:
    assert why(3, Records()).what == "The script 'kernels.py' ended with exit code 3."
    assert why(-11, Records()).what == "The script 'kernels.py' was killed by SIGSEGV."
    assert "SIGKILL, as for want of memory" in why(-9, Records()).what
    assert why(-99, Records()).what == "The script 'kernels.py' was killed by signal 99."


def test_a_missing_module_names_the_python() -> None:
    error = why(1, Records(failure=failure("ModuleNotFoundError", "No …", missing="numpy")))
    assert error.next_step.startswith("Install 'numpy' in /usr/bin/python3")


@pytest.mark.parametrize("name", ["triton", "triton.language"])
def test_missing_triton_has_its_own_message(name: str) -> None:
    error = why(1, Records(failure=failure("ModuleNotFoundError", "No …", missing=name)))
    assert error.what == "There is no Triton in the Python '/usr/bin/python3'."


def test_a_full_disk_has_its_own_next_step() -> None:
    error = why(1, Records(failure=failure("OSError", "[Errno 28] No space left on device")))
    assert "Free space" in error.next_step


def test_triton_s_interpreter_in_the_trace_names_the_variable() -> None:
    trace = ('  File "/p/triton/runtime/interpreter.py", line 8, in <module>', "no numpy")
    missing = failure("ModuleNotFoundError", "No …", missing="numpy")
    error = why(1, Records(failure=missing), last_lines=trace)
    assert "TRITON_INTERPRET" in error.next_step


def test_a_refusal_is_the_reason_if_the_failure_came_of_it() -> None:
    refusal = Refusal(pid=7, what="it reads a tensor's value", file="/k.py", line=3)
    here = why(1, Records(refusals=(refusal,), failure=failure(refused=True)))
    assert here.what.endswith("at /k.py:3 it reads a tensor's value.")
    assert "--warmup-in" in here.next_step
    in_child = Refusal(pid=8, what="it reads a tensor's value", file="/k.py", line=3)
    assert why(1, Records(refusals=(in_child,), failure=failure())).what == here.what
    caught = why(1, Records(refusals=(refusal,), failure=failure()))
    assert "ValueError" in caught.what


def test_a_refusal_that_the_script_caught_is_an_error_that_names_the_first() -> None:
    first = Refusal(pid=7, what="it reads a tensor's value", file="/k.py", line=3)
    second = Refusal(pid=8, what="it enters torch.autocast", file="/k.py", line=5)
    error = why(0, Records(requests=(REQUEST,), refusals=(first, second)))
    assert isinstance(error, ScriptError)
    assert error.what.endswith("at /k.py:3 it reads a tensor's value.")
    assert "refused 2 times, went on and ended well" in error.cause
    assert "--warmup-in" in error.next_step
    assert (error.file, error.line) == ("/k.py", 3)
    alone = why(0, Records(refusals=(second,)))
    assert "refused once" in alone.cause


def test_too_long_and_interrupted() -> None:
    assert "did not end within 60 s" in why(-15, Records(), stopped="timeout").what
    assert "was interrupted" in why(-15, Records(), stopped="interrupt").what


def test_nothing_launched_is_nothing_to_package() -> None:
    error = why(0, Records())
    assert isinstance(error, NothingToPackageError)
    assert not isinstance(error, WarmupError)
    assert error.cause
    assert error.next_step
