"""The GPU that a kernel is compiled for."""

import re
from dataclasses import dataclass
from typing import Self

from tcv_action.errors import InputError

_CUDA_ARCH = re.compile(r"(?:sm_?)?(?P<arch>[0-9]{2,3})")
_HIP_ARCH = re.compile(r"(?P<arch>gfx[0-9a-f]{3,4})")
_WARP_SIZES = (32, 64)
_BACKEND = re.compile(r"[a-z][a-z0-9_]*")
_ARCH = re.compile(r"[A-Za-z0-9_.+-]+")


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """A backend (`cuda`, `hip`), its arch (`90`, `gfx942`) and the warp size in threads."""

    backend: str
    arch: str
    warp_size: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `BACKEND:ARCH[:WARP_SIZE]`, such as `cuda:90` or `hip:gfx942:64`.

        CUDA's arch may be written `90`, `sm90` or `sm_90`. Without a warp size the arch decides:
        64 for AMD's gfx9 family, else 32.

        Raises InputError for anything else.
        """
        backend, _, rest = text.strip().partition(":")
        arch_text, _, warp_text = rest.partition(":")
        pattern = {"cuda": _CUDA_ARCH, "hip": _HIP_ARCH}.get(backend)
        match = pattern.fullmatch(arch_text) if pattern else None
        if match is None or (":" in rest and warp_text not in map(str, _WARP_SIZES)):
            what = f"The target {text!r} is not one that Triton knows."
            raise InputError(
                what,
                cause="A target is BACKEND:ARCH or BACKEND:ARCH:WARP_SIZE.",
                next_step="Write for example cuda:90, cuda:100, hip:gfx942 or hip:gfx1100:32.",
            )
        arch = match["arch"]
        return cls(backend, arch, int(warp_text) if warp_text else _usual_warp_size(backend, arch))

    @classmethod
    def of_record(cls, backend: str, arch: str | int, warp_size: object) -> Self | None:
        """Take what a program recorded, of GPUs also that `parse` does not know yet.

        `arch` may go on with a HIP card's features, such as `gfx90a:sramecc+:xnack-`. Returns None
        where no GPU is called that, or has warps of that size, which is 1 to 1024.
        """
        name = str(arch).partition(":")[0]
        if isinstance(arch, bool) or not (_BACKEND.fullmatch(backend) and _ARCH.fullmatch(name)):
            return None
        if not isinstance(warp_size, int) or isinstance(warp_size, bool):
            return None
        return cls(backend, name, warp_size) if 0 < warp_size <= 1024 else None

    @property
    def tag_arch(self) -> str:
        """The arch as it stands in tags: `sm90`, `gfx942`."""
        return f"sm{self.arch}" if self.backend == "cuda" else self.arch

    @property
    def tag_suffix(self) -> str:
        """Backend and arch as they stand in tags: `cuda-sm90`, `hip-gfx942`."""
        return f"{self.backend}-{self.tag_arch}"

    def __str__(self) -> str:
        """Write the shortest text that `parse` reads back to this value."""
        short = f"{self.backend}:{self.arch}"
        usual = _usual_warp_size(self.backend, self.arch)
        return short if self.warp_size == usual else f"{short}:{self.warp_size}"


def _usual_warp_size(backend: str, arch: str) -> int:
    # AMD's compute cards (GCN and CDNA, gfx9xx) run 64 threads a wavefront, its RDNA cards 32.
    return 64 if backend == "hip" and re.fullmatch(r"gfx9..", arch) else 32
