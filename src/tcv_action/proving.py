"""What a replay must show for a cache to count as proved."""

from tcv_action.errors import NotProvedError
from tcv_action.triton.replay import Proof

_NAMED = 20


def require_all_hits(proof: Proof) -> None:
    """Let a proof pass whose every request hit.

    Raises NotProvedError that names the kernels that were compiled again.
    """
    if not proof.misses:
        return
    named = [f"  {miss.name} ({miss.source})" for miss in proof.misses[:_NAMED]]
    more = len(proof.misses) - len(named)
    listed = "\n".join(named + ([f"  and {more} more"] if more else []))
    what = (
        f"{proof.hits} of {proof.total} requests for {str(proof.target)!r} hit; missed:\n{listed}"
    )
    raise NotProvedError(
        what,
        cause="The cache was made by another Triton, from other sources, or in another environment.",
        next_step="Warm up with the very interpreter, script and variables that replay it.",
    )
