"""`tcv merge`: the images of a matrix become one index."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from tcv_action.commands import options
from tcv_action.commands.asking import comment_on_pull_request
from tcv_action.commands.edge import Edge, log_level
from tcv_action.commands.results import deliver
from tcv_action.errors import InputError, TcvError
from tcv_action.image import read_contract
from tcv_action.leg import failure_of
from tcv_action.merge import merge
from tcv_action.oci.disk import disk_trouble
from tcv_action.oci.image import OciImage
from tcv_action.oci.media_types import DOCKER_MANIFEST, MediaTypes
from tcv_action.oci.reference import DEFAULT_TAG, Reference
from tcv_action.report.reading import read_result
from tcv_action.report.result import Failure, RunResult, TargetResult
from tcv_action.stores.access import RegistryAccess
from tcv_action.stores.select import open_store
from tcv_action.tags import fields_from_environment, index_tags
from tcv_action.triton.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
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


@click.command
@click.argument("sources", nargs=-1, metavar="IMAGE|RESULT...")
@click.option("--image", "-i", required=True, metavar="INDEX", help="Reference of the index.")
@click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="TEMPLATE",
    help="Tag template of the index, as of its legs; may be repeated.  [default: INDEX's tag]",
)
@click.option(
    "--target",
    "-t",
    "targets",
    multiple=True,
    metavar="TARGET",
    help="Target that must be among the sources; one that is not counts as failed.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("tcv-out"),
    show_default=True,
    metavar="DIR",
    help="Folder for the combined summary.md and outputs.json.",
)
@click.option(
    "--allow-failed",
    is_flag=True,
    help="Join what succeeded, though a leg failed; the summary shows it all the same.",
)
@click.option("--comment", is_flag=True, help="Keep a comment with the result on the pull request.")
@options.registry
@options.as_json
@log_level
@click.pass_context
def command(
    context: click.Context,
    sources: tuple[str, ...],
    image: str,
    tags: tuple[str, ...],
    targets: tuple[str, ...],
    output: Path,
    access: RegistryAccess,
    *,
    allow_failed: bool,
    comment: bool,
    as_json: bool,
) -> None:
    """Join the images of a matrix to one OCI index, one result and one summary.

    A source is an image's reference, or the result of a run: its outputs.json, or the folder that
    holds it. Two images for one target, or of different commits, are refused. Results of dry runs
    have no images: they make a summary and no index.

    \b
    Examples:
      tcv merge -i ghcr.io/me/kernels:v1 legs/cuda-90 legs/hip-gfx942
      tcv merge -i oci:all:v1 oci:a:v1-cuda-sm90 oci:b:v1-hip-gfx942
    """
    edge = context.ensure_object(Edge)
    if not sources and not targets:
        what = "There is nothing to merge."
        raise InputError(what, next_step="Name images, or the folders of results.")
    reference = _with_tag(Reference.parse(image))
    order = _Order(
        reference=reference,
        tags=_index_tags(tags, reference, edge),
        targets=options.parse_targets(targets),
        allow_failed=allow_failed,
    )
    legs, names = _sorted_out(sources)
    # A password that is given is for the registry of the index, and is shown to no other.
    result = _merged(legs, names, order, replace(access, domain=reference.domain or None))
    code = deliver(result, output, edge, as_json=as_json)
    _hand_on_digests(result, edge)
    if comment:
        comment_on_pull_request(result, edge, targets)
    enough = result.index_digest or (result.dry_run and _succeeded(result.targets))
    context.exit(0 if allow_failed and enough else code)


def _merged(
    legs: Sequence[RunResult], names: Sequence[str], order: _Order, access: RegistryAccess
) -> RunResult:
    """Join what the legs made; what failed, here or there, is part of the result."""
    rows = tuple(row for leg in legs for row in leg.targets)
    result = RunResult(
        image=_bare(order.reference),
        dry_run=any(leg.dry_run for leg in legs),
        targets=rows,
        failure=next((leg.failure for leg in legs if leg.failure), None),
    )
    try:
        parts = [] if result.dry_run else _parts(_succeeded(rows), names, access)
        done = tuple(part.row for part in parts) if parts else _succeeded(rows)
        failed = tuple(row for row in rows if row.failure)
        missing = _missing(order.targets, (*done, *failed))
        result = replace(result, targets=(*done, *failed, *missing))
        if result.dry_run or not parts or not (result.succeeded or order.allow_failed):
            return result
        return _with_index(result, [part.image for part in parts], order, access)
    except TcvError as error:
        return replace(result, failure=failure_of("join the images", error))


def _with_index(
    result: RunResult, images: Sequence[OciImage], order: _Order, access: RegistryAccess
) -> RunResult:
    index = merge(images, _media_types(images))
    store = open_store(order.reference, access)
    for tag in order.tags:
        store.write_index(index, images, order.reference.with_tag(tag))
    return replace(result, index_tags=order.tags, index_digest=index.digest)


def _hand_on_digests(result: RunResult, edge: Edge) -> None:
    """Name each digest that was pushed, the index first: an attestation is made for each."""
    if edge.github_file("OUTPUT") is None:
        return
    from tcv_action.github.workflow import set_outputs  # noqa: PLC0415

    pushed = [] if result.dry_run else [row.digest for row in result.targets if row.references]
    set_outputs({"digests": json.dumps([one for one in (result.index_digest, *pushed) if one])})


def _succeeded(rows: Sequence[TargetResult]) -> tuple[TargetResult, ...]:
    return tuple(row for row in rows if row.failure is None)


def _index_tags(templates: Sequence[str], reference: Reference, edge: Edge) -> tuple[str, ...]:
    fields = {"tag": reference.tag or DEFAULT_TAG, **fields_from_environment(edge.environ)}
    return index_tags(templates or ("{tag}",), fields)


def _missing(wanted: Sequence[Target], rows: Sequence[TargetResult]) -> tuple[TargetResult, ...]:
    """Say of each target that must be there, and is not, that its leg left nothing."""
    there = {row.target for row in rows}
    return tuple(
        TargetResult(target=target, failure=_LOST) for target in wanted if target not in there
    )


_LOST = Failure(
    stage="hand on a result",
    what="The leg of this target left no result.",
    cause="Its job ended before the work began, or its result was not handed on.",
    next_step="Look at that job's log.",
    exit_code=1,
)


def _with_tag(reference: Reference) -> Reference:
    return reference if reference.tag else reference.with_tag(DEFAULT_TAG)


def _bare(reference: Reference) -> str:
    return reference.name or f"{reference.transport.prefix}{reference.path}"


def _sorted_out(sources: Sequence[str]) -> tuple[list[RunResult], list[str]]:
    """Tell results, which are files here, from the references of images."""
    legs, names = [], []
    for source in sources:
        path = Path(source) / "outputs.json" if Path(source).is_dir() else Path(source)
        if path.is_file():
            with disk_trouble(path, "read"):
                legs.append(read_result(path.read_text(), str(path)))
        else:
            names.append(source)
    return legs, names


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
