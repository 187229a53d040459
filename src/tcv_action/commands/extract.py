"""`tcv extract`: an image's cache comes into a folder."""

from dataclasses import replace
from pathlib import Path

import click

from tcv_action.commands import options
from tcv_action.commands.edge import Edge, log_level, print_json
from tcv_action.commands.images import named_image
from tcv_action.commands.machines import machine_here
from tcv_action.frameworks.detect import Kind
from tcv_action.image import read_contract
from tcv_action.oci.image import OciImage
from tcv_action.preflight.check import check
from tcv_action.preflight.verdict import require_compatible
from tcv_action.report import text
from tcv_action.restore import Restored, restore
from tcv_action.stores.access import RegistryAccess
from tcv_action.triton.target import Target

# The variable that names the folder, and the folder below the home where it is not set.
_USUAL = {
    Kind.TRITON: ("TRITON_CACHE_DIR", ".triton/cache"),
    Kind.VLLM: ("VLLM_CACHE_ROOT", ".cache/vllm"),
    Kind.INDUCTOR: ("TORCHINDUCTOR_CACHE_DIR", ".cache/torchinductor"),
}


@click.command
@options.image
@click.option(
    "--dir",
    "-d",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder to restore into.  [default: TRITON_CACHE_DIR, else ~/.triton/cache; vLLM: VLLM_CACHE_ROOT, else ~/.cache/vllm]",
)
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
    before its layer is read; what cannot be told is no reason. Nothing comes into the folder before the whole image is verified; then each entry comes in
    whole, and what is there already stays.

    \b
    Examples:
      tcv extract -i ghcr.io/me/kernels:v1-cuda-sm90
      tcv extract -i oci:images:latest -d cache
    """
    chosen = Target.parse(target) if target else None
    found = named_image(image, access, chosen)
    if not no_check:
        _check(found, image, python, edge)
    restored = restore(found, folder or _usual_folder(found, edge), target=chosen)
    _show(image, found.digest, restored, as_json=as_json)


def _check(found: OciImage, name: str, python: str | None, edge: Edge) -> None:
    """Refuse what cannot hit; an interpreter that was only guessed is good for a warning."""
    facts = read_contract(found)
    machine = machine_here(python, None, edge)
    if python is not None:
        require_compatible(check(facts, machine), name)
        return
    hardware = check(facts, replace(machine, environment=None))
    require_compatible(hardware, name)
    for miss in check(facts, machine).misses:
        edge.progress.warn(f"{miss.point}: {miss.reason} (image {miss.image}, here {miss.here})")


def _usual_folder(found: OciImage, edge: Edge) -> Path:
    """Return where the program that wrote the cache looks for it on this machine."""
    variable, below_home = _USUAL[read_contract(found).kind]
    named = edge.environ.get(variable)
    return Path(named) if named else Path(edge.environ.get("HOME", "~")).expanduser() / below_home


def _show(image: str, digest: str, restored: Restored, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "image": image,
                "digest": digest,
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
    click.echo(
        f"{restored.entries} entries, {text.size(restored.bytes)} in {restored.destination}{kept}"
        f" ({text.seconds(restored.seconds)})"
    )
