"""A child process: its lines, its end, and that nothing of it is left."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tcv_action.triton.process import Command, Finished, Stop, run


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., Finished]:
    """Run a piece of Python in `tmp_path` and hand its lines to `on_output`."""

    def start(
        code: str,
        on_output: Callable[[str], None] = lambda _line: None,
        timeout: float | None = 30,
        stop: Stop | None = None,
    ) -> Finished:
        command = Command(
            argv=(sys.executable, "-S", "-c", code), cwd=tmp_path, environment={"WHO": "me"}
        )
        return run(command, on_output=on_output, timeout=timeout, stop=stop)

    return start


def is_running(pid: int) -> bool:
    """Tell whether a process is there and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until_gone(pid: int) -> None:
    """Wait for the kernel to carry out a kill; the test's own time limit bounds it."""
    while is_running(pid):
        time.sleep(0.01)


def test_lines_of_both_streams_are_heard_in_order(python: Callable[..., Finished]) -> None:
    lines: list[str] = []
    code = "import sys; print('a', flush=True); print('b', file=sys.stderr); sys.stderr.write('c')"
    finished = python(code, lines.append)
    assert lines == ["a", "b", "c"]
    assert finished.exit_code == 0
    assert finished.last_lines == ("a", "b", "c")
    assert finished.stopped is None


def test_a_line_is_heard_while_the_process_still_runs(
    python: Callable[..., Finished], tmp_path: Path
) -> None:
    def answer(line: str) -> None:
        (tmp_path / "heard").write_text(line)

    code = "import os, time\nprint('go', flush=True)\nwhile not os.path.exists('heard'): time.sleep(.01)"
    assert python(code, answer).exit_code == 0


def test_bytes_that_are_no_text_are_replaced(python: Callable[..., Finished]) -> None:
    finished = python(r"import os; os.write(1, b'\xff ok\r\n')")
    assert finished.last_lines == ("� ok",)


def test_the_environment_is_the_given_one_only(python: Callable[..., Finished]) -> None:
    finished = python("import os; print(os.environ['WHO'], 'HOME' in os.environ)")
    assert finished.last_lines == ("me False",)


def test_exit_code_and_signal_are_told(python: Callable[..., Finished]) -> None:
    assert python("raise SystemExit(3)").exit_code == 3
    assert python("import os; os.kill(os.getpid(), 9)").exit_code == -9


def test_a_timeout_kills_the_whole_group(python: Callable[..., Finished], tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(600)'])\n"
        "open('pid', 'w').write(str(child.pid)); time.sleep(600)"
    )
    finished = python(code, timeout=1)
    assert finished.stopped == "timeout"
    wait_until_gone(int((tmp_path / "pid").read_text()))


def test_what_the_process_leaves_behind_is_killed_and_not_waited_for(
    python: Callable[..., Finished],
) -> None:
    code = (
        "import os, time\npid = os.fork()\n"
        "if pid == 0: time.sleep(600)\nprint(pid, flush=True); os._exit(0)"
    )
    finished = python(code)
    assert finished.exit_code == 0
    wait_until_gone(int(finished.last_lines[0]))


# Leaves a process of another session, with the pid in `pid`; a daemon has lost its parent as well.
LEAVES = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if sys.argv[1:] == ["daemon"] and os.fork():
        os._exit(0)
    with open("pid.new", "w") as file:
        file.write(str(os.getpid()))
    os.rename("pid.new", "pid")
    time.sleep(600)
while not os.path.exists("pid"):
    time.sleep(0.01)
