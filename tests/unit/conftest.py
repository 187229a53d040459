"""The guard that proves the unit tests offline: nothing but this machine's loopback is reached."""

import ipaddress
import sys
from collections.abc import Iterator

import pytest


class OfflineError(AssertionError):
    """A unit test tried to reach a network."""


_guarded = False


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if not _guarded:
        return
    if event == "socket.connect":
        _refuse_unless_here(arguments[1])
    elif event == "socket.getaddrinfo":
        _refuse_unless_here((arguments[0],))


def _refuse_unless_here(address: object) -> None:
    # A text or bytes address is a unix socket's path.
    if isinstance(address, tuple) and not _is_here(address[0]):
        message = f"a unit test reaches for {address[0]!r}; unit tests are offline"
        raise OfflineError(message)


def _is_here(host: object) -> bool:
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


# An audit hook sees every connection, however a library makes it, and cannot be removed: hence
# the switch.
sys.addaudithook(_audit)


@pytest.fixture(autouse=True)
def offline() -> Iterator[None]:
    """Refuse every connection that leaves the machine while a unit test runs."""
    global _guarded  # noqa: PLW0603
    _guarded = True
    yield
    _guarded = False
