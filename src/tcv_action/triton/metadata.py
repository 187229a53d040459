"""The metadata JSON that Triton writes beside each kernel."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from tcv_action.errors import InputError
from tcv_action.strict_json import loads
from tcv_action.triton.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelOptions:
    """What images record of a kernel's metadata, as Triton wrote it; None where it wrote nothing.

    The rest, some 30 fields, stays on the disk: a cache may hold many thousand entries.
    """

    num_warps: object
    num_stages: object
    debug: object
    ptx_version: object
    triton_version: object

    @classmethod
    def of(cls, metadata: Mapping[str, object]) -> Self:
        """Take them from metadata, or from what an image records of an entry."""
        return cls(
            num_warps=metadata.get("num_warps"),
            num_stages=metadata.get("num_stages"),
            debug=metadata.get("debug"),
            ptx_version=metadata.get("ptx_version"),
            triton_version=metadata.get("triton_version"),
        )


def parse_metadata(content: bytes, where: str) -> Mapping[str, object]:
    """Read one metadata file; `where` names it in errors.

    Raises InputError where it is no JSON object or has no `hash`.
    """
    try:
        metadata = loads(content)
    except ValueError as error:
        raise _unusable(where, "is not JSON", f"The parser says: {error}.") from error
    if not isinstance(metadata, dict):
        raise _unusable(where, "is not a JSON object", "Triton writes an object with a hash.")
    if not isinstance(metadata.get("hash"), str) or not metadata["hash"]:
        raise _unusable(where, "has no 'hash'", "Triton writes one for every kernel.")
    return metadata


def target_of(metadata: Mapping[str, object], where: str) -> Target:
    """Read the target that a kernel was compiled for.

    Triton 3 writes an object (`backend`, `arch` as integer or text, `warp_size`); before, it was
    the list `[backend, arch]`, with the warp size beside it.

    Raises InputError where there is none.
    """
    match metadata.get("target"):
        case {"backend": str(backend), "arch": int() | str() as arch, **rest}:
            warp_size = rest.get("warp_size")
        case [str(backend), int() | str() as arch, *more]:
            warp_size = more[0] if more else metadata.get("warp_size")
        case str(text):
            return Target.parse(text)
        case _:
            raise _unusable(where, "has no 'target'", "Triton writes one for every kernel.")
    target = Target.of_record(backend, arch, 32 if warp_size is None else warp_size)
    if target is None:
        raise _unusable(where, f"has the target {backend!r}, {arch!r}", "No GPU is called that.")
    return Target.parse(f"{backend}:{target.arch}") if warp_size is None else target


def _unusable(where: str, flaw: str, cause: str) -> InputError:
    return InputError(
        f"The metadata file {where!r} {flaw}.",
        cause=cause,
        next_step="Remove that entry's folder, or fill the cache again.",
    )