"""


@pytest.mark.parametrize("kind", ["child", "daemon"])
@pytest.mark.parametrize("ending", ["", "time.sleep(600)", "os.kill(os.getpid(), 9)"])
def test_a_session_of_its_own_does_not_outlive_it(
    python: Callable[..., Finished], tmp_path: Path, kind: str, ending: str
) -> None:
    python(f"import sys; sys.argv.append({kind!r})\n{LEAVES}\n{ending}", timeout=1)
    assert not is_running(int((tmp_path / "pid").read_text()))


def test_a_script_s_end_leaves_another_script_s_processes_and_ours(
    python: Callable[..., Finished], tmp_path: Path
) -> None:
    waits = "while not os.path.exists('end'): time.sleep(0.01)"
    ours = subprocess.Popen(["sleep", "600"])
    other = threading.Thread(target=python, args=(f"{LEAVES}\n{waits}",))
    other.start()
    while not (tmp_path / "pid").exists():
        time.sleep(0.01)
    python("import os\nif os.fork() == 0:\n    os.setsid(); import time; time.sleep(600)")
    left = int((tmp_path / "pid").read_text())
    assert is_running(left)
    (tmp_path / "end").touch()
    other.join()
    assert not is_running(left)
    assert ours.poll() is None
    ours.kill()
    ours.wait()


def test_nothing_outlives_us_where_we_are_killed(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from tcv_action.triton.process import Command, run
argv = (sys.executable, "-S", "-c", {LEAVES + "time.sleep(600)"!r})
run(Command(argv=argv, cwd=Path({str(tmp_path)!r}), environment={{}}), on_output=print)
"""
    us = subprocess.Popen([sys.executable, "-c", program])
    while not (tmp_path / "pid").exists():
        time.sleep(0.01)
    us.kill()
    us.wait()
    wait_until_gone(int((tmp_path / "pid").read_text()))


def test_a_command_that_cannot_be_started_is_an_oserror(tmp_path: Path) -> None:
    (tmp_path / "no").write_bytes(b"\x7fELF")
    (tmp_path / "no").chmod(0o755)
    for argv, cwd, kind in (
        (("not-to-be-found",), tmp_path, FileNotFoundError),
        ((str(tmp_path),), tmp_path, PermissionError),
        (("sh",), tmp_path / "gone", FileNotFoundError),
        ((str(tmp_path / "no"),), tmp_path, OSError),
    ):
        with pytest.raises(kind):
            run(Command(argv=argv, cwd=cwd, environment={}), on_output=print)


def test_a_program_sees_what_a_shell_would_give_it(python: Callable[..., Finished]) -> None:
    code = "import os; print(os.read(0, 1), os.getsid(0) == os.getpid())"
    assert python(code).last_lines == ("b'' True",)
    command = ("sh", "-c", "grep SigIgn /proc/self/status; ls /proc/self/fd | wc -l; env")
    finished = run(
        Command(argv=command, cwd=Path("/"), environment={"PATH": os.defpath, "A": "é\udcff"}),
        on_output=lambda _line: None,
    )
    assert finished.last_lines[:2] == ("SigIgn:\t0000000000000000", "4")
    assert "A=é\ufffd" in finished.last_lines
    assert not any(line.startswith("LC_") for line in finished.last_lines)


def test_a_request_to_stop_ends_it(python: Callable[..., Finished]) -> None:
    stop = Stop()

    def stop_at_once(_line: str) -> None:
        stop.request()

    finished = python(
        "import time; print('on', flush=True); time.sleep(600)", stop_at_once, stop=stop
    )
    stop.close()
    assert finished.stopped == "interrupt"


def test_an_exception_on_the_way_leaves_no_process(python: Callable[..., Finished]) -> None:
    seen: list[int] = []

    def break_off(line: str) -> None:
        seen.append(int(line))
        raise KeyboardInterrupt

    code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    with pytest.raises(KeyboardInterrupt):
        python(code, break_off)
    wait_until_gone(seen[0])


def test_no_descriptor_or_thread_is_left(python: Callable[..., Finished]) -> None:
    before = len(os.listdir("/proc/self/fd")), threading.active_count()  # noqa: PTH208
    python("print('x')")
    python("import time; time.sleep(600)", timeout=0.1)
    assert (len(os.listdir("/proc/self/fd")), threading.active_count()) == before  # noqa: PTH208
