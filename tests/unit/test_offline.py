"""The guard of tests/unit/conftest.py, tried on connections that would leave the machine."""

import socket

import pytest


def test_a_connection_to_an_address_is_refused() -> None:
    with socket.socket() as outward, pytest.raises(AssertionError, match=r"'192\.0\.2\.1'"):
        outward.connect(("192.0.2.1", 80))


def test_a_name_is_not_looked_up() -> None:
    with pytest.raises(AssertionError, match=r"'registry\.example'"):
        socket.getaddrinfo("registry.example", 443)


def test_loopback_stays_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
