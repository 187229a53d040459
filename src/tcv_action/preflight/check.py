"""Comparing an image's facts with a machine, point by point."""

from collections.abc import Iterator

from tcv_action.image.contract import ImageFacts
from tcv_action.preflight.machine import Machine
from tcv_action.preflight.software import software_verdicts
from tcv_action.preflight.verdict import GpuVerdict, Outcome, Verdict, Verdicts
from tcv_action.triton.target import Target


def check(facts: ImageFacts, here: Machine) -> Verdicts:
    """Compare what decides about hits: the GPU, then what else enters Triton's key.

    Every GPU of the machine gets its own answer; the points of the hardware are good where one
    GPU is covered.
    """
    return Verdicts(
        points=(*_hardware(facts.targets, here), *software_verdicts(facts, here)),
        gpus=tuple(
            GpuVerdict(gpu=gpu, covered=gpu.target in facts.targets) for gpu in here.inventory.gpus
        ),
    )


def _hardware(targets: tuple[Target, ...], here: Machine) -> Iterator[Verdict]:
    machine = here.inventory.targets
    if not machine:
        reasons = [f"{item.vendor}: {item.reason}" for item in here.inventory.absences]
        yield from _untold(targets, "no GPU is found here; " + "; ".join(reasons))
        return
    backends = {target.backend for target in targets} & {target.backend for target in machine}
    archs = {(target.backend, target.arch) for target in targets} & {
        (target.backend, target.arch) for target in machine
    }
    yield _compared(
        "backend",
        (_backends(targets), _backends(machine)),
        met=bool(backends),
        reason="the kernels are for another vendor's GPUs",
    )
    yield _compared(
        "arch",
        (_archs(targets), _archs(machine)),
        met=bool(archs),
        reason="Triton's key holds the arch, and no other arch's kernels are looked at",
    )
    yield _compared(
        "warp size",
        (_warps(targets), _warps(machine)),
        met=bool(set(targets) & set(machine)),
        reason="Triton's key holds the warp size together with the arch",
    )


def _compared(point: str, sides: tuple[str, str], *, met: bool, reason: str) -> Verdict:
    image, here = sides
    outcome = Outcome.HIT if met else Outcome.MISS
    return Verdict(
        point=point, outcome=outcome, image=image, here=here, reason="" if met else reason
    )


def _untold(targets: tuple[Target, ...], reason: str) -> Iterator[Verdict]:
    sides = {"backend": _backends(targets), "arch": _archs(targets), "warp size": _warps(targets)}
    for point, image in sides.items():
        yield Verdict(point=point, outcome=Outcome.UNKNOWN, image=image, here=None, reason=reason)


def _backends(targets: tuple[Target, ...]) -> str:
    return ", ".join(sorted({target.backend for target in targets}))


def _archs(targets: tuple[Target, ...]) -> str:
    return ", ".join(sorted({target.tag_arch for target in targets}))


def _warps(targets: tuple[Target, ...]) -> str:
    return ", ".join(str(size) for size in sorted({target.warp_size for target in targets}))
