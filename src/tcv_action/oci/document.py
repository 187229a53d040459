"""JSON documents of the OCI: exact bytes out, bounded and checked values in."""

import json
from collections.abc import Mapping
from typing import NoReturn

from tcv_action.errors import InputError
from tcv_action.oci.descriptor import Descriptor
from tcv_action.oci.digest import is_digest
from tcv_action.strict_json import loads

MANIFEST_LIMIT = 4 << 20
CONFIG_LIMIT = 8 << 20


def dump(document: Mapping[str, object]) -> bytes:
    """Return the one byte form of a document: compact, UTF-8, keys in the order given."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def load(data: bytes, kind: str) -> dict[str, object]:
    """Parse a document; `kind` is what a message calls it.

    Raises InputError where it is no JSON object.
    """
    try:
        document = loads(data)
    except ValueError as error:
        refuse(kind, f"it is no JSON: {error}")
    if not isinstance(document, dict):
        refuse(kind, "it is no JSON object")
    return document


def refuse(kind: str, why: str) -> NoReturn:
    """Raise InputError for a document that breaks the specification."""
    what = f"the image's {kind} cannot be read: {why}"
    raise InputError(
        what,
        cause="It was damaged, or written by a tool that does not keep to the specification.",
        next_step="Build and push the image again.",
    )


def descriptor_document(descriptor: Descriptor) -> dict[str, object]:
    """Return the descriptor as it stands in manifests and indexes."""
    document: dict[str, object] = {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
    }
    if descriptor.annotations:
        document["annotations"] = dict(sorted(descriptor.annotations.items()))
    return document


def parse_descriptor(value: object, kind: str) -> Descriptor:
    """Read a descriptor out of a document; `kind` is the document's name in messages.

    Raises InputError where a field is missing, or is not what the specification says.
    """
    if not isinstance(value, dict):
        refuse(kind, f"a descriptor is {value!r}")
    media_type, digest, size = (value.get(key) for key in ("mediaType", "digest", "size"))
    if not isinstance(media_type, str):
        refuse(kind, f"a descriptor has the media type {media_type!r}")
    if not isinstance(digest, str) or not is_digest(digest):
        refuse(kind, f"a descriptor has the digest {digest!r}")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        refuse(kind, f"a descriptor has the size {size!r}")
    return Descriptor(
        media_type=media_type,
        digest=digest,
        size=size,
        annotations=parse_strings(value.get("annotations"), kind, "annotations"),
    )


def parse_list(value: object, kind: str, field: str) -> list[object]:
    """Read an array that may be missing or null; raises InputError for anything else."""
    if value is None:
        return []
    if not isinstance(value, list):
        refuse(kind, f"{field!r} is not a list")
    return value


def parse_object(value: object, kind: str, field: str) -> dict[str, object]:
    """Read an object that may be missing or null; raises InputError for anything else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        refuse(kind, f"{field!r} is not an object")
    return value


def parse_strings(value: object, kind: str, field: str) -> dict[str, str]:
    """Read an object of strings that may be missing; raises InputError for anything else."""
    strings = {}
    for key, text in parse_object(value, kind, field).items():
        if not isinstance(text, str):
            refuse(kind, f"{field!r} has a value that is no string: {text!r}")
        strings[key] = text
    return strings
