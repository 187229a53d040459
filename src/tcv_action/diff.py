"""What differs between two caches: entries, and the inputs of their keys."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tcv_action.triton.environment import Environment
from tcv_action.triton.key_differences import (
    ALIKE,
    Alike,
    Difference,
    environment_differences,
    grouped,
    input_differences,
)
from tcv_action.triton.key_inputs import KeyInputs
from tcv_action.triton.target import Target

_EACH_WITH_EACH = 40_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two: the keys of its entries, and where they were compiled, if that is known.

    `digests` maps an entry's hash to the digest of its binary.
    """

    entries: tuple[KeyInputs, ...]
    environment: Environment | None = None
    digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """An entry of the first cache, the one of the second that took its place, and why."""

    first: KeyInputs
    second: KeyInputs
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How the second cache differs from the first.

    `rebuilt` are entries of equal keys and other bytes; `environment` is None where a side does
    not tell its own.
    """

    same: int
    rebuilt: tuple[KeyInputs, ...]
    added: tuple[KeyInputs, ...]
    removed: tuple[KeyInputs, ...]
    changed: tuple[Changed, ...]
    environment: tuple[Difference, ...] | None

    @property
    def is_equal(self) -> bool:
        """Whether both hold the same entries, to the byte."""
        return not (self.rebuilt or self.added or self.removed or self.changed)


def diff(first: Side, second: Side) -> Comparison:
    """Compare two caches by the keys of their entries.

    Entries of one kernel that only one side has are paired, the nearest first: those are changed;
    what finds no partner was added or removed. Of a kernel with hundreds of entries on both sides
    those are paired that have most in common, and not always the nearest.
    """
    before = {entry.hash: entry for entry in first.entries}
    after = {entry.hash: entry for entry in second.entries}
    kept = sorted(before.keys() & after.keys())
    rebuilt = [hash_ for hash_ in kept if first.digests.get(hash_) != second.digests.get(hash_)]
    changed = tuple(
        _pairs(
            [before[hash_] for hash_ in sorted(before.keys() - after.keys())],
            [after[hash_] for hash_ in sorted(after.keys() - before.keys())],
        )
    )
    gone = before.keys() - after.keys() - {pair.first.hash for pair in changed}
    new = after.keys() - before.keys() - {pair.second.hash for pair in changed}
    return Comparison(
        same=len(kept) - len(rebuilt),
        rebuilt=_listed(before, rebuilt),
        added=_listed(after, new),
        removed=_listed(before, gone),
        changed=changed,
        environment=_environment(first, second),
    )


def to_json(comparison: Comparison) -> dict[str, object]:
    """Return the comparison as `tcv diff --json` prints it."""
    return {
        "equal": comparison.is_equal,
        "same": comparison.same,
        "rebuilt": [_entry(entry) for entry in comparison.rebuilt],
        "added": [_entry(entry) for entry in comparison.added],
        "removed": [_entry(entry) for entry in comparison.removed],
        "changed": [
            {
                "first": _entry(pair.first),
                "second": _entry(pair.second),
                "differences": _differences(pair.differences),
            }
            for pair in comparison.changed
        ],
        "environment": None
        if comparison.environment is None
        else _differences(comparison.environment),
    }


def to_text(comparison: Comparison) -> str:
    """Return the comparison as a person reads it."""
    lines = [
        (
            f"{comparison.same} entries are the same, {len(comparison.rebuilt)} rebuilt, "
            f"{len(comparison.changed)} changed, {len(comparison.added)} added, "
            f"{len(comparison.removed)} removed."
        )
    ]
    lines += [_named("rebuilt", entry) for entry in comparison.rebuilt]
    for pair in comparison.changed:
        lines.append(f"{_named('changed', pair.first)} → {_named('', pair.second)}")
        lines += [f"  {_line(item)}" for item in pair.differences]
        if not pair.differences:
            lines.append("  nothing that is known differs: the kernel's text or the environment")
    lines += [_named("added  ", entry) for entry in comparison.added]
    lines += [_named("removed", entry) for entry in comparison.removed]
    if comparison.environment is None:
        lines.append("environment: not recorded on both sides")
    else:
        lines += [f"environment: {_line(item)}" for item in comparison.environment]
    return "\n".join(lines)


def _pairs(before: Sequence[KeyInputs], after: Sequence[KeyInputs]) -> Iterator[Changed]:
    others = grouped(after, lambda _: None)
    for kernel, ones in grouped(before, lambda _: None).items():
        yield from _partners(ones, others.get(kernel, []), ALIKE)


def _partners(
    ones: Sequence[KeyInputs], others: Sequence[KeyInputs], alike: Sequence[Alike]
) -> Iterator[Changed]:
    """Pair entries of one kernel: each with each where they are few, else those that are alike."""
    if len(ones) * len(others) <= _EACH_WITH_EACH:
        yield from _nearest(ones, others)
        return
    if not alike:
        yield from map(_changed, ones, others)
        return
    paired: set[str] = set()
    groups = grouped(others, alike[0])
    for value, some in grouped(ones, alike[0]).items():
        for pair in _partners(some, groups.get(value, []), ()):
            paired |= {pair.first.hash, pair.second.hash}
            yield pair
    yield from _partners(
        [one for one in ones if one.hash not in paired],
        [other for other in others if other.hash not in paired],
        alike[1:],
    )


def _nearest(ones: Sequence[KeyInputs], others: Sequence[KeyInputs]) -> Iterator[Changed]:
    candidates = [_changed(one, other) for one in ones for other in others]
    taken: set[str] = set()
    for pair in sorted(
        candidates, key=lambda pair: (len(pair.differences), pair.first.hash, pair.second.hash)
    ):
        if not taken & {pair.first.hash, pair.second.hash}:
            taken |= {pair.first.hash, pair.second.hash}
            yield pair


def _changed(one: KeyInputs, other: KeyInputs) -> Changed:
    return Changed(first=one, second=other, differences=tuple(input_differences(one, other)))


def _environment(first: Side, second: Side) -> tuple[Difference, ...] | None:
    if first.environment is None or second.environment is None:
        return None
    targets = {entry.target for entry in (*first.entries, *second.entries)}
    found = [
        item
        for target in sorted(targets)
        for item in environment_differences(
            first.environment, second.environment, Target.parse(target)
        )
    ]
    return tuple(dict.fromkeys(found))


def _listed(entries: Mapping[str, KeyInputs], hashes: Iterable[str]) -> tuple[KeyInputs, ...]:
    chosen = [entries[hash_] for hash_ in hashes]
    return tuple(sorted(chosen, key=lambda entry: (entry.name, entry.target, entry.hash)))


def _entry(entry: KeyInputs) -> dict[str, object]:
    return {
        "kernel": entry.name,
        "target": entry.target,
        "hash": entry.hash,
        "source": entry.source,
    }


def _differences(differences: Sequence[Difference]) -> list[dict[str, object]]:
    return [
        {"input": item.input, "first": item.first, "second": item.second} for item in differences
    ]


def _named(what: str, entry: KeyInputs) -> str:
    place = f", {entry.source}" if entry.source else ""
    return f"{what} {entry.name} ({entry.target}{place}) {entry.hash[:12]}".strip()


def _line(item: Difference) -> str:
    return f"{item.input}: {item.first or 'nothing'} → {item.second or 'nothing'}"
