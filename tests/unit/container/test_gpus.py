"""What the engine is asked for, so that a container reaches the host's GPUs."""

import os
from pathlib import Path

from tcv_action.container.gpus import host_options


def test_nothing_is_asked_for_without_a_gpu() -> None:
    assert host_options(None) == {}


def test_nvidia_is_a_device_request_for_all() -> None:
    assert host_options("nvidia") == {"DeviceRequests": [{"Count": -1, "Capabilities": [["gpu"]]}]}


def test_amd_is_two_devices_with_the_groups_that_own_them(tmp_path: Path) -> None:
    (tmp_path / "dev/dri").mkdir(parents=True)
    for name, group in (("kfd", 44), ("dri/renderD128", 109), ("dri/renderD129", 109)):
        (tmp_path / "dev" / name).touch()
        if os.geteuid() == 0:
            os.chown(tmp_path / "dev" / name, -1, group)
    options = host_options("amd", tmp_path)
    assert [device["PathOnHost"] for device in options["Devices"]] == [  # type: ignore[attr-defined]
        "/dev/kfd",
        "/dev/dri",
    ]
    expected = ["109", "44"] if os.geteuid() == 0 else [str(tmp_path.stat().st_gid)]
    assert options["GroupAdd"] == expected


def test_amd_without_devices_of_our_own_takes_the_usual_group(tmp_path: Path) -> None:
    assert host_options("amd", tmp_path)["GroupAdd"] == ["video"]
