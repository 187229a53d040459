"""A compilation request: what a launch asked Triton for, and whether the cache had it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from tcv_action.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request to Triton's compiler, as Triton itself reported it.

    `hash` names the entry (the metadata's `hash`). `signature` maps each argument to its type,
    `constants` and `attributes` are the specialization, as JSON-ready values (infinity and NaN as
    strings: JSON has no numbers for them). `seconds` holds the stage times of a compilation (empty
    for a hit). `source` is `FILE:LINE` of the kernel. `source_hash` is Triton's own digest of the
    kernel's text, of the functions that it calls and of its first line number; empty where that
    Triton does not tell.
    """

    name: str
    hash: str
    hit: bool
    target: str
    source: str
    signature: Mapping[str, str]
    constants: Mapping[str, object]
    attributes: Mapping[str, object]
    options: Mapping[str, object]
    seconds: Mapping[str, float]
    source_hash: str = ""


def to_records(requests: Sequence[Request]) -> list[dict[str, object]]:
    """Return what an image's manifest.json carries under `requests`: one object an entry.

    Times, hits and the folder of the source file are left out, so that the same warmup gives the
    same bytes and no build path leaves the machine; requests of one entry are written once.
    """
    unique = {request.hash: request for request in requests}
    return [_to_record(unique[hash_]) for hash_ in sorted(unique)]


def from_records(records: object) -> tuple[Request, ...]:
    """Read what `to_records` wrote, as misses without times.

    Raises InputError where it is no such list.
    """
    try:
        if not isinstance(records, list):
            message = f"it is a {type(records).__name__}, not a list"
            raise TypeError(message)
        return tuple(_from_record(record) for record in records)
    except (KeyError, TypeError, AttributeError) as error:
        what = f"The requests that the image records cannot be read: {error}."
        raise InputError(
            what,
            cause="Another program wrote the manifest.json, or the image was damaged.",
            next_step="Build the image again.",
        ) from error


def _to_record(request: Request) -> dict[str, object]:
    record = asdict(request)
    del record["hit"], record["seconds"]
    file, _, line = request.source.rpartition(":")
    record["source"] = f"{file.rpartition('/')[2]}:{line}" if file else request.source
    return record


def _from_record(record: Mapping[str, object]) -> Request:
    return Request(
        name=_text(record["name"]),
        hash=_text(record["hash"]),
        hit=False,
        target=_text(record["target"]),
        source=_text(record["source"]),
        signature={name: _text(type_) for name, type_ in _mapping(record["signature"]).items()},
        constants=_mapping(record["constants"]),
        attributes=_mapping(record["attributes"]),
        options=_mapping(record["options"]),
        seconds={},
        source_hash=_text(record.get("source_hash", "")),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        message = f"{value!r} is not a string"
        raise TypeError(message)
    return value


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        message = f"{value!r} is not an object"
        raise TypeError(message)
    return value
