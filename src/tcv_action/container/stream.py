"""The output of a process in a container, read as it comes.

Source: Docker engine API, "Attach to a container", stream format: frames of an 8-byte header (kind,
three zeros, length) and the bytes of standard output or standard error.
"""

import os
import select
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

_HEADER = 8


class Socket(Protocol):
    """What the docker package hands out for a hijacked connection."""

    def fileno(self) -> int:
        """Return the descriptor."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class Stream:
    """The frames of one connection, both kinds as one sequence of bytes."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._bytes = b""
        self.is_open = True

    def fileno(self) -> int:
        """Return the descriptor, which is readable when there is more, or the end."""
        return self._socket.fileno()

    def read(self) -> Iterator[bytes]:
        """Yield what has come since the last call; at the end of the stream it is closed."""
        with suppress(BlockingIOError):
            data = os.read(self._socket.fileno(), 1 << 16)
            self._bytes += data
            if not data:
                self.is_open = False
        while len(self._bytes) >= _HEADER:
            (length,) = struct.unpack(">I", self._bytes[4:_HEADER])
            if len(self._bytes) < _HEADER + length:
                break
            yield self._bytes[_HEADER : _HEADER + length]
            self._bytes = self._bytes[_HEADER + length :]

    def read_all(self) -> bytes:
        """Wait for the end and return everything."""
        found = b""
        while self.is_open:
            select.select([self], [], [])
            found += b"".join(self.read())
        return found

    def close(self) -> None:
        """Close the connection."""
        self.is_open = False
        # The docker package ties the response to the socket, and only that closes it in truth.
        getattr(self._socket, "_response", self._socket).close()
