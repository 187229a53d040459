"""GPUs by kind, as people count them."""

from collections import defaultdict

from tcv_action.gpus.gpu import Gpu, Inventory


def fleet_text(inventory: Inventory) -> str:
    """Return the GPUs grouped by name and driver, in the words of mcv's `--gpu-info`."""
    if not inventory.gpus:
        return "No GPUs found."
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for gpu in inventory.gpus:
        groups[gpu.name, gpu.driver_version or "unknown"].append(gpu.label)
    lines = ["GPU Fleet:"]
    for (name, driver), labels in sorted(groups.items()):
        lines += [
            f"  - GPU Type: {name}",
            f"    Driver Version: {driver}",
            f"    IDs: [{' '.join(labels)}]",
        ]
    return "\n".join(lines)


def to_json(inventory: Inventory) -> dict[str, object]:
    """Return the inventory as `tcv gpus --json` prints it."""
    return {
        "gpus": [_gpu(gpu) for gpu in inventory.gpus],
        "targets": [str(target) for target in inventory.targets],
        "absent": {absence.vendor: absence.reason for absence in inventory.absences},
    }


def _gpu(gpu: Gpu) -> dict[str, object]:
    return {
        "index": gpu.index,
        "mig": gpu.mig,
        "vendor": gpu.vendor,
        "name": gpu.name,
        "target": str(gpu.target),
        "backend": gpu.target.backend,
        "arch": gpu.target.arch,
        "warp_size": gpu.target.warp_size,
        "memory_bytes": gpu.memory_bytes,
        "driver_version": gpu.driver_version,
        "uuid": gpu.uuid,
    }
