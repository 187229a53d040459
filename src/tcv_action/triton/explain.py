"""Why a request missed: the nearest entry, and the inputs of the key that differ."""

from collections.abc import Sequence
from dataclasses import dataclass

from tcv_action.triton.environment import Environment
from tcv_action.triton.key_differences import (
    ALIKE,
    Difference,
    environment_differences,
    group_of,
    grouped,
    input_differences,
)
from tcv_action.triton.key_inputs import KeyInputs, of_request
from tcv_action.triton.replay import Proof
from tcv_action.triton.request import Request
from tcv_action.triton.target import Target

_MANY = 200


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
    proof: Proof,
    entries: Sequence[KeyInputs],
    *,
    image: Environment | None = None,
) -> tuple[Explanation, ...]:
    """Name for each miss of a replay the nearest entry and the inputs of its key that differ.

    `image` is the environment of the warmup; without it, or the replay's, nothing is said of
    Triton's build, its tools and the environment variables. Of an entry that was asked for by its
    very key it is said why it was not taken.
    """
    candidates, here = _Candidates(entries), proof.environment
    return tuple(
        _untaken(miss, candidates.by_hash[miss.hash], proof)
        if miss.hash in candidates.by_hash
        else _explain(miss, candidates, image, here)
        for miss in proof.misses
    )


class _Candidates:
    """The entries that a miss is compared with: those of its kernel, of very many the alike."""

    def __init__(self, entries: Sequence[KeyInputs]) -> None:
        self.names = sorted({entry.name for entry in entries})
        self.by_hash = {entry.hash: entry for entry in entries}
        self._by_name: dict[str, list[KeyInputs]] = {}
        for entry in entries:
            self._by_name.setdefault(entry.name, []).append(entry)
        many = [one for ones in self._by_name.values() if len(ones) > _MANY for one in ones]
        self._groups = [(alike, grouped(many, alike)) for alike in ALIKE]

    def of(self, asked: KeyInputs) -> Sequence[KeyInputs]:
        """Return the entries of the kernel of that name."""
        found = self._by_name.get(asked.name, [])
        if len(found) <= _MANY:
            return found
        for alike, groups in self._groups:
            if group_of(asked, alike) in groups:
                return groups[group_of(asked, alike)][:_MANY]
        return found[:_MANY]


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


def _untaken(miss: Request, entry: KeyInputs, proof: Proof) -> Explanation:
    why = "a file of it is missing or broken"
    if miss.hash in proof.misplaced:
        why = "its group file names files of another folder, which `tcv relocate` mends"
    if proof.always_compiles:
        why = "TRITON_ALWAYS_COMPILE is set"
    verdict = f"its entry is there and was not taken: {why}"
    return Explanation(request=miss, nearest=entry, differences=(), verdict=verdict)


def _explain(
    miss: Request,
    candidates: _Candidates,
    image: Environment | None,
    here: Environment | None,
) -> Explanation:
    asked = of_request(miss)
    ranked = [(tuple(input_differences(entry, asked)), entry) for entry in candidates.of(asked)]
    if not ranked:
        verdict = _unknown(candidates.names)
        return Explanation(request=miss, nearest=None, differences=(), verdict=verdict)
    differences, nearest = min(ranked, key=lambda pair: (_distance(pair[0]), pair[1].hash))
    if image and here:
        differences += tuple(environment_differences(image, here, Target.parse(miss.target)))
    verdict = _verdict(nearest, asked, differences, told=bool(image and here))
    return Explanation(request=miss, nearest=nearest, differences=differences, verdict=verdict)


def _distance(differences: Sequence[Difference]) -> tuple[bool, int]:
    return any(item.input == "target" for item in differences), len(differences)


def _unknown(names: Sequence[str]) -> str:
    held = ", ".join(names) or "nothing"
    return f"the warmup did not launch this kernel; the cache holds {held}"


def _verdict(
    nearest: KeyInputs, asked: KeyInputs, differences: Sequence[Difference], *, told: bool
) -> str:
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
