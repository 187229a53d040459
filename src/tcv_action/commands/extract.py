"""`tcv extract`: an image's cache comes into a folder."""

from pathlib import Path

import click

from tcv_action import api
from tcv_action.commands import options
from tcv_action.commands.edge import Edge, log_level, print_json
from tcv_action.commands.output import print_text
from tcv_action.report import text
from tcv_action.stores.access import RegistryAccess


@click.command
@options.image
@options.destination
@click.option("--target", "-t", metavar="TARGET", help="Restore this target's entries only.")
@options.python
@click.option("--no-check", is_flag=True, help="Restore even what cannot hit on this machine.")
@options.registry
@options.as_json
@log_level
@click.pass_obj
def command(
    edge: Edge,
    image: str,
    folder: Path | None,
    target: str | None,
    python: str | None,
    access: RegistryAccess,
    *,
    no_check: bool,
    as_json: bool,
) -> None:
    """Restore a cache from an image.

    An image that cannot hit on this machine's GPU, or with the --python that is named, is refused
    before its layer is read; what cannot be told is no reason. Nothing comes into the folder before
    the whole image is verified; then each entry comes in whole, and what is there already stays.

    \b
    Examples:
      tcv extract -i ghcr.io/me/kernels:v1-cuda-sm90
      tcv extract -i oci:images:latest -d cache
    """
    extracted = api.extract(
        image, folder, target=target, check=not no_check, python=python, access=access
    )
    show(extracted, image, edge, as_json=as_json)


def show(extracted: api.Extracted, image: str, edge: Edge, *, as_json: bool) -> None:
    """Print what was restored, and warn of what an interpreter that was only guessed would miss."""
    for miss in extracted.verdicts.misses if extracted.verdicts else ():
        edge.progress.warn(f"{miss.point}: {miss.reason} (image {miss.image}, here {miss.here})")
    restored = extracted.restored
    if as_json:
        print_json(
            {
                "image": image,
                "digest": extracted.digest,
                "destination": str(restored.destination),
                "entries": restored.entries,
                "files": restored.files,
                "bytes": restored.bytes,
                "kept": restored.kept,
                "seconds": restored.seconds,
            }
        )
        return
    kept = f", {restored.kept} were there already" if restored.kept else ""
    print_text(
        f"{text.counted(restored.entries, 'entry', 'entries')},"
        f" {text.size(restored.bytes)} in {restored.destination}{kept}"
        f" ({text.seconds(restored.seconds)})"
    )
