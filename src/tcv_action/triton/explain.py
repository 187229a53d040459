"""Why a request missed: the nearest entry, and the inputs of the key that differ."""

from collections.abc import Sequence
from dataclasses import dataclass

from tcv_action.triton.environment import Environment
from tcv_action.triton.key_differences import (
    Difference,
    environment_differences,
    input_differences,
)
from tcv_action.triton.key_inputs import KeyInputs, of_request
from tcv_action.triton.request import Request
from tcv_action.triton.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A request that missed, the entry that comes nearest, and what differs between the two.

    `verdict` says in one sentence what follows.
    """

    request: Request
    nearest: KeyInputs | None
    differences: tuple[Difference, ...]
    verdict: str


def explain(
    misses: Sequence[Request],
    entries: Sequence[KeyInputs],
    *,
    image: Environment | None = None,
    here: Environment | None = None,
) -> tuple[Explanation, ...]:
    """Name for each miss the nearest entry and the inputs of its key that differ.

    `image` and `here` are the environments of the warmup and of the replay; without both of them
    nothing is said of Triton's build, its tools and the environment variables.
    """
    return tuple(_explain(miss, entries, image, here) for miss in misses)


def to_text(explanation: Explanation) -> str:
    """Return the explanation as a person reads it in a log: a line an input."""
    request = explanation.request
    lines = [f"{request.name} ({request.target}) at {request.source}: {explanation.verdict}"]
    lines += [
        f"  {item.input}: {item.first or 'nothing'} in the image, {item.second or 'nothing'} here"
        for item in explanation.differences
    ]
    return "\n".join(lines)


def to_json(explanation: Explanation) -> dict[str, object]:
    """Return the explanation as `tcv verify --json` prints it."""
    nearest = explanation.nearest
    return {
        "kernel": explanation.request.name,
        "target": explanation.request.target,
        "source": explanation.request.source,
        "hash": explanation.request.hash,
        "nearest": nearest.hash if nearest else None,
        "verdict": explanation.verdict,
        "differences": [
            {"input": item.input, "image": item.first, "here": item.second}
            for item in explanation.differences
        ],
    }


def _explain(
    miss: Request,
    entries: Sequence[KeyInputs],
    image: Environment | None,
    here: Environment | None,
) -> Explanation:
    asked = of_request(miss)
    ranked = [
        (tuple(input_differences(entry, asked)), entry)
        for entry in entries
        if entry.name == miss.name
    ]
    if not ranked:
        return Explanation(request=miss, nearest=None, differences=(), verdict=_unknown(entries))
    differences, nearest = min(ranked, key=lambda pair: (_distance(pair[0]), pair[1].hash))
    if image and here:
        differences += tuple(environment_differences(image, here, Target.parse(miss.target)))
    verdict = _verdict(nearest, asked, differences, told=bool(image and here))
    return Explanation(request=miss, nearest=nearest, differences=differences, verdict=verdict)


def _distance(differences: Sequence[Difference]) -> tuple[bool, int]:
    return any(item.input == "target" for item in differences), len(differences)


def _unknown(entries: Sequence[KeyInputs]) -> str:
    names = ", ".join(sorted({entry.name for entry in entries})) or "nothing"
    return f"the warmup did not launch this kernel; the cache holds {names}"


def _verdict(
    nearest: KeyInputs, asked: KeyInputs, differences: Sequence[Difference], *, told: bool
) -> str:
    if nearest.hash == asked.hash:
        return "its entry is there and was not taken: a file of it is missing or broken"
    if differences:
        return f"inputs of the key that differ from the nearest entry's: {len(differences)}"
    unknown = [
        text
        for text, is_known in (
            ("the kernel's text or first line number", nearest.source_hash and asked.source_hash),
            ("a constant", nearest.constants is not None),
            ("Triton's build, a tool or an environment variable", told),
        )
        if not is_known
    ]
    rest = ", or ".join(unknown) or "an input that Triton does not report"
    return f"all that is known of the nearest entry agrees; what differs is {rest}"
