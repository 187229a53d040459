"""`tcv create`: a cache folder becomes an image."""

from dataclasses import replace
from pathlib import Path

import click

from tcv_action import api
from tcv_action.commands import options
from tcv_action.commands.edge import Edge, log_level, print_json
from tcv_action.commands.output import print_text
from tcv_action.image import PackOptions
from tcv_action.oci.reference import Reference
from tcv_action.report import text
from tcv_action.stores.access import RegistryAccess
from tcv_action.stores.local import Builder, local_place


@click.command
@click.option(
    "--dir",
    "-d",
    "folder",
    type=options.GivenPath(),
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
    created = api.create(
        folder,
        destination(image, access, Builder(builder) if builder else None, push=push),
        target=target,
        options=packing,
        python=python,
        access=access,
    )
    show(created, edge, as_json=as_json)


def destination(name: str, access: RegistryAccess, builder: Builder | None, *, push: bool) -> str:
    """Write out where a plain name goes: a registry, or the local store that was chosen.

    Raises StoreError where that local store is not here.
    """
    reference = Reference.parse(name)
    if reference.explicit or not (push or builder):
        return name
    there = replace(reference, explicit=True)
    return str(there if push else local_place(reference, access.environment, builder))


def show(created: api.Created, edge: Edge, *, as_json: bool) -> None:
    """Print what was made."""
    for name in created.left_out:
        edge.say(f"left out {name}")
    if as_json:
        print_json(_record(created))
        return
    facts = created.facts
    targets = ", ".join(str(target) for target in facts.targets)
    print_text(f"{created.reference}  {created.digest}")
    print_text(
        f"{text.counted(facts.entry_count, 'entry', 'entries')} for {targets},"
        f" {text.size(facts.cache_size_bytes)} in an image"
        f" of {text.size(created.image_size_bytes)}; {text.size(created.uploaded_bytes)} written"
    )


def _record(created: api.Created) -> dict[str, object]:
    return {
        "reference": str(created.reference),
        "digest": created.digest,
        "targets": [str(target) for target in created.facts.targets],
        "entries": created.facts.entry_count,
        "cache_size_bytes": created.facts.cache_size_bytes,
        "image_size_bytes": created.image_size_bytes,
        "uploaded_bytes": created.uploaded_bytes,
        "labels": dict(created.facts.labels),
    }
