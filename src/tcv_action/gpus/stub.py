"""GPUs out of a file, for machines that have none. The format stands in docs/gpus-stub.md."""

import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from tcv_action.errors import InputError
from tcv_action.gpus.gpu import Absence, Gpu, Inventory
from tcv_action.triton.target import Target

_FIELDS = frozenset(
    {"target", "name", "count", "memory_bytes", "driver_version", "uuid", "mig", "vendor"}
)
_VENDORS = {"cuda": "nvidia", "hip": "amd"}


def read(path: Path) -> Inventory:
    """Read the file: JSON or YAML of our own, or the device cache that mcv writes.

    Raises InputError where it is not there, is neither, or names what no GPU has.
    """
    document = _parse(path)
    try:
        if not isinstance(document, dict):
            message = "it holds no object"
            raise TypeError(message)
        return _from_mcv(document) if "Devices" in document else _from_ours(document)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise _refused(path, str(error)) from error


def _parse(path: Path) -> object:
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            return json.loads(text)
        # Every scalar stays text: a driver version such as 570.10 is no number.
        return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise _refused(path, str(error)) from error


def _from_ours(document: Mapping[str, object]) -> Inventory:
    unknown = sorted(set(document) - {"gpus", "absent"})
    if unknown:
        message = f"the field {unknown[0]!r} is not one of 'gpus', 'absent'"
        raise ValueError(message)
    gpus: list[Gpu] = []
    for record in _list(document.get("gpus", [])):
        gpus.extend(_gpus(record, len(gpus)))
    absent = document.get("absent", {})
    if not isinstance(absent, dict):
        message = "'absent' is not an object of vendor and reason"
        raise TypeError(message)
    return Inventory(
        gpus=tuple(gpus),
        absences=tuple(Absence(vendor=vendor, reason=str(absent[vendor])) for vendor in absent),
    )


def _gpus(record: Mapping[str, object], first: int) -> list[Gpu]:
    unknown = sorted(set(record) - _FIELDS)
    if unknown:
        message = f"the field {unknown[0]!r} is not one of {', '.join(sorted(_FIELDS))}"
        raise ValueError(message)
    target = Target.parse(str(record["target"]))
    count = _number(record, "count")
    return [
        Gpu(
            index=first + offset,
            vendor=str(record.get("vendor", _VENDORS[target.backend])),
            name=str(record.get("name", f"stub {target}")),
            target=target,
            memory_bytes=_number(record, "memory_bytes"),
            driver_version=_optional(record, "driver_version"),
            uuid=_optional(record, "uuid"),
            mig=_number(record, "mig"),
        )
        for offset in range(1 if count is None else count)
    ]


def _from_mcv(document: Mapping[str, object]) -> Inventory:
    """Read a device cache (`/tmp/device_cache_stub.json`) of mcv.

    Source: redhat-et/GKM, mcv/pkg/accelerator/devices, DeviceCache and TritonGPUInfo.
    """
    devices = document["Devices"]
    if not isinstance(devices, dict):
        message = "'Devices' is not an object"
        raise TypeError(message)
    gpus = [gpu for device in devices.values() for gpu in _mcv_device(device)]
    return Inventory(gpus=tuple(gpus), absences=())


def _mcv_device(device: Mapping[str, object]) -> list[Gpu]:
    summaries = {str(summary["ID"]): summary for summary in _list(device.get("summaries") or [])}
    return [
        _mcv_gpu(card, summaries.get(str(card["ID"]), {})) for card in _list(device["tritonInfo"])
    ]


def _mcv_gpu(card: Mapping[str, object], summary: Mapping[str, object]) -> Gpu:
    backend = str(card["backend"])
    return Gpu(
        index=int(str(card["ID"])),
        vendor=_VENDORS[backend],
        name=str(summary.get("ProductName") or card["name"]),
        target=Target.parse(f"{backend}:{card['arch']}:{card['warp_size']}"),
        memory_bytes=int(str(card["memory_total_mb"])) * 2**20,
        driver_version=_optional(summary, "DriverVersion"),
        uuid=_optional(card, "uuid"),
    )


def _list(value: object) -> list[Mapping[str, object]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        message = f"{value!r} is not a list of objects"
        raise TypeError(message)
    return value


def _number(record: Mapping[str, object], name: str) -> int | None:
    text = _optional(record, name)
    if text is not None and not text.isdecimal():
        message = f"{name!r} is {text!r}, not a number of 0 or more"
        raise ValueError(message)
    return None if text is None else int(text)


def _optional(record: Mapping[str, object], name: str) -> str | None:
    value = record.get(name)
    return None if value is None else str(value)


def _refused(path: Path, why: str) -> InputError:
    return InputError(
        f"The stub file {str(path)!r} cannot be used: {why}.",
        cause="A stub file is JSON or YAML with a list 'gpus', each with a 'target'.",
        next_step="See docs/gpus-stub.md for the format, with examples.",
    )
