"""Dummy keys, against their description computed step by step."""

from hashlib import sha256
from pathlib import Path

from tests.caches import HIP, add_entry

from tcv_action.triton.dummy_key import DummyKeys
from tcv_action.triton.environment import Environment
from tcv_action.triton.reader import read_cache

ENVIRONMENT = Environment(
    triton_version="3.6.0",
    triton_key="0" * 64,
    triton_key_text="3.6.0-abc-def",
    python_version="3.12.3",
    python_abi="cpython-312",
    host_arch="x86_64",
    tools={},
    variables={"TRITON_DEBUG": None, "B": "2", "A": "1"},
)


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def test_a_key_is_the_digest_of_five_parts(tmp_path: Path) -> None:
    add_entry(tmp_path, target=HIP, num_warps=8, num_stages=2, debug=True, ptx_version=84)
    (entry,) = read_cache(tmp_path).entries

    parts = (
        "3.6.0-abc-def",
        digest("dummy_source_content"),
        digest("hip-gfx942-64"),
        digest('{"debug":true,"num_stages":2,"num_warps":8,"ptx":84}'),
        digest('{"A":"1","B":"2"}'),
    )
    assert DummyKeys.of_environment(ENVIRONMENT).of_entry(entry) == digest("-".join(parts))


def test_what_is_not_known_has_a_fixed_text(tmp_path: Path) -> None:
    add_entry(tmp_path, ptx_version=None, debug=False)
    (entry,) = read_cache(tmp_path).entries

    parts = (
        "unknown-triton-key",
        digest("dummy_source_content"),
        digest("cuda-90-32"),
        digest('{"debug":false,"num_stages":3,"num_warps":4,"ptx":0}'),
        digest("{}"),
    )
    assert DummyKeys.of_environment(None).of_entry(entry) == digest("-".join(parts))


def test_the_kernel_s_source_does_not_matter(tmp_path: Path) -> None:
    add_entry(tmp_path, 1)
    add_entry(tmp_path, 2, name="other")
    one, two = read_cache(tmp_path).entries
    keys = DummyKeys.of_environment(None)

    assert keys.of_entry(one) == keys.of_entry(two)
