"""`tcv create`: a cache folder becomes an image."""

import tempfile
from dataclasses import replace
from pathlib import Path

import click

from tcv_action.commands import options
from tcv_action.commands.edge import Edge, log_level, print_json
from tcv_action.commands.scripts import chosen_interpreter
from tcv_action.frameworks.detect import read_any_cache
from tcv_action.image import ImageFacts, PackOptions, pack, read_contract
from tcv_action.oci.image import OciImage
from tcv_action.oci.layout import Layout
from tcv_action.oci.reference import DEFAULT_TAG, Reference
from tcv_action.report import text
from tcv_action.stores import Pushed
from tcv_action.stores.access import RegistryAccess
from tcv_action.stores.local import Builder, local_place
from tcv_action.stores.select import open_store
from tcv_action.triton.environment import Environment
from tcv_action.triton.target import Target


@click.command
@click.option(
    "--dir",
    "-d",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Cache folder, as TRITON_CACHE_DIR named it.",
)
@options.image
@click.option(
    "--push", is_flag=True, help="Push a plain NAME to its registry instead of the local store."
)
@click.option(
    "--builder",
    type=click.Choice([one.value for one in Builder]),
    help="Local store that takes a plain NAME.  [default: buildah, else docker]",
)
@click.option(
    "--target",
    "-t",
    metavar="TARGET",
    help="Package this target's entries only; needed where a vLLM cache does not name its GPU.",
)
@click.option(
    "--python",
    metavar="PATH",
    help="Interpreter that compiled the cache; its Triton and environment are recorded.",
)
@options.packing
@options.registry
@options.as_json
@log_level
@click.pass_obj
def command(
    edge: Edge,
    folder: Path,
    image: str,
    target: str | None,
    python: str | None,
    packing: PackOptions,
    access: RegistryAccess,
    *,
    push: bool,
    as_json: bool,
    builder: str | None,
) -> None:
    """Package a cache folder as an image.

    The same folder gives the same digest, whatever its name, owner or file times.

    \b
    Examples:
      tcv create -d ~/.triton/cache -i ghcr.io/me/kernels:v1-cuda-sm90 --push
      tcv create -d cache -i oci:images:latest
    """
    reference = _destination(image, access, Builder(builder) if builder else None, push=push)
    packing = replace(packing, title=_title(reference))
    environment = _environment(python, edge)
    cache = read_any_cache(folder)
    for name in cache.dropped:
        edge.say(f"left out {name}")
    with tempfile.TemporaryDirectory(prefix="tcv-create-") as scratch:
        packed = pack(
            cache,
            Target.parse(target) if target else None,
            Layout.create(Path(scratch, "oci")),
            options=packing,
            environment=environment,
        )
        pushed = open_store(reference, access).write(packed, reference)
    _show(packed, pushed, as_json=as_json)


def _destination(
    name: str, access: RegistryAccess, builder: Builder | None, *, push: bool
) -> Reference:
    """Return where the image goes: a plain name belongs to the local store unless it is pushed."""
    reference = Reference.parse(name)
    if not reference.explicit and not push:
        reference = local_place(reference, access.environment, builder)
    return reference if reference.tag or reference.path else reference.with_tag(DEFAULT_TAG)


def _title(reference: Reference) -> str | None:
    if reference.repository:
        return reference.repository.rpartition("/")[2]
    return reference.tag


def _environment(python: str | None, edge: Edge) -> Environment | None:
    return chosen_interpreter(python, edge).describe()[0] if python else None


def _show(image: OciImage, pushed: Pushed, *, as_json: bool) -> None:
    facts = read_contract(image)
    if as_json:
        print_json(_record(image, pushed, facts))
        return
    targets = ", ".join(str(target) for target in facts.targets)
    click.echo(f"{pushed.reference}  {image.digest}")
    click.echo(
        f"{facts.entry_count} entries for {targets}, {text.size(facts.cache_size_bytes)} in an image"
        f" of {text.size(sum(layer.size for layer in image.layers))};"
        f" {text.size(pushed.uploaded_bytes)} written"
    )


def _record(image: OciImage, pushed: Pushed, facts: ImageFacts) -> dict[str, object]:
    return {
        "reference": str(pushed.reference),
        "digest": image.digest,
        "targets": [str(target) for target in facts.targets],
        "entries": facts.entry_count,
        "cache_size_bytes": facts.cache_size_bytes,
        "image_size_bytes": sum(layer.size for layer in image.layers) + len(image.config),
        "uploaded_bytes": pushed.uploaded_bytes,
        "labels": dict(facts.labels),
    }
