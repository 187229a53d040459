"""A plan as the matrix of a workflow's jobs, and as the settings of one run."""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from tcv_action.errors import InputError
from tcv_action.plan.file import Leg, replaced
from tcv_action.triton.target import Target

MOST_JOBS = 256
"""Jobs that GitHub makes of one matrix."""


def chosen(legs: Sequence[Leg], targets: Sequence[Target]) -> tuple[Leg, ...]:
    """Return the legs of these targets in their order, every leg where none is named.

    Raises InputError for a target that the plan does not have.
    """
    by_target = {leg.target: leg for leg in legs}
    missing = [str(target) for target in targets if target not in by_target]
    if missing:
        what = f"The configuration has no target {missing[0]!r}."
        there = ", ".join(str(leg.target) for leg in legs)
        raise InputError(what, cause=f"Its targets are {there}.", next_step="Add it there.")
    return tuple(by_target[target] for target in targets) or tuple(legs)


def matrix(legs: Sequence[Leg], *, runs_on: object, container: str, name: str) -> dict[str, object]:
    """Return `{"include": [...]}`, an object a job: where it runs and the action's inputs as texts.

    `runs_on` and `container` hold where the leg does not say; `name` begins the name of each
    leg's artifact, which is the leg's own since a matrix has one set of outputs.

    Raises InputError for more jobs than GitHub makes, and for a name that is no artifact's.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        what = f"The name {name!r} cannot begin an artifact's name."
        raise InputError(what, next_step="Take letters, digits, '-' and '_'.")
    if len(legs) > MOST_JOBS:
        what = f"{len(legs)} targets are more than the {MOST_JOBS} jobs that GitHub makes."
        raise InputError(what, next_step="Split the targets over two configurations.")
    return {"include": [_job(leg, runs_on, container, name) for leg in legs]}


def settings(legs: Sequence[Leg], nearer: Collection[str] = ()) -> dict[str, str]:
    """Return what one run over these legs is given by the file, `targets` included.

    `nearer` are the inputs that the person gave; they win, and with them what excludes them goes.

    Raises InputError where the legs differ, since one run treats its targets alike.
    """
    found = {leg.target: replaced(leg.settings, nearer) for leg in legs}
    first = next(iter(found.values()))
    names = {name for each in found.values() for name in {*first, *each}}
    differing = sorted(
        name for name in names if any(each.get(name) != first.get(name) for each in found.values())
    )
    if differing:
        what = f"The configuration's targets differ in {', '.join(differing)}."
        raise InputError(
            what,
            cause="One run treats all of its targets alike.",
            next_step="Choose one with --target, or run `tcv plan` and a job for each.",
        )
    targets = "\n".join(str(leg.target) for leg in legs)
    return {**{name: str(value) for name, value in first.items()}, "targets": targets}


def from_targets(targets: Sequence[Target]) -> tuple[Leg, ...]:
    """Return a plan without a file: the targets alone."""
    return tuple(Leg(target=target) for target in targets)


def with_image(legs: Sequence[Leg], image: str | None) -> tuple[Leg, ...]:
    """Return the legs with this image in the place of theirs."""
    if not image:
        return tuple(legs)
    return tuple(replace(leg, settings={**leg.settings, "image": image}) for leg in legs)


def _job(leg: Leg, runs_on: object, container: str, name: str) -> dict[str, object]:
    inside = leg.container or ("" if "warmup-image" in leg.settings else container)
    return {
        "target": str(leg.target),
        "runs-on": leg.runs_on or runs_on,
        **({"container": inside} if inside else {}),
        "artifact": f"{name}.{str(leg.target).replace(':', '-')}",
        **leg.settings,
    }
