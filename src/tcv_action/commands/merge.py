"""`tcv merge`: the images of a matrix become one index."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from tcv_action.commands import options
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
from tcv_action.report.result import RunResult, TargetResult
from tcv_action.stores.access import RegistryAccess
from tcv_action.stores.select import open_store


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One image that is merged, and the row that the reports show of it."""

    reference: Reference
    row: TargetResult | None = None


@click.command
@click.argument("sources", nargs=-1, required=True, metavar="IMAGE|RESULT...")
@click.option("--image", "-i", required=True, metavar="INDEX", help="Reference of the index.")
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
@options.registry
@options.as_json
@log_level
@click.pass_context
def command(
    context: click.Context,
    sources: tuple[str, ...],
    image: str,
    output: Path,
    access: RegistryAccess,
    *,
    allow_failed: bool,
    as_json: bool,
) -> None:
    """Join the images of a matrix to one OCI index, one result and one summary.

    A source is an image's reference, or the result of a run: its outputs.json, or the folder that
    holds it. Two images for one target, or of different commits, are refused.

    \b
    Examples:
      tcv merge -i ghcr.io/me/kernels:v1 legs/cuda-90 legs/hip-gfx942
      tcv merge -i oci:all:v1 oci:a:v1-cuda-sm90 oci:b:v1-hip-gfx942
    """
    edge = context.ensure_object(Edge)
    reference = _with_tag(Reference.parse(image))
    legs, names = _sorted_out(sources)
    rows = [row for leg in legs for row in leg.targets]
    parts = [_of_row(row) for row in rows if row.failure is None]
    parts += [_Part(reference=Reference.parse(name)) for name in names]
    # A password that is given is for the registry of the index, and is shown to no other.
    done = _joined(parts, reference, replace(access, domain=reference.domain or None))
    failed = tuple(row for row in rows if row.failure)
    lost = next((leg.failure for leg in legs if leg.failure), None)
    result = replace(done, targets=(*done.targets, *failed), failure=done.failure or lost)
    code = deliver(result, output, edge, as_json=as_json)
    context.exit(0 if allow_failed and done.index_digest else code)


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


def _of_row(row: TargetResult) -> _Part:
    if not row.references or not row.digest:
        what = f"The result for {str(row.target)!r} names no image."
        raise InputError(
            what,
            cause="Its run pushed nothing, or was a dry run whose folder is not here.",
            next_step="Run that leg again without --dry-run.",
        )
    return _Part(reference=Reference.parse(row.references[0]).with_digest(row.digest), row=row)


def _joined(parts: Sequence[_Part], reference: Reference, access: RegistryAccess) -> RunResult:
    """Join the parts; what fails is part of the result."""
    result = RunResult(image=_bare(reference), dry_run=False, targets=())
    try:
        images = [_read(part, access) for part in parts]
        result = replace(
            result,
            targets=tuple(
                part.row or _row(part, image) for part, image in zip(parts, images, strict=True)
            ),
        )
        index = merge(images, _media_types(images))
        open_store(reference, access).write_index(index, images, reference)
    except TcvError as error:
        return replace(result, failure=failure_of("join the images", error))
    tags = (reference.tag,) if reference.tag else ()
    return replace(result, index_tags=tags, index_digest=index.digest)


def _read(part: _Part, access: RegistryAccess) -> OciImage:
    return open_store(part.reference, access).read(part.reference)


def _media_types(images: Sequence[OciImage]) -> MediaTypes:
    docker = bool(images) and all(one.descriptor.media_type == DOCKER_MANIFEST for one in images)
    return MediaTypes.DOCKER if docker else MediaTypes.OCI


def _row(part: _Part, image: OciImage) -> TargetResult:
    """Say of an image that came without a result what its labels tell."""
    facts = read_contract(image)
    return TargetResult(
        target=facts.targets[0],
        tags=(part.reference.tag,) if part.reference.tag else (),
        references=(str(part.reference),),
        digest=image.digest,
        labels=facts.labels,
        entries=facts.entry_count,
        cache_bytes=facts.cache_size_bytes,
        image_bytes=sum(layer.size for layer in image.layers) + len(image.config),
    )
