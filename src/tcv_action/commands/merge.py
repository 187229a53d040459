"""`tcv merge`: the images of a matrix become one index."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from tcv_action.commands import options
from tcv_action.commands.asking import comment_on_pull_request
from tcv_action.commands.edge import Edge, log_level
from tcv_action.commands.results import deliver
from tcv_action.errors import InputError
from tcv_action.joining import Order, join
from tcv_action.oci.disk import disk_trouble, is_file_here, is_folder_here
from tcv_action.oci.reference import DEFAULT_TAG, Reference
from tcv_action.report.reading import read_result
from tcv_action.report.result import RunResult
from tcv_action.stores.access import RegistryAccess
from tcv_action.tags import fields_from_environment, index_tags


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
    type=options.GivenPath(file_okay=False),
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
    order = Order(
        reference=reference,
        tags=_index_tags(tags, reference, edge),
        targets=options.parse_targets(targets),
        allow_failed=allow_failed,
    )
    legs, names = _sorted_out(sources)
    # A password that is given is for the registry of the index, and is shown to no other.
    result = join(legs, names, order, replace(access, domain=reference.domain or None))
    code = deliver(result, output, edge, as_json=as_json)
    _hand_on_digests(result, edge)
    if comment:
        comment_on_pull_request(result, edge, targets)
    enough = result.index_digest or (result.dry_run and result.done)
    context.exit(0 if allow_failed and enough else code)


def _hand_on_digests(result: RunResult, edge: Edge) -> None:
    """Name each digest that was pushed, the index first: an attestation is made for each."""
    if edge.github_file("OUTPUT") is None:
        return
    from tcv_action.github.workflow import set_outputs  # noqa: PLC0415

    pushed = [] if result.dry_run else [row.digest for row in result.targets if row.references]
    set_outputs({"digests": json.dumps([one for one in (result.index_digest, *pushed) if one])})


def _index_tags(templates: Sequence[str], reference: Reference, edge: Edge) -> tuple[str, ...]:
    fields = {"tag": reference.tag or DEFAULT_TAG, **fields_from_environment(edge.environ)}
    return index_tags(templates or ("{tag}",), fields)


def _with_tag(reference: Reference) -> Reference:
    return reference if reference.tag else reference.with_tag(DEFAULT_TAG)


def _sorted_out(sources: Sequence[str]) -> tuple[list[RunResult], list[str]]:
    """Tell results, which are files here, from the references of images."""
    legs, names = [], []
    for source in sources:
        path = Path(source, "outputs.json" if is_folder_here(Path(source)) else "")
        if is_file_here(path):
            with disk_trouble(path, "read"):
                legs.append(read_result(path.read_bytes(), str(path)))
        else:
            names.append(source)
    return legs, names
