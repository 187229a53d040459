"""Hearing a process in a container, line by line, until it ends or its time is up."""

import select
import time
from collections import deque
from collections.abc import Callable

from tcv_action.container.stream import Stream
from tcv_action.triton.process import Stop

_KEPT_LINES = 20
_LOOK_SECONDS = 1.0


class Lines:
    """Cuts bytes into lines, hands each on and keeps the last ones."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._rest = b""
        self.last: deque[str] = deque(maxlen=_KEPT_LINES)

    def feed(self, data: bytes) -> None:
        """Hand on the lines that are whole now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._hand_on(line)

    def end(self) -> None:
        """Hand on a last line without an end."""
        if self._rest:
            self._hand_on(self._rest)
            self._rest = b""

    def _hand_on(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip("\r")
        self.last.append(text)
        self._on_line(text)


def follow(
    stream: Stream,
    lines: Lines,
    *,
    has_ended: Callable[[], bool],
    stop: Stop | None,
    timeout: float | None,
    clock: Callable[[], float] = time.monotonic,
) -> str | None:
    """Hand on a process's lines; return why it must be killed, None where it ended itself.

    A process is over when it has ended, though something that it left behind still holds its
    output open.
    """
    deadline = None if timeout is None else clock() + timeout
    watched: list[Stream | Stop] = [stream] if stop is None else [stream, stop]
    while stream.is_open:
        left = _LOOK_SECONDS if deadline is None else min(_LOOK_SECONDS, deadline - clock())
        if left <= 0:
            return "timeout"
        ready, _, _ = select.select(watched, [], [], left)
        if stop in ready:
            return "interrupt"
        for data in stream.read() if ready else ():
            lines.feed(data)
        if not ready and has_ended():
            break
    lines.end()
    return None
