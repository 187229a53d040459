"""NVIDIA's GPUs, through NVML: the package nvidia-ml-py over the driver's libnvidia-ml.so.1.

Source of the calls: NVML API reference, "Device Queries" and "Multi Instance GPU Management".
"""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import TypeVar

from tcv_action.gpus.gpu import Absence, Gpu, Inventory
from tcv_action.triton.target import Target

_VENDOR = "nvidia"
_WARP_SIZE = 32
_Value = TypeVar("_Value")


def find() -> Inventory:
    """Return the GPUs that NVML names; where MIG is on, its instances stand for the GPU.

    Never raises: a missing package, library, driver or device is an absence with its reason.
    """
    try:
        nvml = importlib.import_module("pynvml")
    except ImportError:
        return _none("the Python package nvidia-ml-py is not installed")
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        return _none(_why_not_started(nvml, error))
    try:
        return _inventory(nvml)
    except nvml.NVMLError as error:
        return _none(f"NVML fails: {error}")
    finally:
        _answer(nvml, nvml.nvmlShutdown)


def _inventory(nvml: ModuleType) -> Inventory:
    count: int = nvml.nvmlDeviceGetCount()
    if count == 0:
        return _none("the driver is there, and no GPU: none is built in, or none is handed in")
    found = [item for index in range(count) for item in _device(nvml, index)]
    return Inventory(
        gpus=tuple(item for item in found if isinstance(item, Gpu)),
        absences=tuple(item for item in found if isinstance(item, Absence)),
    )


def _device(nvml: ModuleType, index: int) -> Iterator[Gpu | Absence]:
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        major, minor = nvml.nvmlDeviceGetCudaComputeCapability(handle)
    except nvml.NVMLError as error:
        yield Absence(vendor=_VENDOR, reason=f"GPU {index} cannot be read: {error}")
        return
    gpu = Gpu(
        index=index,
        vendor=_VENDOR,
        name=_text(_answer(nvml, nvml.nvmlDeviceGetName, handle)) or "unknown",
        target=Target("cuda", f"{major}{minor}", _WARP_SIZE),
        memory_bytes=_memory(nvml, handle),
        driver_version=_text(_answer(nvml, nvml.nvmlSystemGetDriverVersion)),
        uuid=_text(_answer(nvml, nvml.nvmlDeviceGetUUID, handle)),
    )
    # The call is missing on GPUs that cannot be split up.
    mode = _answer(nvml, nvml.nvmlDeviceGetMigMode, handle)
    if mode is None or mode[0] == 0:
        yield gpu
    else:
        yield from _instances(nvml, handle, gpu)


def _instances(nvml: ModuleType, handle: object, whole: Gpu) -> Iterator[Gpu | Absence]:
    places = _answer(nvml, nvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0
    instances = [
        (place, _answer(nvml, nvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, place))
        for place in range(places)
    ]
    used = [(place, instance) for place, instance in instances if instance is not None]
    if not used:
        reason = f"GPU {whole.index} ({whole.name}) is in MIG mode and has no instance"
        yield Absence(vendor=_VENDOR, reason=reason)
    for place, instance in used:
        yield replace(
            whole,
            name=_text(_answer(nvml, nvml.nvmlDeviceGetName, instance)) or whole.name,
            memory_bytes=_memory(nvml, instance),
            uuid=_text(_answer(nvml, nvml.nvmlDeviceGetUUID, instance)),
            mig=place,
        )


def _memory(nvml: ModuleType, handle: object) -> int | None:
    memory = _answer(nvml, nvml.nvmlDeviceGetMemoryInfo, handle)
    return None if memory is None else int(memory.total)


def _answer(nvml: ModuleType, call: Callable[..., _Value], *arguments: object) -> _Value | None:
    """Return what the library answers, None where it does not tell."""
    try:
        return call(*arguments)
    except nvml.NVMLError:
        return None


def _text(answer: str | bytes | None) -> str | None:
    return answer.decode() if isinstance(answer, bytes) else answer


def _why_not_started(nvml: ModuleType, error: Exception) -> str:
    reasons = {
        nvml.NVML_ERROR_LIBRARY_NOT_FOUND: "the driver's library libnvidia-ml.so.1 is not here",
        nvml.NVML_ERROR_DRIVER_NOT_LOADED: "the library is here, but its driver is not loaded",
        nvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: (
            "the driver's library and its kernel module are of different versions; a restart mends"
        ),
        nvml.NVML_ERROR_NO_PERMISSION: "the device files /dev/nvidia* may not be opened",
    }
    return reasons.get(getattr(error, "value", None), f"NVML does not start: {error}")


def _none(reason: str) -> Inventory:
    return Inventory(gpus=(), absences=(Absence(vendor=_VENDOR, reason=reason),))
