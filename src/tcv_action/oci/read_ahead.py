"""Reading ahead: one thread takes the next pieces while another works on the last one."""

from collections.abc import Generator, Iterator
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Event, Thread

_DEPTH = 4
_PATIENCE = 0.05


def read_ahead(pieces: Iterator[bytes]) -> Generator[bytes, None, None]:
    """Yield the pieces, up to four of them taken in advance by a thread.

    What goes wrong there is raised here, at its place. Close the iterator to end the thread early.
    """
    queue: Queue[bytes | BaseException | None] = Queue(_DEPTH)
    stopped = Event()
    thread = Thread(target=_fill, args=(pieces, queue, stopped), daemon=True)
    thread.start()
    try:
        while (piece := queue.get()) is not None:
            if isinstance(piece, BaseException):
                raise piece
            yield piece
    finally:
        stopped.set()
        with suppress(Empty):
            queue.get_nowait()
        thread.join()


def _fill(
    pieces: Iterator[bytes], queue: Queue[bytes | BaseException | None], stopped: Event
) -> None:
    try:
        for piece in pieces:
            _put(piece, queue, stopped)
            if stopped.is_set():
                return
    except BaseException as error:  # noqa: BLE001
        _put(error, queue, stopped)
    else:
        _put(None, queue, stopped)


def _put(
    piece: bytes | BaseException | None,
    queue: Queue[bytes | BaseException | None],
    stopped: Event,
) -> None:
    while not stopped.is_set():
        with suppress(Full):
            queue.put(piece, timeout=_PATIENCE)
            return
