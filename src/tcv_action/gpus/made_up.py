"""The made-up GPUs of mcv's `--stub`, for trying things out where there is no GPU.

Source: redhat-et/GKM, mcv/pkg/accelerator/devices, static.go and stub.go.
"""

from dataclasses import replace

from tcv_action.errors import InputError
from tcv_action.gpus.gpu import Gpu, Inventory
from tcv_action.triton.target import Target

_AMD = Gpu(
    index=0,
    vendor="amd",
    name="STUBBED Aldebaran/MI200 [Instinct MI210]",
    target=Target("hip", "gfx90a", 64),
    memory_bytes=65520 * 2**20,
    driver_version="6.12.10-100.fc40.x86_64",
)
_NVIDIA = Gpu(
    index=0,
    vendor="nvidia",
    name="STUBBED Tesla A100-SXM4-80GB",
    target=Target("cuda", "80", 32),
    memory_bytes=81920 * 2**20,
    driver_version="550.54.15",
)
_PROFILES = {"amd": _AMD, "nvidia": _NVIDIA}


def made_up(profile: str) -> Inventory:
    """Return two GPUs of the profile that MCV_STUB_PROFILE names: `amd` or `nvidia`.

    Raises InputError for any other.
    """
    if profile not in _PROFILES:
        what = f"There are no made-up GPUs for MCV_STUB_PROFILE {profile!r}."
        raise InputError(
            what,
            cause=f"It is one of {', '.join(_PROFILES)}.",
            next_step="Describe other GPUs in a file: tcv gpus --stub FILE.",
        )
    return Inventory(gpus=(_numbered(profile, 0), _numbered(profile, 1)), absences=())


def _numbered(profile: str, index: int) -> Gpu:
    return replace(_PROFILES[profile], index=index)
