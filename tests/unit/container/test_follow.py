"""The engine's frames become lines, however they are cut, and time has an end."""

import os
import struct
from collections.abc import Iterator

import pytest

from tcv_action.container.follow import Lines, follow
from tcv_action.container.stream import Stream
from tcv_action.triton.process import Stop


class Pipe:
    """A connection whose other end the test writes."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        os.set_blocking(self.reading, False)

    def fileno(self) -> int:
        return self.reading

    def close(self) -> None:
        os.close(self.reading)

    def say(self, *texts: bytes, kind: int = 1) -> None:
        for text in texts:
            os.write(self.writing, struct.pack(">BxxxI", kind, len(text)) + text)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()


def heard(
    pipe: Pipe, *, has_ended: bool = True, timeout: float | None = 30, stop: Stop | None = None
) -> tuple[str | None, list[str]]:
    lines: list[str] = []
    stopped = follow(
        Stream(pipe), Lines(lines.append), has_ended=lambda: has_ended, stop=stop, timeout=timeout
    )
    return stopped, lines


def test_both_kinds_become_lines_in_their_order(pipe: Pipe) -> None:
    pipe.say(b"one\ntw", b"o\r\n")
    pipe.say(b"three\nlast", kind=2)
    os.close(pipe.writing)
    assert heard(pipe) == (None, ["one", "two", "three", "last"])


def test_a_frame_in_pieces_is_put_together(pipe: Pipe) -> None:
    stream, lines = Stream(pipe), []
    whole = struct.pack(">BxxxI", 1, 6) + b"whole\n"
    for byte in whole:
        os.write(pipe.writing, bytes([byte]))
        lines += list(stream.read())
    os.close(pipe.writing)
    assert lines == [b"whole\n"]
    assert stream.read_all() == b""


def test_bytes_that_are_no_text_are_shown_all_the_same(pipe: Pipe) -> None:
    pipe.say(b"\xff\xfe\n")
    os.close(pipe.writing)
    assert heard(pipe) == (None, ["\ufffd\ufffd"])


def test_time_has_an_end(pipe: Pipe) -> None:
    pipe.say(b"begun\n")
    assert heard(pipe, has_ended=False, timeout=0.2) == ("timeout", ["begun"])
    os.close(pipe.writing)


def test_a_process_that_ended_is_over_though_its_output_is_held_open(pipe: Pipe) -> None:
    pipe.say(b"done\n")
    assert heard(pipe) == (None, ["done"])
    os.close(pipe.writing)


def test_a_wish_to_stop_is_heard(pipe: Pipe) -> None:
    stop = Stop()
    stop.request()
    assert heard(pipe, stop=stop)[0] == "interrupt"
    stop.close()
    os.close(pipe.writing)
