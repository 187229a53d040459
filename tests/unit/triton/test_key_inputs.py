"""What can be told of an entry's key from its own files, where no request was recorded."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.triton.test_explain import INTERMEDIATE, REQUEST, proof

from tcv_action.triton.cache import Cache, CachedFile, Entry
from tcv_action.triton.explain import explain
from tcv_action.triton.key_inputs import of_entry, read_key_inputs
from tcv_action.triton.metadata import KernelOptions
from tcv_action.triton.target import Target

METADATA = {"num_warps": 4, "num_stages": 3, "shared": 0, "USE_IR_LOC": "1"}
ENTRY = Entry(
    key="KEY",
    name="add_kernel",
    hash="bb" * 32,
    target=Target("cuda", "90", 32),
    options=KernelOptions.of({}),
    files=(CachedFile("KEY/add_kernel.source", 1), CachedFile("KEY/add_kernel.ttir", 1)),
)


def test_an_entrys_files_tell_types_specialization_options_and_place() -> None:
    inputs = of_entry(ENTRY, METADATA, INTERMEDIATE)
    assert inputs.signature == {"x_ptr": "*fp32", "n": "i32"}
    assert inputs.attributes == {"x_ptr": {"tt.divisibility": 16}, "n": {"tt.divisibility": 16}}
    assert inputs.options["num_warps"] == 4
    assert "shared" not in inputs.options
    assert inputs.source == "add.py:13"
    assert (inputs.line, inputs.constants) == (None, None)


def test_an_entry_of_binaries_tells_its_options() -> None:
    inputs = of_entry(ENTRY, METADATA)
    assert (inputs.signature, inputs.source) == (None, None)
    assert inputs.options["num_stages"] == 3


@pytest.mark.parametrize(
    ("signature", "input_"),
    [
        (dict(REQUEST.signature), None),
        (dict(REQUEST.signature) | {"n": "u32"}, None),
        (dict(REQUEST.signature) | {"n": "i64"}, "argument n"),
        (dict(REQUEST.signature) | {"stride": "i32"}, "argument stride"),
        (dict(REQUEST.signature) | {"n": "constexpr"}, "argument n"),
    ],
)
def test_a_request_is_compared_with_what_the_files_tell(
    signature: dict[str, str], input_: str | None
) -> None:
    miss = replace(REQUEST, signature=signature)
    (explanation,) = explain(proof(miss), [of_entry(ENTRY, METADATA, INTERMEDIATE)])
    assert [item.input for item in explanation.differences] == ([input_] if input_ else [])


def test_an_argument_of_a_type_without_a_short_name_is_not_compared() -> None:
    text = INTERMEDIATE.replace("%n: i32", "%n: !tt.tensordesc<tensor<64x64xf16>>")
    (explanation,) = explain(proof(REQUEST), [of_entry(ENTRY, METADATA, text)])
    assert explanation.differences == ()


def test_a_recorded_request_wins_over_the_files(tmp_path: Path) -> None:
    cache = Cache(root=tmp_path, entries=(ENTRY,), helpers=())
    (inputs,) = read_key_inputs(cache, [replace(REQUEST, hash=ENTRY.hash)])
    assert inputs.constants == REQUEST.constants


def test_files_that_cannot_be_read_tell_nothing(tmp_path: Path) -> None:
    (tmp_path / "KEY").mkdir()
    (tmp_path / "KEY/add_kernel.ttir").write_text(INTERMEDIATE)
    cache = Cache(root=tmp_path, entries=(ENTRY,), helpers=())
    (inputs,) = read_key_inputs(cache)
    assert inputs.signature == {"x_ptr": "*fp32", "n": "i32"}  # the .source is not there
    (tmp_path / "KEY/add_kernel.ttir").unlink()
    (inputs,) = read_key_inputs(cache)
    assert inputs.signature is None
