"""What preflight finds: a verdict per point, one over all, as values, JSON and text."""

from dataclasses import dataclass
from enum import StrEnum

from tcv_action.errors import IncompatibleError
from tcv_action.gpus.gpu import Gpu


class Outcome(StrEnum):
    """Whether the kernels will be found."""

    HIT = "will hit"
    MISS = "will miss"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One point: what the image says, what is here, and what follows.

    `image` and `here` are None where not known; a variable that is not set reads `unset`.
    """

    point: str
    outcome: Outcome
    image: str | None
    here: str | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuVerdict:
    """Whether the image holds kernels for this GPU."""

    gpu: Gpu
    covered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """All points, in the order in which people should look at them, and each GPU."""

    points: tuple[Verdict, ...]
    gpus: tuple[GpuVerdict, ...]

    @property
    def outcome(self) -> Outcome:
        """One point that misses is a miss; else one that cannot be told leaves all untold."""
        outcomes = {verdict.outcome for verdict in self.points}
        worst_first = (Outcome.MISS, Outcome.UNKNOWN)
        return next((outcome for outcome in worst_first if outcome in outcomes), Outcome.HIT)

    @property
    def misses(self) -> tuple[Verdict, ...]:
        """The points that make the image miss."""
        return tuple(verdict for verdict in self.points if verdict.outcome is Outcome.MISS)


def require_compatible(verdicts: Verdicts, image: str) -> None:
    """Let pass what will hit and what cannot be told.

    Raises IncompatibleError where a point says that the image will miss.
    """
    if verdicts.outcome is not Outcome.MISS:
        return
    what = f"The image {image!r} will not hit here: {verdicts.misses[0].reason}."
    raise IncompatibleError(
        what,
        cause="; ".join(f"{miss.point}: {_sides(miss)}" for miss in verdicts.misses),
        next_step="Take the image of this target and Triton, or build one here: tcv run.",
    )


def to_json(verdicts: Verdicts) -> dict[str, object]:
    """Return what `tcv check --json` prints."""
    return {
        "outcome": str(verdicts.outcome),
        "points": [
            {
                "point": verdict.point,
                "outcome": str(verdict.outcome),
                "image": verdict.image,
                "here": verdict.here,
                "reason": verdict.reason,
            }
            for verdict in verdicts.points
        ],
        "gpus": [
            {
                "gpu": item.gpu.label,
                "name": item.gpu.name,
                "target": str(item.gpu.target),
                "covered": item.covered,
            }
            for item in verdicts.gpus
        ],
    }


def to_text(verdicts: Verdicts) -> str:
    """Return a line a point, the outcome last; what is unset on both sides is only counted."""
    unset = [verdict for verdict in verdicts.points if _is_unset(verdict)]
    lines = [_line(verdict) for verdict in verdicts.points if verdict not in unset]
    if unset:
        lines.append(f"{Outcome.HIT:<11} {len(unset)} environment variables: unset on both sides")
    uncovered = [item.gpu for item in verdicts.gpus if not item.covered]
    lines += [f"GPU {gpu.label} ({gpu.target}): no kernels in the image" for gpu in uncovered]
    return "\n".join([*lines, f"Overall: {verdicts.outcome}"])


def _is_unset(verdict: Verdict) -> bool:
    return verdict.image == verdict.here == "unset"


def _line(verdict: Verdict) -> str:
    if verdict.outcome is Outcome.HIT:
        return f"{verdict.outcome:<11} {verdict.point}: {verdict.image}"
    return f"{verdict.outcome:<11} {verdict.point}: {_sides(verdict)} ({verdict.reason})"


def _sides(verdict: Verdict) -> str:
    image, here = (side or "not known" for side in (verdict.image, verdict.here))
    return f"image {image}, here {here}"
