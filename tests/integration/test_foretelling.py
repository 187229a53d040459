"""gpus, check, verify and diff from the command line, on images of real kernels."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.services.interpreters import (
    OLDEST,
    TRITON,
    Interpreter,
    interpreter,
    require_python,
)

pytestmark = pytest.mark.triton

SCRIPT = """\
import triton
import triton.language as tl
from triton.runtime.jit import MockTensor

@triton.jit
def scale(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + offsets, tl.load(x_ptr + offsets, mask=offsets < n) * 2)

for kind in (tl.float32, tl.float16):
    x = MockTensor(kind)
    scale.warmup(x, x, 4096, BLOCK=256, grid=(1,))
"""
H100 = "gpus:\n  - {target: 'cuda:90', name: NVIDIA H100, count: 2}\n"
A100 = "gpus:\n  - {target: 'cuda:80', name: NVIDIA A100}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A folder with a script, the Python that compiles it, and its image in `tcv-out`."""

    folder: Path
    python: Path

    @property
    def image(self) -> str:
        return f"oci:{self.folder}/tcv-out/oci:latest-cuda-sm90"

    def tcv(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tcv_action", *arguments],
            cwd=self.folder,
            env=os.environ | {"GITHUB_ACTIONS": ""} | variables,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    version, python = require_python(OLDEST)
    found = interpreter(python, version, [TRITON])
    checkout = Checkout(folder=tmp_path_factory.mktemp("foretelling"), python=found.path)
    for name, text in (("warm.py", SCRIPT), ("h100.yaml", H100), ("a100.yaml", A100)):
        (checkout.folder / name).write_text(text)
    made = checkout.tcv("run", "--dry-run", "-t", "cuda:90", "--python", str(found.path), "warm.py")
    assert made.returncode == 0, made.stderr
    return checkout


def parsed(answer: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def test_gpus_of_a_stub_file(checkout: Checkout) -> None:
    found = parsed(checkout.tcv("gpus", "--stub", "h100.yaml", "--json"))
    assert [(gpu["index"], gpu["target"]) for gpu in found["gpus"]] == [
        (0, "cuda:90"),
        (1, "cuda:90"),
    ]
    assert "NVIDIA H100" in checkout.tcv("gpus", "--stub", "h100.yaml").stdout


def test_gpus_of_this_machine_never_fail(checkout: Checkout) -> None:
    answer = checkout.tcv("gpus", "--json")
    assert answer.returncode == 0
    found = parsed(answer)
    assert found["gpus"] or set(found["absent"]) == {"nvidia", "amd"}


def test_a_broken_stub_file_is_an_input_error(checkout: Checkout) -> None:
    (checkout.folder / "broken.yaml").write_text("gpus: [{name: x}]")
    answer = checkout.tcv("gpus", "--stub", "broken.yaml")
    assert (answer.returncode, "docs/gpus-stub.md" in answer.stderr) == (2, True)


def test_the_same_machine_will_hit(checkout: Checkout) -> None:
    answer = checkout.tcv(
        "check", checkout.image, "--python", str(checkout.python), "--stub", "h100.yaml", "--json"
    )
    assert answer.returncode == 0, answer.stderr
    found = parsed(answer)
    assert found["outcome"] == "will hit"
    assert {point["outcome"] for point in found["points"]} == {"will hit"}


@pytest.mark.parametrize(
    ("stub", "variables", "point"),
    [
        ("a100.yaml", {}, "arch"),
        ("h100.yaml", {"TRITON_DISABLE_LINE_INFO": "0"}, "TRITON_DISABLE_LINE_INFO"),
    ],
)
def test_a_miss_is_foretold_with_its_reason(
    checkout: Checkout, stub: str, variables: dict[str, str], point: str
) -> None:
    arguments = ["check", checkout.image, "--python", str(checkout.python), "--stub", stub]
    answer = checkout.tcv(*arguments, "--json", **variables)
    assert answer.returncode == 6
    missed = [each["point"] for each in parsed(answer)["points"] if each["outcome"] == "will miss"]
    assert missed[0] == point
    assert f"will miss   {point}" in checkout.tcv(*arguments, **variables).stdout


def test_an_image_is_checked_without_its_layer(checkout: Checkout, tmp_path: Path) -> None:
    blobs = checkout.folder / "tcv-out/oci/blobs/sha256"
    largest = max(blobs.iterdir(), key=lambda blob: blob.stat().st_size)
    kept = largest.rename(tmp_path / "layer")
    try:
        answer = checkout.tcv("check", checkout.image, "--python", str(checkout.python))
    finally:
        kept.rename(largest)
    assert answer.returncode == 0, answer.stderr
    assert "Overall: cannot tell" in answer.stdout


def test_a_foretold_miss_comes_true_and_is_explained(checkout: Checkout) -> None:
    answer = checkout.tcv(
        *("verify", "-i", checkout.image, "--python", str(checkout.python), "--json", "warm.py"),
        TRITON_DISABLE_LINE_INFO="0",
    )
    assert answer.returncode == 7
    (row,) = parsed(answer)["targets"]
    assert (row["hits"], row["requests"]) == (0, 2)
    assert [each["differences"] for each in row["explanations"]] == [
        [{"input": "variable TRITON_DISABLE_LINE_INFO", "image": "unset", "here": "false"}]
    ] * 2


def test_a_changed_script_is_explained_in_the_log(checkout: Checkout) -> None:
    (checkout.folder / "other.py").write_text(SCRIPT.replace("BLOCK=256", "BLOCK=512"))
    answer = checkout.tcv(
        "verify", "-i", checkout.image, "--python", str(checkout.python), "other.py"
    )
    assert answer.returncode == 7
    assert "argument BLOCK: constant 256 in the image, constant 512 here" in answer.stdout


def test_two_images_differ_in_the_input_that_was_changed(checkout: Checkout) -> None:
    (checkout.folder / "warps.py").write_text(SCRIPT.replace("grid=(1,)", "grid=(1,), num_warps=8"))
    made = checkout.tcv(
        *("run", "--dry-run", "-t", "cuda:90", "--output", "second", "--no-verify"),
        *("--python", str(checkout.python), "warps.py"),
    )
    assert made.returncode == 0, made.stderr
    other = "oci:second/oci:latest-cuda-sm90"
    found = parsed(checkout.tcv("diff", checkout.image, other, "--json"))
    assert found["environment"] == []
    assert [pair["differences"] for pair in found["changed"]] == [
        [{"input": "option num_warps", "first": "4", "second": "8"}]
    ] * 2
    assert parsed(checkout.tcv("diff", other, other, "--json"))["equal"] is True


def test_an_image_and_its_folder_are_the_same(checkout: Checkout) -> None:
    restored = checkout.tcv("extract", "--no-check", "-i", checkout.image, "-d", "restored")
    assert restored.returncode == 0, restored.stderr
    found = parsed(checkout.tcv("diff", checkout.image, "./restored", "--json"))
    assert (found["equal"], found["same"]) == (True, 2)


def test_amd_kernels_hit_only_where_triton_lies_in_the_same_folder(
    checkout: Checkout, python_with_torch: Interpreter
) -> None:
    """The same Triton 3.6.0 in another folder: CUDA's keys stay, AMD's hold the folder."""
    made = checkout.tcv(
        *("run", "--dry-run", "-t", "hip:gfx942", "--output", "hip", "--no-verify"),
        *("--python", str(checkout.python), "warm.py"),
    )
    assert made.returncode == 0, made.stderr
    elsewhere = ("--python", str(python_with_torch.path))
    moved = checkout.tcv("verify", "-i", checkout.image, *elsewhere, "warm.py")
    assert "2 of 2 requests hit" in moved.stdout, moved.stderr
    image = "oci:hip/oci:latest-hip-gfx942"
    foretold = parsed(checkout.tcv("check", image, *elsewhere, "--json"))
    missed = [each["point"] for each in foretold["points"] if each["outcome"] == "will miss"]
    assert missed == ["amd-bitcode"]
    (row,) = parsed(checkout.tcv("verify", "-i", image, *elsewhere, "--json", "warm.py"))["targets"]
    assert (row["hits"], row["requests"]) == (0, 2)
    assert {each["input"] for item in row["explanations"] for each in item["differences"]} == {
        "tool amd-bitcode"
    }
