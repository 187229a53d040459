"""What a registry's 401 asks for, in the forms in which registries write it."""

import pytest

from tcv_action.stores.registry.opening import is_loopback
from tcv_action.stores.registry.sign_in import parse_challenge


@pytest.mark.parametrize(
    ("header", "scheme", "fields"),
    [
        (
            'Bearer realm="https://a/t",service="r",scope="repository:o/r:pull,push"',
            "bearer",
            {"realm": "https://a/t", "service": "r", "scope": "repository:o/r:pull,push"},
        ),
        (
            'bearer realm="https://a/t", service=r',
            "bearer",
            {"realm": "https://a/t", "service": "r"},
        ),
        ('Basic realm="Registry Realm"', "basic", {"realm": "Registry Realm"}),
        ('Basic realm="x", Bearer realm="https://a/t"', "bearer", {"realm": "https://a/t"}),
    ],
)
def test_a_challenge_is_read(header: str, scheme: str, fields: dict[str, str]) -> None:
    challenge = parse_challenge(header)

    assert challenge is not None
    assert (challenge.scheme, challenge.fields) == (scheme, fields)


@pytest.mark.parametrize("header", ["", "Negotiate", "Bearer"])
def test_what_is_no_challenge(header: str) -> None:
    assert parse_challenge(header) is None


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("127.0.0.1:5000", True),
        ("127.8.9.1", True),
        ("[::1]:5000", True),
        ("localhost.example.org", False),
        ("10.0.0.1:5000", False),
        ("127.0.0.1.example.org", False),
        ("ghcr.io", False),
    ],
)
def test_which_hosts_are_this_machine(host: str, *, loopback: bool) -> None:
    assert is_loopback(host) is loopback
