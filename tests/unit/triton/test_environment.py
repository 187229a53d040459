"""The record of the place where kernels were compiled, as it travels with an image."""

from dataclasses import replace

import pytest

from tcv_action.errors import InputError
from tcv_action.triton.environment import (
    ENVIRONMENT_LIMIT,
    Environment,
    as_triton_reads,
    from_json,
    to_json,
)

RECORD = Environment(
    triton_version="3.6.0",
    triton_key="3.6.0-ab12",
    python_version="3.12.3",
    python_abi="cpython-312",
    host_arch="x86_64",
    torch_version=None,
    tools={"ptxas": "12.8"},
    variables={"TRITON_DISABLE_LINE_INFO": None, "USE_IR_LOC": "ttir"},
)


def test_a_record_survives_the_round_trip() -> None:
    assert from_json(to_json(RECORD)) == RECORD


def test_the_long_form_of_the_key_stays_out() -> None:
    assert from_json(to_json(replace(RECORD, triton_key_text="3.6.0" + "f" * 9999))) == RECORD


def test_equal_records_give_equal_text_whatever_the_order() -> None:
    turned = replace(RECORD, variables=dict(reversed(list(RECORD.variables.items()))))
    assert to_json(turned) == to_json(RECORD)


def test_fields_of_a_newer_writer_are_passed_over() -> None:
    text = to_json(RECORD)
    assert from_json(text[:-1] + ',"of_tomorrow":1}') == RECORD


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '"x"', "[" * 100_000, '{"tools": 1}', r'"\ud800"']
)
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="environment record"):
        from_json(text)


def test_a_field_of_the_wrong_kind_is_named() -> None:
    with pytest.raises(InputError, match="'python_abi' is not a string"):
        from_json(to_json(RECORD).replace('"cpython-312"', "312"))


def test_a_record_too_long_for_a_label_is_refused() -> None:
    long = replace(RECORD, variables={"MLIR_DUMP_PATH": "x" * ENVIRONMENT_LIMIT})
    with pytest.raises(InputError, match=str(ENVIRONMENT_LIMIT)):
        to_json(long)


@pytest.mark.parametrize(
    ("written", "read"),
    [("1", "true"), ("ON", "true"), ("0", "false"), ("Off", "false"), ("", None), (None, None)],
)
def test_truth_values_are_read_as_triton_reads_them(written: str | None, read: str | None) -> None:
    assert as_triton_reads(written) == read


def test_other_values_stand_as_they_are() -> None:
    assert as_triton_reads("TTIR") == "TTIR"
