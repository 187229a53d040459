"""A child process whose output is heard line by line and which never outlives its time."""

import json
import os
import select
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_KEEPER = Path(__file__).with_name("keeper.py")
_KEPT_LINES = 20
_GRACE_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command line, the folder it runs in, and the whole environment that it sees."""

    argv: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a process ended: its exit code (negative: the signal), and its last lines.

    `stopped` tells why it was killed, `timeout` or `interrupt`, and is None where it ended itself.
    """

    exit_code: int
    seconds: float
    last_lines: tuple[str, ...]
    stopped: str | None = None


class Stop:
    """A wish, heard by all processes that were given it, to end at once."""

    def __init__(self) -> None:
        self._event = os.eventfd(0)

    def request(self) -> None:
        """Say it; it stays said."""
        os.eventfd_write(self._event, 1)

    def fileno(self) -> int:
        """Return the descriptor that is readable once it was said."""
        return self._event

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._event)


def run(
    command: Command,
    *,
    on_output: Callable[[str], None],
    timeout: float | None = None,
    stop: Stop | None = None,
) -> Finished:
    """Run a command in a session of its own and hear stdout and stderr as one.

    All that it started, in whatever session, is killed when the command has ended, after `timeout`
    seconds, when `stop` is requested, when this call is left by an exception, and when we are
    killed. The command itself is first asked to end.

    Raises OSError where the command cannot be started.
    """
    began = time.monotonic()
    with _kept(command) as process, _exit_of(process) as ended:
        output = _Output(process, on_output)
        stopped = _follow(output, ended, stop, None if timeout is None else began + timeout)
        if stopped:
            _terminate(process, ended)
        _end(process)
        output.drain()
        code = process.returncode
    seconds = time.monotonic() - began
    return Finished(exit_code=code, seconds=seconds, last_lines=tuple(output.last), stopped=stopped)


@contextmanager
def _kept(command: Command) -> Iterator[subprocess.Popen[bytes]]:
    """Give the keeper of the started command: it ends as the command does, and leaves nothing."""
    report, told = os.pipe()
    try:
        process = subprocess.Popen(
            (sys.executable, "-I", "-S", str(_KEEPER), str(told)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(told,),
            start_new_session=True,
        )
    except BaseException:
        os.close(report)
        raise
    finally:
        os.close(told)
    try:
        with os.fdopen(report, "rb") as failure:
            _give_orders(process, command)
            errno = failure.read()
        if errno:
            raise OSError(int(errno), os.strerror(int(errno)), command.argv[0])
        yield process
    finally:
        _end(process)
        if process.stdout:
            process.stdout.close()


def _give_orders(process: subprocess.Popen[bytes], command: Command) -> None:
    orders = {
        "argv": command.argv,
        "cwd": str(command.cwd),
        "environment": dict(command.environment),
    }
    _write(process, json.dumps(orders).encode() + b"\n")


def _write(process: subprocess.Popen[bytes], content: bytes) -> None:
    if process.stdin:
        with suppress(BrokenPipeError):  # it has ended
            process.stdin.write(content)
            process.stdin.flush()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Have the keeper kill all that is left, and wait until it has."""
    if process.stdin:
        with suppress(BrokenPipeError):
            process.stdin.close()
    process.wait()


@contextmanager
def _exit_of(process: subprocess.Popen[bytes]) -> Iterator[int]:
    # The pipe alone does not tell: a daemon that the script left behind may hold it open.
    descriptor = os.pidfd_open(process.pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _follow(output: "_Output", ended: int, stop: Stop | None, deadline: float | None) -> str | None:
    stop_at = () if stop is None else (stop.fileno(),)
    while True:
        wait = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select([*output.open, ended, *stop_at], [], [], wait)
        if not ready:
            return "timeout"
        if any(descriptor in ready for descriptor in stop_at):
            return "interrupt"
        if ended in ready:
            return None
        output.read()


class _Output:
    def __init__(self, process: subprocess.Popen[bytes], on_line: Callable[[str], None]) -> None:
        if process.stdout is None:
            raise ValueError(process)
        self._descriptor = process.stdout.fileno()
        self._on_line = on_line
        self._rest = b""
        self.open = [self._descriptor]
        self.last: deque[str] = deque(maxlen=_KEPT_LINES)
        os.set_blocking(self._descriptor, False)

    def read(self) -> bool:
        """Hand on the lines that are there; False where there was nothing."""
        try:
            data = os.read(self._descriptor, 1 << 16)
        except BlockingIOError:
            return False
        if not data:
            self.open = []
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._hand_on(line)
        return bool(data)

    def drain(self) -> None:
        """Hand on what a process that has ended left behind."""
        while self.read():
            pass
        if self._rest:
            self._hand_on(self._rest)

    def _hand_on(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip("\r")
        self.last.append(text)
        self._on_line(text)


def _terminate(process: subprocess.Popen[bytes], ended: int) -> None:
    _write(process, b"\n")
    select.select([ended], [], [], _GRACE_SECONDS)
