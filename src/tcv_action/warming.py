"""Where the script runs: looked at first, said in a line, demanded where it must be so."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tcv_action.errors import IncompatibleError
from tcv_action.gpus.gpu import Inventory
from tcv_action.triton.target import Target

_MENDS = """\
Any of these brings the GPU to the script:
  a job container with `options: --gpus all` (AMD: --device /dev/kfd --device /dev/dri) whose step \
calls `python -m tcv_action`;
  a sibling container through the docker socket: --warmup-in container --warmup-image IMAGE;
  nvidia as the default runtime of the runner's docker, with NVIDIA_VISIBLE_DEVICES set;
  a container hook of the runner that adds the devices.
Without a GPU: --warmup-in compile-only."""


class WarmupIn(StrEnum):
    """The ways to run a script; `auto` takes the GPU where it is, else compiles only."""

    AUTO = "auto"
    HOST = "host"
    CONTAINER = "container"
    COMPILE_ONLY = "compile-only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which targets run on a GPU of this machine, and why, in a line for a person."""

    on_gpu: frozenset[Target]
    reason: str


def choose(
    wish: WarmupIn, targets: Sequence[Target], here: Inventory, *, require_gpu: bool = False
) -> Choice:
    """Decide for each target between the machine's GPU and compile-only.

    Raises IncompatibleError at once where a GPU is demanded, by `require_gpu` or by `host`, and a
    target has none here.
    """
    if wish is WarmupIn.COMPILE_ONLY and not require_gpu:
        return Choice(on_gpu=frozenset(), reason="compile-only, as asked for")
    found = frozenset(here.targets)
    missing = [target for target in targets if target not in found]
    if missing and (require_gpu or wish is WarmupIn.HOST):
        raise _out_of_reach(missing, here)
    on_gpu = frozenset(targets) & found
    parts = [f"{target} on its GPU" for target in targets if target in on_gpu]
    parts += [f"{target} compile-only" for target in targets if target not in on_gpu]
    return Choice(on_gpu=on_gpu, reason=f"{_found(here)}; {', '.join(parts)}")


def _found(here: Inventory) -> str:
    if here.gpus:
        return "found " + ", ".join(f"{gpu.name} ({gpu.target})" for gpu in here.gpus)
    return "found no GPU here"


def _out_of_reach(missing: Sequence[Target], here: Inventory) -> IncompatibleError:
    names = ", ".join(str(target) for target in missing)
    reasons = [f"{absence.vendor}: {absence.reason}" for absence in here.absences]
    return IncompatibleError(
        f"A GPU is demanded, and none for {names} is within reach: {_found(here)}.",
        cause="; ".join(reasons) or "The GPUs of this machine are others.",
        next_step=_MENDS,
    )
