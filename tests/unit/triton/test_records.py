"""What the probe wrote, as values."""

import json
from pathlib import Path

from tcv_action.triton.records import Failure, Refusal, read_records

REQUEST = {
    "event": "request",
    "pid": 7,
    "name": "add_kernel",
    "hash": "ab" * 32,
    "hit": False,
    "target": "hip:gfx942:64",
    "source": "/a.py:4",
    "source_hash": "cd",
    "signature": {"x_ptr": "*fp32"},
    "constants": {"BLOCK": 1024},
    "attributes": {"x_ptr": {"tt.divisibility": 16}},
    "options": {"num_warps": 4},
    "seconds": {"ttir": 0.5, "hsaco": 1.0},
}
ENVIRONMENT = {
    "event": "environment",
    "pid": 7,
    "triton_version": "3.6.0",
    "triton_key": None,
    "triton_key_text": None,
    "python_version": "3.12.1",
    "python_abi": "cpython-312",
    "host_arch": "x86_64",
    "torch_version": None,
    "tools": {},
    "variables": {},
}
REFUSAL = {"event": "refusal", "pid": 8, "what": "it reads", "file": "/a.py", "line": 3}
FAILURE = {
    "event": "failure",
    "pid": 7,
    "type": "ValueError",
    "message": "no",
    "file": "/a.py",
    "line": 9,
    "missing": None,
    "refused": False,
}


def test_events_become_values(tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    hit, refusal = {**REQUEST, "hit": True, "seconds": {}}, {**REFUSAL, "line": 5}
    events = (ENVIRONMENT, REQUEST, hit, REFUSAL, refusal, FAILURE)
    record.write_text("".join(json.dumps(event) + "\n" for event in events))
    records = read_records(record)
    assert [request.hit for request in records.requests] == [False, True]
    assert records.requests[0].target == "hip:gfx942"
    assert records.requests[0].seconds == {"ttir": 0.5, "hsaco": 1.0}
    assert records.environment is not None
    assert records.environment.python_abi == "cpython-312"
    assert records.refusals == (
        Refusal(pid=8, what="it reads", file="/a.py", line=3),
        Refusal(pid=8, what="it reads", file="/a.py", line=5),
    )
    assert records.failure == Failure(
        pid=7,
        type="ValueError",
        message="no",
        file="/a.py",
        line=9,
        missing=None,
        refused=False,
    )


def test_infinity_and_nan_become_strings_for_which_json_has_a_form(tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    constants = {"LOW": float("-inf"), "HIGH": float("inf"), "NONE": float("nan")}
    record.write_text(json.dumps({**REQUEST, "constants": constants}))
    (request,) = read_records(record).requests
    assert request.constants == {"LOW": "-Infinity", "HIGH": "Infinity", "NONE": "NaN"}


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    record.write_text(json.dumps(REQUEST) + "\n" + json.dumps(REQUEST)[:40])
    assert len(read_records(record).requests) == 1


def test_no_record_is_no_request(tmp_path: Path) -> None:
    records = read_records(tmp_path / "never written")
    assert records.requests == ()
    assert records.environment is None
