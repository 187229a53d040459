"""Reading ahead: the same pieces, the same errors, no thread left behind."""

import threading
from collections.abc import Iterator

import pytest

from tcv_action.oci.read_ahead import read_ahead


def numbers(count: int, taken: list[int]) -> Iterator[bytes]:
    for number in range(count):
        taken.append(number)
        yield str(number).encode()


def test_every_piece_comes_in_its_order() -> None:
    assert b",".join(read_ahead(numbers(100, []))) == b",".join(numbers(100, []))


def test_an_error_comes_at_its_place() -> None:
    def broken() -> Iterator[bytes]:
        yield b"one"
        raise KeyError

    pieces = read_ahead(broken())

    assert next(pieces) == b"one"
    with pytest.raises(KeyError):
        next(pieces)


def test_closing_early_ends_the_thread_and_takes_no_more() -> None:
    taken: list[int] = []
    before = threading.active_count()
    pieces = read_ahead(numbers(10_000, taken))
    next(pieces)

    pieces.close()

    assert len(taken) < 20
    assert threading.active_count() == before


def test_nothing_is_read_until_it_is_asked_for() -> None:
    taken: list[int] = []

    read_ahead(numbers(10, taken))

    assert taken == []
