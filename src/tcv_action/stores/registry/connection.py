"""Connections whose answers end in time: a socket's own timeout begins anew with each byte."""

import io
import socket
import time
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import ConnectionPool, HTTPConnectionPool

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class TimelyAdapter(HTTPAdapter):
    """Bounds each answer, from its first byte to its last, by the request's read timeout."""

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> ConnectionPool:
        """Return the connections to a host or a proxy; see HTTPAdapter."""
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        if isinstance(pool, HTTPConnectionPool):
            pool.ConnectionCls = _TimelyTLS if pool.scheme == "https" else _Timely
        return pool


def take_time(response: requests.Response) -> requests.Response:
    """Let the rest of an answer take as long as it needs; only each pause is bounded."""
    connection = response.raw.connection
    # Without a connection there is no rest.
    if isinstance(connection, _Timely):
        connection.incoming.take_time()
    return response


class _Timely(HTTPConnection):
    incoming: "_Incoming"

    # http.client calls a class of this name with the socket, and asks it for makefile() alone.
    def response_class(  # type: ignore[override]
        self, sock: socket.socket, *args: Any, **kwargs: Any
    ) -> HTTPResponse:
        self.incoming = _Incoming(sock)
        return HTTPResponse(self.incoming, *args, **kwargs)  # type: ignore[arg-type]


class _TimelyTLS(_Timely, HTTPSConnection):
    pass


class _Incoming(io.RawIOBase):
    """The bytes that a socket receives until its timeout has passed as a whole."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._timeout = sock.gettimeout()
        self._deadline = None if self._timeout is None else time.monotonic() + self._timeout

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return the stream that an answer is read from."""
        return io.BufferedReader(self)

    def take_time(self) -> None:
        """Bound each receive alone from now on."""
        self._deadline = None
        self._sock.settimeout(self._timeout)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int | None:
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                message = "it did not end in time"
                raise TimeoutError(message)
            self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
