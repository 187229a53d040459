"""This machine's GPUs: NVIDIA's through NVML, AMD's through amdsmi or sysfs, or a stub file's."""

from pathlib import Path

from tcv_action.gpus import amd, nvidia
from tcv_action.gpus.gpu import Inventory


def find_gpus(root: Path = Path("/")) -> Inventory:
    """Ask every vendor; what is not there is explained among the absences, never raised.

    `root` is where `sys` is looked for (AMD).
    """
    found = [nvidia.find(), amd.find(root)]
    return Inventory(
        gpus=tuple(gpu for inventory in found for gpu in inventory.gpus),
        absences=tuple(absence for inventory in found for absence in inventory.absences),
    )
