"""A compilation request: what a launch asked Triton for, and whether the cache had it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request to Triton's compiler, as Triton itself reported it.

    `hash` names the entry (the metadata's `hash`). `signature` maps each argument to its type,
    `constants` and `attributes` are the specialization, as JSON-ready values. `seconds` holds the
    stage times of a compilation (empty for a hit). `source` is `FILE:LINE` of the kernel.
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
