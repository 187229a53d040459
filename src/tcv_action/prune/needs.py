"""Which version needs which others, and in what order they can go."""

from collections.abc import Iterable, Mapping, Sequence

from tcv_action.prune.stored import Stored

Needs = Mapping[str, frozenset[str]]
"""By digest: the digests that it needs, of those that are there."""


def needs_of(versions: Sequence[Stored]) -> Needs:
    """Return what each version needs.

    An index needs what it joins; an image needs what refers to it, such as its attestations.
    """
    needs: dict[str, set[str]] = {one.digest: set() for one in versions}
    for one in versions:
        needs[one.digest] |= one.children & needs.keys()
        for subject in one.subjects & needs.keys():
            needs[subject].add(one.digest)
    return {digest: frozenset(needed - {digest}) for digest, needed in needs.items()}


def spread(start: Iterable[str], needs: Needs) -> dict[str, str]:
    """Return the digests and all that they need, each with the one that needs it.

    Those that it starts from have none: an empty text.
    """
    reached = dict.fromkeys(start, "")
    waiting = list(reached)
    while waiting:
        digest = waiting.pop()
        for needed in sorted(needs[digest] - reached.keys()):
            reached[needed] = digest
            waiting.append(needed)
    return reached


def ordered(digests: Iterable[str], needs: Needs) -> tuple[str, ...]:
    """Return the digests in an order in which each stands before all that it needs."""
    found: dict[str, None] = {}
    for digest in digests:
        _behind_its_needs(digest, needs, found, frozenset())
    return tuple(digest for digest in reversed(found) if digest in set(digests))


def _behind_its_needs(
    digest: str, needs: Needs, found: dict[str, None], above: frozenset[str]
) -> None:
    # Referrers can make a circle; it is cut anywhere.
    if digest in found or digest in above:
        return
    for needed in sorted(needs[digest]):
        _behind_its_needs(needed, needs, found, above | {digest})
    found[digest] = None
