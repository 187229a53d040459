"""Explanations of misses: each input of the key changed alone must be the one that is named."""

from dataclasses import replace

import pytest

from tcv_action.triton.environment import Environment
from tcv_action.triton.explain import explain, to_json, to_text
from tcv_action.triton.key_inputs import KeyInputs, of_request
from tcv_action.triton.replay import Proof
from tcv_action.triton.request import Request
from tcv_action.triton.target import Target

REQUEST = Request(
    name="add_kernel",
    hash="aa" * 32,
    hit=False,
    target="cuda:90",
    source="/code/add.py:12",
    signature={"x_ptr": "*fp32", "n": "i32", "stride": "constexpr", "BLOCK": "constexpr"},
    constants={"stride": 1, "BLOCK": 1024},
    attributes={"x_ptr": {"tt.divisibility": 16}, "n": {"tt.divisibility": 16}},
    options={
        "num_warps": 4,
        "num_stages": 3,
        "extern_libs": [["libdevice", "/opt/a/libdevice.10.bc"]],
    },
    seconds={"ttir": 0.1},
    source_hash="11" * 32,
)
ENVIRONMENT = Environment(
    triton_version="3.6.0",
    triton_key="ab12",
    python_version="3.12.3",
    python_abi="cpython-312",
    host_arch="x86_64",
    tools={"ptxas": "V12.8.93", "amd-bitcode": "/opt/a"},
    variables={"TRITON_DISABLE_LINE_INFO": None},
)
INTERMEDIATE = """#loc = loc("add.py":13:0)
#loc1 = loc("x_ptr"(#loc))
module {
  tt.func public @add_kernel(%x_ptr: !tt.ptr<f32> {tt.divisibility = 16 : i32} loc("x_ptr"(#loc)), \
%n: i32 {tt.divisibility = 16 : i32} loc("n"(#loc))) attributes {noinline = false} {
    %0 = tt.call @"helper"(%n) : (i32) -> i32
"""


def entry(request: Request = REQUEST) -> KeyInputs:
    return of_request(replace(request, hash="bb" * 32))


def proof(*misses: Request, here: Environment | None = None) -> Proof:
    return Proof(target=Target.parse("cuda:90"), requests=misses, seconds=1.0, environment=here)


def named(miss: Request, *entries: KeyInputs) -> list[str]:
    (explanation,) = explain(proof(miss, here=ENVIRONMENT), entries, image=ENVIRONMENT)
    return [line.strip() for line in to_text(explanation).splitlines()[1:]]


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (
            {"source": "/other/add.py:15", "source_hash": "22" * 32},
            "first line, and perhaps the text: /code/add.py:12 in the image, /other/add.py:15 here",
        ),
        (
            {"source_hash": "22" * 32},
            (
                "text of the kernel, or of a function that it calls, or a global constant:"
                " 111111111111 in the image, 222222222222 here"
            ),
        ),
        (
            {"signature": dict(REQUEST.signature) | {"x_ptr": "*fp16"}},
            (
                "argument x_ptr: *fp32, tt.divisibility = 16 in the image,"
                " *fp16, tt.divisibility = 16 here"
            ),
        ),
        (
            {"attributes": {"x_ptr": {"tt.divisibility": 16}}},
            "argument n: i32, tt.divisibility = 16 in the image, i32 here",
        ),
        (
            {"constants": {"stride": 1, "BLOCK": 2048}},
            "argument BLOCK: constant 1024 in the image, constant 2048 here",
        ),
        (
            {
                "signature": dict(REQUEST.signature) | {"stride": "i32"},
                "constants": {"BLOCK": 1024},
            },
            "argument stride: constant 1 in the image, i32 here",
        ),
        (
            {"options": dict(REQUEST.options) | {"num_warps": 8}},
            "option num_warps: 4 in the image, 8 here",
        ),
        ({"target": "cuda:80"}, "target: cuda:90 in the image, cuda:80 here"),
    ],
)
def test_one_changed_input_is_named_and_nothing_else(
    change: dict[str, object], difference: str
) -> None:
    assert named(replace(REQUEST, **change), entry()) == [difference]  # type: ignore[arg-type]


def test_the_folder_of_a_library_is_not_in_the_key() -> None:
    options = dict(REQUEST.options) | {"extern_libs": [["libdevice", "/opt/b/libdevice.10.bc"]]}
    assert named(replace(REQUEST, options=options), entry()) == []


def test_another_folder_of_the_script_is_no_difference() -> None:
    assert named(replace(REQUEST, source="/elsewhere/add.py:12"), entry()) == []


