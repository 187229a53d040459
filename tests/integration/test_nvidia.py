"""NVIDIA's GPUs, through the real nvidia-ml-py over a library that answers as the driver's does."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.services.tools import require_tool

from tcv_action.gpus import nvidia

SOURCE = Path(__file__).parents[1] / "data/nvml.c"
SHOW = """
import dataclasses, json
from tcv_action.gpus import nvidia
print(json.dumps(dataclasses.asdict(nvidia.find())))
"""


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the driver's stand-in."""
    folder = tmp_path_factory.mktemp("nvml")
    library = str(folder / "libnvidia-ml.so.1")
    subprocess.run([require_tool("cc"), "-shared", "-fPIC", "-o", library, str(SOURCE)], check=True)
    return folder


def find(scene: str, library: Path) -> dict[str, Any]:
    environment = os.environ | {"NVML_SCENE": scene, "LD_LIBRARY_PATH": str(library)}
    command = [sys.executable, "-c", SHOW]
    answer = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert not answer.stderr
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def test_gpus_of_two_kinds(library: Path) -> None:
    found = find("two", library)
    assert found["absences"] == []
    first, second = found["gpus"]
    assert first == {
        "index": 0,
        "vendor": "nvidia",
        "name": "NVIDIA H100 80GB HBM3",
        "target": {"backend": "cuda", "arch": "90", "warp_size": 32},
        "memory_bytes": 85520809984,
        "driver_version": "580.159.04",
        "uuid": "GPU-0",
        "mig": None,
    }
    assert (second["index"], second["target"]["arch"]) == (1, "80")


def test_instances_stand_for_a_gpu_that_is_split_up(library: Path) -> None:
    gpus = find("mig", library)["gpus"]
    assert [(gpu["index"], gpu["mig"], gpu["uuid"]) for gpu in gpus] == [
        (0, 0, "MIG-0-0"),
        (0, 2, "MIG-0-2"),
    ]
    assert gpus[0]["memory_bytes"] == 10468982784
    assert gpus[0]["target"]["arch"] == "90"


def test_what_the_library_does_not_tell_is_none(library: Path) -> None:
    (gpu,) = find("quiet", library)["gpus"]
    assert gpu["name"] == "unknown"
    assert gpu["memory_bytes"] is gpu["uuid"] is gpu["driver_version"] is None


def test_a_lost_gpu_does_not_hide_the_others(library: Path) -> None:
    found = find("lost", library)
    assert [gpu["index"] for gpu in found["gpus"]] == [1]
    assert "GPU 0 cannot be read" in found["absences"][0]["reason"]


@pytest.mark.parametrize(
    ("scene", "reason"),
    [
        ("none", "no GPU"),
        ("mig-empty", "has no instance"),
        ("no-driver", "driver is not loaded"),
        ("mismatch", "different versions"),
    ],
)
def test_nothing_to_use_is_explained(library: Path, scene: str, reason: str) -> None:
    found = find(scene, library)
    assert found["gpus"] == []
    assert reason in found["absences"][0]["reason"]


def test_a_machine_without_the_driver_is_explained(tmp_path: Path) -> None:
    (tmp_path / "libnvidia-ml.so.1").write_text("no library: the loader refuses it")
    assert "libnvidia-ml.so.1" in find("two", tmp_path)["absences"][0]["reason"]


def test_a_python_without_the_package_is_explained(tmp_path: Path) -> None:
    (tmp_path / "pynvml.py").write_text("raise ImportError\n")
    command = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{SHOW}"
    answer = subprocess.run(
        [sys.executable, "-c", command], check=True, capture_output=True, text=True
    )
    assert "nvidia-ml-py is not installed" in answer.stdout


@pytest.mark.gpu
def test_a_real_gpu_is_the_one_that_the_drivers_own_tool_names() -> None:
    smi = shutil.which("nvidia-smi")
    if smi is None:
        pytest.skip("no NVIDIA GPU: nvidia-smi is not here")
    query = "--query-gpu=index,name,uuid,driver_version,compute_cap"
    told = subprocess.run(
        [smi, query, "--format=csv,noheader"], check=True, capture_output=True, text=True
    ).stdout
    assert [
        f"{gpu.index}, {gpu.name}, {gpu.uuid}, {gpu.driver_version}, "
        f"{gpu.target.arch[:-1]}.{gpu.target.arch[-1]}"
        for gpu in nvidia.find().gpus
    ] == told.splitlines()
