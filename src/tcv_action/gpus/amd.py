"""AMD's GPUs, through the package amdsmi where it works, else through the kernel's sysfs.

Sources: AMD SMI Python API reference; Linux, drivers/gpu/drm/amd/amdkfd/kfd_topology.c.
"""

import contextlib
import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

from tcv_action.errors import InputError
from tcv_action.gpus.gpu import Absence, Gpu, Inventory
from tcv_action.triton.target import Target

_VENDOR = "amd"
_VRAM_HEAPS = ("1", "2")


def find(root: Path = Path("/")) -> Inventory:
    """Return the GPUs that amdsmi or the files below `root`/sys name.

    Never raises: a missing driver or device is an absence with its reason.
    """
    nodes = root / "sys/class/kfd/kfd/topology/nodes"
    if not nodes.is_dir():
        return _none("the kernel's driver amdgpu is not loaded (no /sys/class/kfd)")
    # A container sees the host's sysfs, whether the devices are handed in or not.
    if not (root / "dev/kfd").exists():
        return _none("the device /dev/kfd is not here; hand in /dev/kfd and /dev/dri")
    return _from_amdsmi() or _from_sysfs(root, nodes)


def _from_amdsmi() -> Inventory | None:
    # Where its library is missing, the package raises errors of every kind, at import as well.
    with contextlib.suppress(Exception):
        amdsmi = importlib.import_module("amdsmi")
        amdsmi.amdsmi_init()
        try:
            handles = amdsmi.amdsmi_get_processor_handles()
            gpus = tuple(_asked(amdsmi, index, handle) for index, handle in enumerate(handles))
        finally:
            amdsmi.amdsmi_shut_down()
        return Inventory(gpus=gpus, absences=()) if gpus else None
    return None


def _asked(amdsmi: ModuleType, index: int, handle: object) -> Gpu:
    asic = amdsmi.amdsmi_get_gpu_asic_info(handle)
    return Gpu(
        index=index,
        vendor=_VENDOR,
        name=asic["market_name"],
        target=Target.parse(f"hip:{asic['target_graphics_version']}"),
        memory_bytes=int(amdsmi.amdsmi_get_gpu_vram_info(handle)["vram_size"]) * 2**20,
        driver_version=amdsmi.amdsmi_get_gpu_driver_info(handle)["driver_version"],
        uuid=amdsmi.amdsmi_get_gpu_device_uuid(handle),
    )


def _from_sysfs(root: Path, nodes: Path) -> Inventory:
    folders = sorted(
        (folder for folder in nodes.iterdir() if folder.name.isdigit()),
        key=lambda folder: int(folder.name),
    )
    found: list[Gpu | Absence] = []
    for folder in folders:
        found.extend(_node(root, folder, len(found)))
    gpus = tuple(item for item in found if isinstance(item, Gpu))
    absences = tuple(item for item in found if isinstance(item, Absence))
    if not found:
        return _none("the driver is there, and no GPU: the kernel's topology names processors only")
    return Inventory(gpus=gpus, absences=absences)


def _node(root: Path, folder: Path, index: int) -> Iterator[Gpu | Absence]:
    try:
        properties = _properties(folder / "properties")
    except OSError:
        # The kernel denies the files of a GPU whose device the container's cgroup forbids.
        yield _absence(f"node {folder.name} of the kernel's topology may not be read")
        return
    version = int(properties.get("gfx_target_version", "0"))
    if version == 0:
        return  # a processor
    minor = properties.get("drm_render_minor", "0")
    if minor != "0" and not (root / f"dev/dri/renderD{minor}").exists():
        yield _absence(f"the device /dev/dri/renderD{minor} is not here; hand in /dev/dri")
        return
    try:
        target = Target.parse(f"hip:{gfx_name(version)}")
    except InputError:
        yield _absence(f"node {folder.name} is of the unknown kind {gfx_name(version)!r}")
        return
    device = root / f"sys/class/drm/renderD{minor}/device"
    unique_id = int(properties.get("unique_id", "0"))
    yield Gpu(
        index=index,
        vendor=_VENDOR,
        name=_line(device / "product_name") or target.arch,
        target=target,
        memory_bytes=_memory(folder),
        driver_version=_line(root / "sys/module/amdgpu/version"),
        uuid=f"GPU-{unique_id:016x}" if unique_id else None,
    )


def gfx_name(version: int) -> str:
    """Return the arch of a `gfx_target_version`: 90402 is `gfx942`, 90010 is `gfx90a`."""
    return f"gfx{version // 10000}{version // 100 % 100:x}{version % 100:x}"


def _memory(folder: Path) -> int | None:
    banks = [_readable(path) for path in sorted(folder.glob("mem_banks/*/properties"))]
    sizes = [
        int(bank.get("size_in_bytes", "0"))
        for bank in banks
        if bank.get("heap_type") in _VRAM_HEAPS
    ]
    return sum(sizes) or None


def _readable(path: Path) -> Mapping[str, str]:
    try:
        return _properties(path)
    except OSError:
        return {}


def _properties(path: Path) -> Mapping[str, str]:
    text = path.read_text(encoding="utf-8", errors="replace")
    return dict(re.findall(r"^(\w+) (\d+)$", text, re.MULTILINE))


def _line(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None


def _absence(reason: str) -> Absence:
    return Absence(vendor=_VENDOR, reason=reason)


def _none(reason: str) -> Inventory:
    return Inventory(gpus=(), absences=(_absence(reason),))
