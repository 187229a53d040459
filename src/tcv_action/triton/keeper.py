"""Runs one command as the parent of all that it starts, and leaves none of that behind.

A program of its own, for the system hands orphans to the nearest ancestor that asks for them: so
each script has its own, and nobody else's process is ever taken for one that it left.

Standard input brings one line of JSON (`argv`, `cwd`, `environment`). Then a byte asks the command
to end, and the end of the input kills it with all that it started, as does its own end. The first
argument is the number of a descriptor that gets the errno where the command cannot be started.
Standard output and error are the command's own, and so is the exit code or signal.
"""

import ctypes
import json
import os
import resource
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_CONTROL = 0


def main() -> None:
    """Run the command, wait for its end, and end in the same way."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    report = int(sys.argv[1])
    orders = _read_orders()
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    command = os.fork()
    if command == 0:
        _become(orders, report)
    os.close(report)
    status = _wait(command, ended)
    _kill_all()
    _end_like(status)


def _read_orders() -> dict[str, Any]:
    content = b""
    while not content.endswith(b"\n"):  # nothing follows before the command is reported
        more = os.read(_CONTROL, 1 << 16)
        if not more:
            sys.exit("nobody is there")
        content += more
    orders: dict[str, Any] = json.loads(content)
    return orders


def _become(orders: dict[str, Any], report: int) -> None:
    """Run the command in this process, which leads a session of its own."""
    try:
        os.set_inheritable(report, False)
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), _CONTROL)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them
            signal.signal(number, signal.SIG_DFL)
        os.chdir(orders["cwd"])
        argv = orders["argv"]
        os.execvpe(argv[0], argv, orders["environment"])  # noqa: S606
    except OSError as error:
        os.write(report, str(error.errno).encode())
    finally:
        os._exit(127)


def _wait(command: int, ended: int) -> int:
    """Return the status of the command once it has ended, or that of one that is to be killed."""
    while True:
        ready, _, _ = select.select([_CONTROL, ended], [], [])
        if ended in ready:
            os.read(ended, 1 << 10)
            status = _reap(command)
            if status is not None:
                return status
        if _CONTROL in ready:
            if not os.read(_CONTROL, 1):
                return signal.SIGKILL
            with suppress(PermissionError):  # it runs as another user
                os.killpg(command, signal.SIGTERM)


def _reap(command: int = 0) -> int | None:
    """Let the dead go, orphans as well; return the command's status if it is among them."""
    status = None
    with suppress(ChildProcessError):
        while (one := os.waitpid(-1, os.WNOHANG))[0]:
            if one[0] == command:
                status = one[1]
    return status


def _kill_all() -> None:
    """Kill all that the command started: what loses its parent so becomes a child of ours."""
    with suppress(ChildProcessError):
        while sum(map(_killed, _children())):
            os.waitpid(-1, 0)
            _reap()


def _children() -> list[int]:
    """Return the children of this process, the dead that were not waited for included."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                # PID (NAME) STATE PPID …, and the name may hold anything
                fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
                if int(fields[1]) == os.getpid():
                    found.append(int(entry.name))
    return found


def _killed(child: int) -> bool:
    try:
        os.kill(child, signal.SIGKILL)
    except PermissionError:  # it runs as another user
        return False
    return True


def _end_like(status: int) -> None:
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with suppress(OSError):  # SIGKILL has no handler to be reset
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
