"""A machine's GPUs as frozen values, and why there are none of a vendor."""

from dataclasses import dataclass

from tcv_action.triton.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """A GPU that programs can use, or one instance of a GPU that is split up (NVIDIA's MIG).

    `index` is the GPU's number at its vendor's library, `mig` the instance's number on it (None
    for a whole GPU). `uuid`, `driver_version` and `memory_bytes` are None where nobody tells.
    """

    index: int
    vendor: str
    name: str
    target: Target
    memory_bytes: int | None = None
    driver_version: str | None = None
    uuid: str | None = None
    mig: int | None = None

    @property
    def label(self) -> str:
        """How people name it: `0`, or `0:1` for instance 1 of GPU 0."""
        return str(self.index) if self.mig is None else f"{self.index}:{self.mig}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """Why a vendor's GPU (or one of them) cannot be used here, in one sentence."""

    vendor: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """The GPUs of a machine, in their vendors' order, and what is missing."""

    gpus: tuple[Gpu, ...]
    absences: tuple[Absence, ...]

    @property
    def targets(self) -> tuple[Target, ...]:
        """The distinct targets of the GPUs, sorted."""
        return tuple(sorted({gpu.target for gpu in self.gpus}))
