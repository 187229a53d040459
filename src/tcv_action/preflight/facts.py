"""What is compared: what an image's labels say, and what this machine is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from tcv_action.errors import InputError
from tcv_action.gpus.gpu import Inventory
from tcv_action.triton.environment import Environment, from_json
from tcv_action.triton.target import Target

PREFIX = "cache.triton.image/"

_LABELS = {
    "triton_version": "triton-version",
    "triton_key": "triton-key",
    "python_abi": "python-abi",
    "host_arch": "host-arch",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """What an image tells without its layer.

    `python_abi` and `host_arch` are those of its host libraries (helper entries), None where it
    has none and no record. `environment` is None in images of other tools.
    """

    targets: tuple[Target, ...]
    environment: Environment | None = None
    triton_version: str | None = None
    triton_key: str | None = None
    python_abi: str | None = None
    host_arch: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where the image would be used: its GPUs, and the interpreter that would load it.

    `environment` is None where there is none, and `why_unknown` says why, in one sentence.
    """

    inventory: Inventory
    environment: Environment | None = None
    why_unknown: str = "no interpreter was asked"


def facts_from_labels(labels: Mapping[str, str]) -> ImageFacts:
    """Read the labels of an image's config; what a label of its own says wins over the record.

    Raises InputError where the summary label is missing or unreadable: no Triton cache then.
    """
    record = labels.get(PREFIX + "environment")
    environment = from_json(record) if record else None
    told = {
        field: labels.get(PREFIX + label) or getattr(environment, field, None)
        for field, label in _LABELS.items()
    }
    return ImageFacts(
        targets=_targets(labels.get(PREFIX + "summary", "")), environment=environment, **told
    )


def _targets(summary: str) -> tuple[Target, ...]:
    try:
        return tuple(
            Target(str(target["backend"]), str(target["arch"]), int(target["warp_size"]))
            for target in json.loads(summary)["targets"]
        )
    except (ValueError, KeyError, TypeError) as error:
        what = f"The label {PREFIX + 'summary'!r} holds {summary[:80]!r}: no targets can be read."
        raise InputError(
            what,
            cause="The image holds no Triton cache, or a damaged one.",
            next_step="Look at it with: tcv inspect IMAGE",
        ) from error
