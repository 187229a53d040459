"""What an image's config says of the cache in it, whichever tool wrote it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from tcv_action.errors import InputError
from tcv_action.frameworks.detect import Kind
from tcv_action.image import names
from tcv_action.image.names import Names
from tcv_action.image.options import Contract, Variant
from tcv_action.oci.config import parse_config
from tcv_action.oci.image import OciImage
from tcv_action.oci.media_types import CONTENT_LAYER
from tcv_action.strict_json import loads
from tcv_action.triton.environment import Environment, from_json
from tcv_action.triton.target import Target

_BACKENDS = {"rocm": "hip"}
_DECIMAL = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """The contract's labels, read; None where an image, of another tool say, does not tell.

    `kind` is whose cache it is, `generation` the tool whose labels they are. `metadata` has one object an entry.
    `architecture` is the config's, a GOARCH name.
    """

    kind: Kind = Kind.TRITON
    targets: tuple[Target, ...]
    entry_count: int
    cache_size_bytes: int | None
    generation: Contract
    variant: Variant
    architecture: str
    labels: Mapping[str, str]
    title: str | None
    triton_version: str | None
    triton_key: str | None
    python_abi: str | None
    host_arch: str | None
    path_style: str | None
    contents: str | None
    environment: Environment | None
    metadata: Sequence[Mapping[str, object]] | None


def read_contract(image: OciImage) -> ImageFacts:
    """Read what the image holds from its config alone.

    Raises InputError where a label of the contract is missing or cannot be read.
    """
    config = parse_config(image.config)
    labels = config.labels
    kind = _kind(labels)
    label = Names(kind).label
    summary = _json_object(labels, label(names.SUMMARY))
    record = labels.get(label(names.ENVIRONMENT))
    return ImageFacts(
        kind=kind,
        targets=_targets(summary),
        entry_count=_entry_count(labels, label(names.ENTRY_COUNT), summary),
        cache_size_bytes=_decimal(labels, label(names.CACHE_SIZE)),
        generation=Contract.TCV if "entry_count" in summary else Contract.MCV,
        variant=_variant(image),
        architecture=config.architecture,
        labels=labels,
        title=labels.get(names.TITLE),
        triton_version=labels.get(label(names.TRITON_VERSION)),
        triton_key=labels.get(label(names.TRITON_KEY)),
        python_abi=labels.get(label(names.PYTHON_ABI)),
        host_arch=labels.get(label(names.HOST_ARCH)),
        path_style=labels.get(label(names.PATH_STYLE)),
        contents=labels.get(label(names.CONTENTS)),
        environment=from_json(record) if record else None,
        metadata=_metadata(labels),
    )


def _kind(labels: Mapping[str, str]) -> Kind:
    """Tell whose cache it is by the summary that is there; the frameworks' win, as in mcv."""
    for kind in (Kind.VLLM, Kind.INDUCTOR, Kind.TRITON):
        if Names(kind).label(names.SUMMARY) in labels:
            return kind
    what = f"The image has no label {names.SUMMARY!r}."
    raise InputError(
        what,
        cause="It holds no Triton cache, or the tool that copied it dropped its labels.",
        next_step="Look at it with skopeo inspect, or build it again with tcv create.",
    )


def _json_object(labels: Mapping[str, str], name: str) -> Mapping[str, object]:
    document = _json(labels, name)
    if not isinstance(document, dict):
        _unreadable(labels, name)
    return document


def _targets(summary: Mapping[str, object]) -> tuple[Target, ...]:
    listed = summary.get("targets")
    if not isinstance(listed, list):
        _unreadable({names.SUMMARY: str(summary)}, names.SUMMARY)
    return tuple(sorted({_target(one) for one in listed}))


def _target(document: object) -> Target:
    match document:
        case {"backend": str(backend), "arch": str() | int() as arch, "warp_size": warp_size}:
            # vLLM's labels say sm_90 and rocm where Triton's say 90 and hip.
            plain = arch.removeprefix("sm_") if isinstance(arch, str) else arch
            target = Target.of_record(_BACKENDS.get(backend, backend), plain, warp_size)
        case _:
            target = None
    return target or _unreadable({names.SUMMARY: str(document)}, names.SUMMARY)


def _entry_count(labels: Mapping[str, str], name: str, summary: Mapping[str, object]) -> int:
    count = _decimal(labels, name)
    if count is not None:
        return count
    told = summary.get("entry_count")
    if isinstance(told, int):
        return told
    what = f"The image has no label {name!r}."
    raise InputError(
        what,
        cause="The tool that made or copied the image dropped it.",
        next_step="Build the image again with tcv create.",
    )


def _variant(image: OciImage) -> Variant:
    types = [layer.media_type for layer in image.layers]
    if CONTENT_LAYER in types and len(types) > 1:
        what = f"The image has a layer of the type {CONTENT_LAYER!r} and {len(types) - 1} more."
        raise InputError(
            what,
            cause="An image of the oci variant has that layer and no other.",
            next_step="Build the image again with tcv create.",
        )
    return Variant.OCI if types == [CONTENT_LAYER] else Variant.COMPAT


def _metadata(labels: Mapping[str, str]) -> Sequence[Mapping[str, object]] | None:
    if names.METADATA not in labels:
        return None
    records = _json(labels, names.METADATA)
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        _unreadable(labels, names.METADATA)
    return records


def _decimal(labels: Mapping[str, str], name: str) -> int | None:
    text = labels.get(name)
    if text is None:
        return None
    if not _DECIMAL.fullmatch(text):
        _unreadable(labels, name)
    return int(text)


def _json(labels: Mapping[str, str], name: str) -> object:
    try:
        return loads(labels[name])
    except ValueError:
        _unreadable(labels, name)


def _unreadable(labels: Mapping[str, str], name: str) -> NoReturn:
    what = f"The image's label {name!r} cannot be read: {labels[name][:80]!r}."
    raise InputError(
        what,
        cause="Another tool wrote it, or the image was damaged.",
        next_step="Build the image again with tcv create.",
    )
