"""The results of a matrix's legs, and images without results, joined to one index and result."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tcv_action.errors import InputError, TcvError
from tcv_action.image import read_contract
from tcv_action.leg import failure_of
from tcv_action.merge import merge
from tcv_action.oci.image import OciImage
from tcv_action.oci.media_types import DOCKER_MANIFEST, MediaTypes
from tcv_action.oci.reference import Reference
from tcv_action.report.result import Failure, RunResult, TargetResult
from tcv_action.stores.access import RegistryAccess
from tcv_action.stores.select import open_store
from tcv_action.triton.target import Target

_LOST = Failure(
    stage="hand on a result",
    what="The leg of this target left no result.",
    cause="Its job ended before the work began, or its result was not handed on.",
    next_step="Look at that job's log.",
    exit_code=1,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Where the index goes, which targets must be there, and whether some may have failed."""

    reference: Reference
    tags: tuple[str, ...]
    targets: tuple[Target, ...]
    allow_failed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One image that is merged, and the row that the reports show of it."""

    row: TargetResult
    image: OciImage


def join(
    legs: Sequence[RunResult], names: Sequence[str], order: Order, access: RegistryAccess
) -> RunResult:
    """Join what the legs made; what failed, here or there, is part of the result."""
    rows = tuple(row for leg in legs for row in leg.targets)
    result = RunResult(
        image=_bare(order.reference),
        is_joined=True,
        dry_run=any(leg.dry_run for leg in legs),
        targets=rows,
        failure=next((leg.failure for leg in legs if leg.failure), None),
    )
    try:
        parts = [] if result.dry_run else _parts(result.done, names, access)
        done = tuple(part.row for part in parts) if parts else result.done
        failed = tuple(row for row in rows if row.failure)
        missing = _missing(order.targets, (*done, *failed))
        result = replace(result, targets=(*done, *failed, *missing))
        if result.dry_run or not parts or not (result.succeeded or order.allow_failed):
            return result
        return _with_index(result, [part.image for part in parts], order, access)
    except TcvError as error:
        return replace(result, failure=failure_of("join the images", error))


def _with_index(
    result: RunResult, images: Sequence[OciImage], order: Order, access: RegistryAccess
) -> RunResult:
    index = merge(images, _media_types(images))
    store = open_store(order.reference, access)
    for tag in order.tags:
        store.write_index(index, images, order.reference.with_tag(tag))
    return replace(result, index_tags=order.tags, index_digest=index.digest)


def _missing(wanted: Sequence[Target], rows: Sequence[TargetResult]) -> tuple[TargetResult, ...]:
    """Say of each target that must be there, and is not, that its leg left nothing."""
    there = {row.target for row in rows}
    return tuple(
        TargetResult(target=target, failure=_LOST) for target in wanted if target not in there
    )


def _bare(reference: Reference) -> str:
    return reference.name or f"{reference.transport.prefix}{reference.path}"


def _parts(
    rows: Sequence[TargetResult], names: Sequence[str], access: RegistryAccess
) -> list[_Part]:
    parts = [_Part(row=row, image=_read(_reference_of(row), access)) for row in rows]
    for name in names:
        reference = Reference.parse(name)
        image = _read(reference, access)
        parts.append(_Part(row=_row(reference, image), image=image))
    return parts


def _reference_of(row: TargetResult) -> Reference:
    if not row.references or not row.digest:
        what = f"The result for {str(row.target)!r} names no image."
        raise InputError(
            what,
            cause="Its run pushed nothing.",
            next_step="Run that leg again without --dry-run.",
        )
    return Reference.parse(row.references[0]).with_digest(row.digest)


def _read(reference: Reference, access: RegistryAccess) -> OciImage:
    return open_store(reference, access).read(reference)


def _media_types(images: Sequence[OciImage]) -> MediaTypes:
    docker = bool(images) and all(one.descriptor.media_type == DOCKER_MANIFEST for one in images)
    return MediaTypes.DOCKER if docker else MediaTypes.OCI


def _row(reference: Reference, image: OciImage) -> TargetResult:
    """Say of an image that came without a result what its labels tell."""
    facts = read_contract(image)
    if not facts.targets:
        what = f"The image {str(reference)!r} names no target."
        raise InputError(
            what,
            cause="The tool that made it did not know its GPU.",
            next_step="Build the image again with tcv create --target.",
        )
    return TargetResult(
        target=facts.targets[0],
        tags=(reference.tag,) if reference.tag else (),
        references=(str(reference),),
        digest=image.digest,
        labels=facts.labels,
        entries=facts.entry_count,
        cache_bytes=facts.cache_size_bytes,
        image_bytes=sum(layer.size for layer in image.layers) + len(image.config),
    )
