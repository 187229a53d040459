"""What a replay must show for a cache to count as proved."""

from collections.abc import Sequence
from textwrap import indent

from tcv_action.errors import NothingToPackageError, NotProvedError
from tcv_action.triton.cache import Cache
from tcv_action.triton.explain import Explanation, to_text
from tcv_action.triton.replay import Proof

_NAMED = 20


def require_hits(
    proof: Proof, explanations: Sequence[Explanation] = (), *, percent: float = 100.0
) -> None:
    """Let a proof pass of whose requests that many percent hit.

    Raises NotProvedError that names the kernels that were compiled again, with the explanations
    where there are some.
    """
    if 100.0 * proof.hits >= percent * proof.total:
        return
    named = [to_text(one) for one in explanations] or [
        f"{miss.name} ({miss.source})" for miss in proof.misses
    ]
    more = len(named) - _NAMED
    listed = indent("\n".join(named[:_NAMED] + ([f"and {more} more"] if more > 0 else [])), "  ")
    what = (
        f"{proof.hits} of {proof.total} requests for {str(proof.target)!r} hit; missed:\n{listed}"
    )
    cause, next_step = _why(proof)
    raise NotProvedError(what, cause=cause, next_step=next_step)


def _why(proof: Proof) -> tuple[str, str]:
    """Return the cause of a proof's misses, and what to do about it."""
    if proof.always_compiles:
        cause = "TRITON_ALWAYS_COMPILE is set: Triton compiles, whatever its cache holds."
        return cause, "Unset it and replay again."
    if any(miss.hash in proof.misplaced for miss in proof.misses):
        cause = "The cache was moved or copied: its group files name files of another folder."
        return cause, "Run `tcv relocate` on this folder, then replay again."
    cause = "The cache was made by another Triton, from other sources, or in another environment."
    return cause, "Warm up with the very interpreter, script and variables that replay it."


def require_entries(cache: Cache, count: int) -> None:
    """Let a cache pass that holds at least that many kernels.

    Raises NothingToPackageError that names what there is.
    """
    if len(cache.entries) >= count:
        return
    names = ", ".join(sorted({entry.name for entry in cache.entries}))
    held = f"{len(cache.entries)} kernel{'s' if len(cache.entries) != 1 else ''}"
    what = f"The cache holds {held}, and at least {count} are asked for."
    raise NothingToPackageError(
        what,
        cause=f"The script launched fewer specializations than before. It holds: {names}.",
        next_step="Look for launches that the script skips, or lower --min-entries.",
    )
