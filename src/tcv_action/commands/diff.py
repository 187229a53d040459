"""`tcv diff`: what differs between two images or folders."""

import hashlib
import tempfile
from pathlib import Path

import click

from tcv_action.api import folder_or_reference, named_image
from tcv_action.commands import options
from tcv_action.commands.edge import log_level, print_json
from tcv_action.commands.output import print_text
from tcv_action.diff import Side, diff, to_json, to_text
from tcv_action.image import read_contract
from tcv_action.restore import restore
from tcv_action.stores.access import RegistryAccess
from tcv_action.triton.cache import Cache
from tcv_action.triton.key_inputs import read_key_inputs
from tcv_action.triton.listing import reading
from tcv_action.triton.reader import read_cache
from tcv_action.triton.target import Target
from tcv_action.workplace import workplace

_BINARIES = (".cubin", ".hsaco")


@click.command
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--target", "-t", metavar="TARGET", help="Of an index, compare this target's image.")
@options.registry
@options.as_json
@log_level
def command(
    first: str, second: str, target: str | None, access: RegistryAccess, *, as_json: bool
) -> None:
    """Compare two images or folders: entries added, removed, changed, and which input did it.

    Images that were built from a script carry what each kernel was asked for; of others, and of
    folders, only what the entries' files tell can be compared.

    \b
    Examples:
      tcv diff ghcr.io/me/kernels:v1-cuda-sm90 ghcr.io/me/kernels:v2-cuda-sm90
      tcv diff oci:images:latest ~/.triton/cache --json
    """
    chosen = Target.parse(target) if target else None
    comparison = diff(*(_side(place, access, chosen) for place in (first, second)))
    if as_json:
        print_json(to_json(comparison))
    else:
        print_text(to_text(comparison))


def _side(place: str, access: RegistryAccess, target: Target | None) -> Side:
    found = folder_or_reference(place)
    if isinstance(found, Path):
        cache = read_cache(found)
        return Side(entries=read_key_inputs(cache), digests=_digests(cache))
    image = named_image(place, target=target, access=access)
    with workplace(Path(tempfile.gettempdir())) as scratch:
        restored = restore(image, scratch / "cache")
        cache = read_cache(restored.destination)
        return Side(
            entries=read_key_inputs(cache, restored.requests),
            environment=read_contract(image).environment,
            digests=_digests(cache),
        )


def _digest(path: Path, where: str) -> str:
    with reading(where), path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _digests(cache: Cache) -> dict[str, str]:
    return {
        entry.hash: _digest(cache.root / file.path, file.path)
        for entry in cache.entries
        for file in entry.files
        if file.path.endswith(_BINARIES)
    }
