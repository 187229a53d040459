"""What `tcv run` demands of a cache before it counts, and where it pushes nothing."""

import json
from pathlib import Path

import pytest
from tests.services.command import tcv
from tests.services.interpreters import Interpreter
from tests.services.registry import Registry

VECTOR_ADD = Path(__file__).parents[2] / "examples" / "vector_add.py"
ONCE = """
import os, sys
import triton, triton.language as tl
from triton.runtime.jit import MockTensor

@triton.jit
def kernel(x_ptr, N: tl.constexpr):
    tl.store(x_ptr, N)

# Another constant in each process: nothing of it can ever hit.
kernel.warmup(MockTensor(tl.float32), N=os.getpid(), grid=(1,))
kernel.warmup(MockTensor(tl.float32), N=1, grid=(1,))
"""

pytestmark = pytest.mark.triton


def test_too_few_kernels_are_nothing_to_package(
    python_with_triton: Interpreter, tmp_path: Path
) -> None:
    ended = tcv(
        "run", "--dry-run", "-t", "cuda:90", "--min-entries", "4", "--python",
        python_with_triton.path, VECTOR_ADD, cwd=tmp_path,
    )  # fmt: skip
    assert ended.code == 3
    assert "holds 3 kernels, and at least 4" in ended.err
    assert not (tmp_path / "tcv-out" / "oci").exists()


def test_kernel_that_differs_from_run_to_run_is_named_and_gets_no_tag(
    registry: Registry, python_with_triton: Interpreter, tmp_path: Path
) -> None:
    script = tmp_path / "once.py"
    script.write_text(ONCE)
    name = registry.name(f"once/{python_with_triton.version}")
    run = ("run", "-i", name, "-t", "cuda:90", "--python", python_with_triton.path)
    ended = tcv(*run, script, cwd=tmp_path)
    assert ended.code == 7
    assert "1 of 2 requests" in ended.err
    assert "kernel" in ended.err
    assert tcv("inspect", f"{name}:latest-cuda-sm90").code == 5
    rows = json.loads((tmp_path / "tcv-out" / "outputs.json").read_text())["targets"]
    assert (rows[0]["hits"], rows[0]["requests"], rows[0]["tags"]) == (1, 2, [])
    tcv(*run, "--min-hit-rate", "50", script, cwd=tmp_path).ok()
    tcv("inspect", f"{name}:latest-cuda-sm90").ok()


@pytest.mark.parametrize("way", ["no-push", "fork"])
def test_nothing_is_pushed(
    way: str, registry: Registry, python_with_triton: Interpreter, tmp_path: Path
) -> None:
    name = registry.name(f"quiet/{way}/{python_with_triton.version}")
    event = {
        "pull_request": {"head": {"repo": {"full_name": "you/it"}}},
        "repository": {"full_name": "me/it"},
    }
    (tmp_path / "event.json").write_text(json.dumps(event))
    options = ["--no-push"] if way == "no-push" else []
    environ = {"GITHUB_EVENT_PATH": str(tmp_path / "event.json")} if way == "fork" else {}
    ended = tcv(
        "run", "-i", name, *options, "-t", "cuda:90", "--python", python_with_triton.path,
        VECTOR_ADD, cwd=tmp_path, environ=environ,
    ).ok()  # fmt: skip
    assert (tmp_path / "tcv-out" / "oci" / "index.json").is_file()
    assert tcv("inspect", f"{name}:latest-cuda-sm90").code == 5
    assert ("fork's pull request" in ended.err) is (way == "fork")
