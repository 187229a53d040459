"""What is known of one target while the work goes on: each stage adds what it made."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tcv_action.errors import TcvError
from tcv_action.frameworks.detect import AnyCache
from tcv_action.image import ImageFacts
from tcv_action.oci.image import OciImage
from tcv_action.report.result import Failure, TargetResult
from tcv_action.triton.failures import ScriptError
from tcv_action.triton.replay import Proof
from tcv_action.triton.target import Target
from tcv_action.triton.warmup import Warmup

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One target's way through the stages; `folder` is its private place for files.

    `cache_dir` is where the kernels are, `references` are the names that the image got,
    `restored` is the folder that it was restored to.
    """

    target: Target
    folder: Path
    cache_dir: Path
    warmup: Warmup | None = None
    cache: AnyCache | None = None
    image: OciImage | None = None
    facts: ImageFacts | None = None
    tags: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    restored: Path | None = None
    proof: Proof | None = None
    failure: Failure | None = None


def known(value: _T | None) -> _T:
    """Return what an earlier stage made; a stage out of order is a defect, not a failure."""
    if value is None:
        what = "a stage ran before the one that it builds on"
        raise AssertionError(what)
    return value


def failure_of(stage: str, error: TcvError) -> Failure:
    """Keep an error as a value of the report."""
    file, line = (error.file, error.line) if isinstance(error, ScriptError) else ("", 0)
    return Failure(
        stage=stage,
        what=error.what,
        cause=error.cause,
        next_step=error.next_step,
        exit_code=error.exit_code,
        file=file,
        line=line,
    )


def row(leg: Leg) -> TargetResult:
    """Return what the reports show of a leg, however far it came."""
    warmup, image, facts, proof = leg.warmup, leg.image, leg.facts, leg.proof
    return TargetResult(
        target=leg.target,
        tags=leg.tags,
        references=leg.references,
        digest=image.digest if image else None,
        labels=facts.labels if facts else {},
        entries=facts.entry_count if facts else len(leg.cache.entries) if leg.cache else None,
        cache_bytes=facts.cache_size_bytes if facts else None,
        image_bytes=sum(layer.size for layer in image.layers) + len(image.config)
        if image
        else None,
        mode=warmup.mode if warmup else None,
        requests=warmup.kernels if warmup else (),
        hits=proof.hits if proof else None,
        asked=proof.total if proof else None,
        cold_seconds=warmup.seconds if warmup else None,
        warm_seconds=proof.seconds if proof else None,
        compile_seconds=warmup.compile_seconds if warmup else None,
        missed=tuple(f"{miss.name} ({miss.source})" for miss in proof.misses) if proof else (),
        failure=leg.failure,
    )
