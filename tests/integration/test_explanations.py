"""Misses that real Triton reports: the one input that was changed is the one that is named."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.services.interpreters import OLDEST, TRITON, interpreter, require_python

from tcv_action.triton.environment import Environment
from tcv_action.triton.explain import explain
from tcv_action.triton.interpreter import find_interpreter
from tcv_action.triton.key_inputs import read_key_inputs
from tcv_action.triton.reader import read_cache
from tcv_action.triton.replay import Proof, replay
from tcv_action.triton.request import Request, from_records, to_records
from tcv_action.triton.script import Script
from tcv_action.triton.target import Target
from tcv_action.triton.warmup import warm_up

pytestmark = pytest.mark.triton

H100 = Target("cuda", "90", 32)
SCRIPT = """\
import triton
import triton.language as tl
from triton.runtime.jit import MockTensor

@triton.jit
def halve(x):
    return x * 0.5

@triton.jit
def scale(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + offsets, halve(tl.load(x_ptr + offsets, mask=offsets < n)))

x = MockTensor(tl.float32)
scale.warmup(x, x, 4096, BLOCK=256, grid=(1,), num_warps=4)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warm:
    """What a warmup left: its folder, script, and what an image would record of it."""

    cache: Path
    script: Path
    python: Path
    requests: tuple[Request, ...]
    environment: Environment


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Warm:
    version, python = require_python(OLDEST)
    found = interpreter(python, version, [TRITON])
    folder = tmp_path_factory.mktemp("explain")
    script = folder / "scale.py"
    script.write_text(SCRIPT)
    warmup = warm_up(
        Script(argv=("scale.py",), cwd=folder),
        H100,
        folder / "cache",
        interpreter=find_interpreter(str(found.path), os.environ),
        timeout=300,
        on_output=print,
        gpu=False,
    )
    return Warm(
        cache=folder / "cache",
        script=script,
        python=found.path,
        requests=from_records(to_records(warmup.requests)),
        environment=warmup.environment,
    )


def replayed(warm: Warm, text: str = SCRIPT, **variables: str) -> Proof:
    warm.script.write_text(text)
    return replay(
        Script(argv=("scale.py",), cwd=warm.script.parent),
        H100,
        warm.cache,
        interpreter=find_interpreter(str(warm.python), os.environ | variables),
        timeout=300,
        on_output=print,
        gpu=False,
    )


def inputs(warm: Warm, proof: Proof, recorded: Sequence[Request]) -> list[str]:
    (explanation,) = explain(
        proof,
        read_key_inputs(read_cache(warm.cache), recorded),
        image=warm.environment,
    )
    return [
        f"{item.input}: {item.first} → {item.second}".removesuffix(" → None")
        for item in explanation.differences
    ]


def test_the_same_script_hits(warm: Warm) -> None:
    assert replayed(warm).misses == ()


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("num_warps=4", "num_warps=8", "option num_warps: 4 → 8"),
        ("BLOCK=256", "BLOCK=512", "argument BLOCK: constant 256 → constant 512"),
        (
            "MockTensor(tl.float32)",
            "MockTensor(tl.float16)",
            "argument x_ptr: *fp32, tt.divisibility = 16 → *fp16, tt.divisibility = 16",
        ),
        ("4096", "4095", "argument n: i32, tt.divisibility = 16 → i32"),
        ("4096", "1", "argument n: i32, tt.divisibility = 16 → constant 1"),
        ("import triton\n", "import triton\n\n", "first line, and perhaps the text: scale.py:9 → "),
        (
            "x * 0.5",
            "x * 0.25",
            "text of the kernel, or of a function that it calls, or a global constant: ",
        ),
    ],
)
def test_a_changed_script_names_the_input(warm: Warm, old: str, new: str, named: str) -> None:
    proof = replayed(warm, SCRIPT.replace(old, new))
    assert any(line.startswith(named) for line in inputs(warm, proof, warm.requests))


def test_a_changed_variable_is_named_and_nothing_else(warm: Warm) -> None:
    proof = replayed(warm, TRITON_DISABLE_LINE_INFO="0")
    assert inputs(warm, proof, warm.requests) == [
        "variable TRITON_DISABLE_LINE_INFO: unset → false"
    ]


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("num_warps=4", "num_warps=8", "option num_warps: 4 → 8"),
        (
            "MockTensor(tl.float32)",
            "MockTensor(tl.float16)",
            "argument out_ptr: *fp32, tt.divisibility = 16 → *fp16, tt.divisibility = 16",
        ),
        ("4096", "1", "argument n: i32, tt.divisibility = 16 → a constant"),
    ],
)
def test_a_folder_tells_what_its_files_hold(warm: Warm, old: str, new: str, named: str) -> None:
    proof = replayed(warm, SCRIPT.replace(old, new))
    assert named in inputs(warm, proof, ())


def test_a_changed_text_leaves_no_false_trace_in_a_folder(warm: Warm) -> None:
    proof = replayed(warm, SCRIPT.replace("x * 0.5", "x * 0.25"))
    assert inputs(warm, proof, ()) == []
