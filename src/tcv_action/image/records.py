"""What manifest.json, and the `metadata` label, say of each entry."""

import json
from collections.abc import Mapping, Sequence

from tcv_action.errors import InputError
from tcv_action.frameworks.detect import Kind
from tcv_action.image.options import Contract
from tcv_action.strict_json import loads
from tcv_action.triton.cache import Entry
from tcv_action.triton.dummy_key import DummyKeys
from tcv_action.triton.environment import Environment, to_json
from tcv_action.triton.request import Request, from_records, to_records

Record = Mapping[str, object]

_MANIFEST_ORDER = (
    "hash", "dummy_key", "ptx_version", "num_stages", "num_warps", "debug", "backend", "arch",
    "warp_size",
)  # fmt: skip
_LABEL_ORDER = (
    "hash", "backend", "arch", "warp_size", "dummy_key", "ptx_version", "num_stages", "num_warps",
    "debug",
)  # fmt: skip


def entry_records(entries: Sequence[Entry], keys: DummyKeys) -> list[Record]:
    """Describe each entry as manifest.json does, fields in the order of the newest mcv."""
    return [_record(entry, keys.of_entry(entry)) for entry in entries]


def manifest_json(
    records: Sequence[Record],
    contract: Contract,
    environment: Environment | None,
    requests: Sequence[Request],
) -> bytes:
    """Write manifest.json; the older contract has a bare array, without room for more."""
    if contract is Contract.TCV:
        return compact(records).encode()
    document: dict[str, object] = {"triton": records}
    if environment is not None:
        document["environment"] = json.loads(to_json(environment))
    if requests:
        document["requests"] = to_records(requests)
    return compact(document).encode()


def metadata_label(records: Sequence[Record]) -> str:
    """Write the `metadata` label: the same facts in the order of the first generation."""
    return compact(
        [{name: record[name] for name in _LABEL_ORDER if name in record} for record in records]
    )


def parse_manifest_json(content: bytes) -> list[Record]:
    """Read the entries of a manifest.json, whichever generation wrote it.

    Raises InputError where it is neither form.
    """
    document = _load(content)
    return _records(document.get("triton") if isinstance(document, dict) else document)


def parse_framework_manifest(content: bytes, kind: Kind) -> list[Record]:
    """Read the manifest.json of a framework's cache: its models, or the Triton entries inside.

    Raises InputError where it is none.
    """
    document = _load(content)
    held = document if isinstance(document, dict) and str(kind) in document else {}
    return _records(held.get("vllm" if kind is Kind.VLLM else "triton"))


def recorded_requests(content: bytes) -> tuple[Request, ...]:
    """Read what a manifest.json says of the requests behind the entries; many say nothing.

    Raises InputError where that cannot be read.
    """
    document = _load(content)
    records = document.get("requests", []) if isinstance(document, dict) else []
    return from_records(records)


def _load(content: bytes) -> object:
    try:
        # A constant of a kernel that is asked for may be infinite.
        return loads(content, finite=False)
    except ValueError:
        return None


def _records(records: object) -> list[Record]:
    if isinstance(records, list) and all(isinstance(record, dict) for record in records):
        return records
    what = "The manifest.json of the image cannot be read."
    raise InputError(
        what,
        cause="It has no list of what the cache holds, in neither form that tools write.",
        next_step="Build the image again.",
    )


def compact(value: object) -> str:
    """Write JSON without blanks, in UTF-8, keys in the order given.

    Raises InputError where a number is infinite or none: Python would write what is no JSON.
    """
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        what = f"What the cache's metadata says cannot be written as JSON: {error}."
        raise InputError(
            what,
            cause="A number there is infinite, or none: this was made by hand, or to harm.",
            next_step="Remove that entry's folder, or fill the cache again.",
        ) from error


def _record(entry: Entry, dummy_key: str) -> Record:
    options = entry.options
    fields = {
        "hash": entry.hash,
        "dummy_key": dummy_key,
        "ptx_version": options.ptx_version or None,
        "num_stages": options.num_stages,
        "num_warps": options.num_warps,
        "debug": options.debug or None,
        "backend": entry.target.backend,
        "arch": entry.target.arch,
        "warp_size": entry.target.warp_size,
    }
    return {name: fields[name] for name in _MANIFEST_ORDER if fields[name] is not None}
