"""What a replay must show for a cache to count as proved."""

from collections.abc import Sequence
from textwrap import indent

from tcv_action.errors import NotProvedError
from tcv_action.triton.explain import Explanation, to_text
from tcv_action.triton.replay import Proof

_NAMED = 20


def require_all_hits(proof: Proof, explanations: Sequence[Explanation] = ()) -> None:
    """Let a proof pass whose every request hit.

    Raises NotProvedError that names the kernels that were compiled again, with the explanations
    where there are some.
    """
    if not proof.misses:
        return
    named = [to_text(one) for one in explanations] or [
        f"{miss.name} ({miss.source})" for miss in proof.misses
    ]
    more = len(named) - _NAMED
    listed = indent("\n".join(named[:_NAMED] + ([f"and {more} more"] if more > 0 else [])), "  ")
    what = (
        f"{proof.hits} of {proof.total} requests for {str(proof.target)!r} hit; missed:\n{listed}"
    )
    raise NotProvedError(
        what,
        cause="The cache was made by another Triton, from other sources, or in another environment.",
        next_step="Warm up with the very interpreter, script and variables that replay it.",
    )
