"""The stub file: our own format in JSON and YAML, and the device cache that mcv writes."""

import json
from pathlib import Path

import pytest

from tcv_action.errors import InputError
from tcv_action.gpus import stub
from tcv_action.gpus.gpu import Absence, Gpu
from tcv_action.triton.target import Target

MCV = {
    "Timestamp": "2026-08-01T10:00:00Z",
    "Devices": {
        "gpu": {
            "name": "AMD",
            "deviceType": 1,
            "hwType": "gpu",
            "tritonInfo": [
                {
                    "name": "card1",
                    "uuid": "acff740f-0000-1000-806b-c6ef57f28db1",
                    "compute_capability": "",
                    "arch": "gfx90a",
                    "warp_size": 64,
                    "memory_total_mb": 65520,
                    "ptx_version": 0,
                    "backend": "hip",
                    "ID": 1,
                }
            ],
            "summaries": [{"ID": "1", "DriverVersion": "6.12.10", "ProductName": "Instinct MI210"}],
        }
    },
}


def write(folder: Path, text: str, name: str = "stub.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_gpu_in_full(tmp_path: Path) -> None:
    text = """
gpus:
  - target: cuda:90
    name: NVIDIA H100 80GB HBM3
    memory_bytes: 85520809984
    driver_version: 570.10
    uuid: GPU-1
    mig: 2
"""
    assert stub.read(write(tmp_path, text)).gpus == (
        Gpu(
            index=0,
            vendor="nvidia",
            name="NVIDIA H100 80GB HBM3",
            target=Target("cuda", "90", 32),
            memory_bytes=85520809984,
            driver_version="570.10",
            uuid="GPU-1",
            mig=2,
        ),
    )


def test_counts_and_kinds_are_numbered_through(tmp_path: Path) -> None:
    text = '{"gpus": [{"target": "cuda:90", "count": 2}, {"target": "hip:gfx942"}]}'
    gpus = stub.read(write(tmp_path, text, "stub.json")).gpus
    assert [(gpu.index, gpu.vendor, str(gpu.target)) for gpu in gpus] == [
        (0, "nvidia", "cuda:90"),
        (1, "nvidia", "cuda:90"),
        (2, "amd", "hip:gfx942"),
    ]


def test_a_machine_without_gpus_says_why(tmp_path: Path) -> None:
    inventory = stub.read(write(tmp_path, "gpus: []\nabsent: {amd: no driver}\n"))
    assert inventory.absences == (Absence(vendor="amd", reason="no driver"),)


def test_the_device_cache_of_mcv_is_read(tmp_path: Path) -> None:
    (gpu,) = stub.read(write(tmp_path, json.dumps(MCV), "device_cache_stub.json")).gpus
    assert (gpu.index, gpu.name, gpu.target) == (1, "Instinct MI210", Target("hip", "gfx90a", 64))
    assert (gpu.memory_bytes, gpu.driver_version) == (65520 * 2**20, "6.12.10")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[]", "no object"),
        ("gpus: 3", "not a list of objects"),
        ("gpus: [{name: x}]", "'target'"),
        ("gpus: [{target: cuda:90, colour: red}]", "'colour'"),
        ("cards: []", "'cards'"),
        ("gpus: [{target: cuda:90, count: many}]", "'count' is 'many'"),
        ("gpus: [{target: cuda:90, memory_bytes: -1}]", "'memory_bytes'"),
        ("gpus: [", "stub.yaml"),
        ("absent: [amd]", "'absent'"),
        ('{"Devices": {"gpu": {"tritonInfo": [{"ID": 0}]}}}', "'backend'"),
        ('{"Devices": []}', "'Devices'"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        stub.read(write(tmp_path, text))


def test_an_unknown_target_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'cuda:x'"):
        stub.read(write(tmp_path, "gpus: [{target: 'cuda:x'}]"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.json"):
        stub.read(tmp_path / "nowhere.json")