def test_the_nearest_of_several_entries_is_taken() -> None:
    wide = entry(replace(REQUEST, constants={"stride": 1, "BLOCK": 4096}))
    far = entry(
        replace(REQUEST, signature={"x_ptr": "*bf16", "n": "i64"}, constants={"BLOCK": 4096})
    )
    other_gpu = entry(replace(REQUEST, target="cuda:80"))
    miss = replace(REQUEST, constants={"stride": 1, "BLOCK": 2048})
    assert named(miss, far, other_gpu, wide) == [
        "argument BLOCK: constant 4096 in the image, constant 2048 here"
    ]


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"triton_version": "3.7.0"}, "triton version: 3.6.0 in the image, 3.7.0 here"),
        ({"triton_key": "cd34"}, "triton key: ab12 in the image, cd34 here"),
        ({"tools": {"ptxas": "V12.9"}}, "tool ptxas: V12.8.93 in the image, V12.9 here"),
        (
            {"variables": {"TRITON_DISABLE_LINE_INFO": "0"}},
            "variable TRITON_DISABLE_LINE_INFO: unset in the image, false here",
        ),
    ],
)
def test_a_changed_environment_is_named(change: dict[str, object], difference: str) -> None:
    here = replace(ENVIRONMENT, **change)  # type: ignore[arg-type]
    (explanation,) = explain(proof(REQUEST, here=here), [entry()], image=ENVIRONMENT)
    assert to_text(explanation).splitlines()[1:] == [f"  {difference}"]


def test_a_kernel_that_the_warmup_never_launched() -> None:
    (explanation,) = explain(proof(replace(REQUEST, name="softmax")), [entry()])
    assert explanation.nearest is None
    assert explanation.verdict == (
        "the warmup did not launch this kernel; the cache holds add_kernel"
    )


def test_an_entry_that_is_there_and_was_not_taken() -> None:
    (explanation,) = explain(proof(REQUEST), [of_request(REQUEST)])
    assert "missing or broken" in explanation.verdict


def test_the_entry_of_the_very_key_is_preferred_and_nothing_is_said_to_differ() -> None:
    there = replace(of_request(REQUEST), options={"num_warps": 1}, constants=None)
    here = replace(ENVIRONMENT, triton_version="3.7.0")
    (explanation,) = explain(proof(REQUEST, here=here), [entry(), there], image=ENVIRONMENT)
    assert explanation.nearest == there
    assert explanation.differences == ()
    assert "its entry is there and was not taken" in explanation.verdict


def test_an_entry_whose_group_file_leads_elsewhere_names_relocate() -> None:
    moved = replace(proof(REQUEST), misplaced=frozenset([REQUEST.hash]))
    (explanation,) = explain(moved, [of_request(REQUEST)])
    assert "`tcv relocate`" in explanation.verdict


def test_a_variable_that_has_triton_always_compile_is_named() -> None:
    told = replace(proof(REQUEST), always_compiles=True)
    (explanation,) = explain(told, [of_request(REQUEST)])
    assert explanation.verdict.endswith("not taken: TRITON_ALWAYS_COMPILE is set")


def test_what_is_not_known_is_said() -> None:
    unknown = replace(entry(), source_hash=None)
    (explanation,) = explain(proof(REQUEST), [unknown])
    assert explanation.verdict == (
        "all that is known of the nearest entry agrees; what differs is the kernel's text or first"
        " line number, or Triton's build, a tool or an environment variable"
    )


def test_the_text_has_a_line_an_input() -> None:
    miss = replace(REQUEST, options=dict(REQUEST.options) | {"num_warps": 8, "num_stages": 2})
    (explanation,) = explain(proof(miss), [entry()])
    assert to_text(explanation).splitlines() == [
        (
            "add_kernel (cuda:90) at /code/add.py:12:"
            " inputs of the key that differ from the nearest entry's: 2"
        ),
        "  option num_stages: 3 in the image, 2 here",
        "  option num_warps: 4 in the image, 8 here",
    ]


def test_the_json_names_entry_and_inputs() -> None:
    miss = replace(REQUEST, options=dict(REQUEST.options) | {"num_warps": 8})
    (explanation,) = explain(proof(miss), [entry()])
    document = to_json(explanation)
    assert document["nearest"] == "bb" * 32
    assert document["differences"] == [{"input": "option num_warps", "image": "4", "here": "8"}]


def test_of_hundreds_of_entries_the_one_that_has_most_in_common_explains_a_miss() -> None:
    held = [
        of_request(replace(REQUEST, hash=f"{n:064x}", constants={"BLOCK": n})) for n in range(500)
    ]
    miss = replace(REQUEST, constants={"BLOCK": 499}, options={**REQUEST.options, "num_warps": 99})
    (explanation,) = explain(proof(miss), held)
    assert [item.input for item in explanation.differences] == ["option num_warps"]
    (explanation,) = explain(proof(replace(REQUEST, name="another")), held)
    assert explanation.nearest is None
