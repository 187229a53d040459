"""Compilation requests, as an image records them for later explanations."""

from dataclasses import replace

import pytest

from tcv_action.errors import InputError
from tcv_action.triton.request import Request, from_records, to_records

REQUEST = Request(
    name="add_kernel",
    hash="ab" * 32,
    hit=False,
    target="cuda:90",
    source="/home/me/kernels/add.py:12",
    signature={"x_ptr": "*fp32", "n": "i32"},
    constants={"BLOCK": 1024},
    attributes={"x_ptr": [["tt.divisibility", 16]]},
    options={"num_warps": 4},
    seconds={"ttir": 0.1},
    source_hash="cd" * 32,
)


def test_a_record_keeps_the_key_inputs_and_no_times_or_folders() -> None:
    (read,) = from_records(to_records([REQUEST]))
    assert read == replace(REQUEST, seconds={}, source="add.py:12")


def test_two_runs_of_one_warmup_give_the_same_records() -> None:
    other = replace(REQUEST, hash="00" * 32)
    again = [replace(other, seconds={"ttir": 9.0}), replace(REQUEST, hit=True), REQUEST]
    assert to_records(again) == to_records([REQUEST, other])


def test_a_source_without_a_folder_stays() -> None:
    (record,) = to_records([replace(REQUEST, source="add.py:3")])
    assert record["source"] == "add.py:3"


@pytest.mark.parametrize("broken", [None, {}, [1], [{}], [{"name": 1}]])
def test_what_is_no_list_of_requests_is_refused(broken: object) -> None:
    with pytest.raises(InputError, match="requests that the image records"):
        from_records(broken)


def test_a_type_that_is_no_string_is_refused() -> None:
    (record,) = to_records([REQUEST])
    with pytest.raises(InputError, match="16 is not a string"):
        from_records([record | {"signature": {"n": 16}}])
