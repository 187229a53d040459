"""How a container gets at the host's GPUs.

Sources: docker run --gpus (a device request to the NVIDIA container toolkit); AMD's ROCm
documentation, "Running ROCm Docker containers" (/dev/kfd, /dev/dri, their groups).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

GpuAccess = Literal["nvidia", "amd"]

_AMD_DEVICES = ("/dev/kfd", "/dev/dri")


def host_options(access: GpuAccess | None, root: Path = Path("/")) -> dict[str, object]:
    """Return the part of the engine API's HostConfig for a vendor's GPUs; empty for None.

    `root` is where `dev` is looked for: AMD's devices belong to groups that the host numbers.
    """
    if access == "nvidia":
        return {"DeviceRequests": [{"Count": -1, "Capabilities": [["gpu"]]}]}
    if access == "amd":
        return {
            "Devices": [
                {"PathOnHost": device, "PathInContainer": device, "CgroupPermissions": "rwm"}
                for device in _AMD_DEVICES
            ],
            "GroupAdd": _groups(root),
        }
    return {}


def _groups(root: Path) -> list[str]:
    devices = [root / "dev/kfd", *sorted((root / "dev/dri").glob("renderD*"))]
    numbers = {str(device.stat().st_gid) for device in _present(devices)}
    # Where our own container has no devices, the group that every distribution has must do.
    return sorted(numbers) or ["video"]


def _present(devices: Iterable[Path]) -> Iterable[Path]:
    return (device for device in devices if device.exists())
