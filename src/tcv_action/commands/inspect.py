"""`tcv inspect`: what an image or a folder holds."""

from pathlib import Path

import click

from tcv_action.choose import Wanted, read_image
from tcv_action.commands import options
from tcv_action.commands.edge import log_level, print_json
from tcv_action.commands.images import folder_or_reference
from tcv_action.frameworks.detect import read_any_cache
from tcv_action.frameworks.inductor import InductorCache
from tcv_action.frameworks.vllm import VllmCache
from tcv_action.image import read_contract
from tcv_action.oci.reference import Reference
from tcv_action.report import text
from tcv_action.stores.access import RegistryAccess
from tcv_action.stores.local import find_image
from tcv_action.stores.select import open_store
from tcv_action.triton.cache import Cache
from tcv_action.triton.target import Target


@click.command
@click.argument("place", metavar="IMAGE|DIR")
@click.option("--target", "-t", metavar="TARGET", help="Of an index, show this target's image.")
@options.registry
@options.as_json
@log_level
def command(place: str, target: str | None, access: RegistryAccess, *, as_json: bool) -> None:
    """Show labels, targets, entries and sizes of an image or folder.

    Of an image only manifest and config are read, never the layer.

    \b
    Examples:
      tcv inspect ghcr.io/me/kernels:v1-cuda-sm90
      tcv inspect ~/.triton/cache --json
    """
    found = folder_or_reference(place)
    if isinstance(found, Path):
        _show(folder_record(found), as_json=as_json)
        return
    store, found = find_image(found, access)
    if target is None and (index := store.read_index(found)) is not None:
        images = [found.with_digest(entry.descriptor.digest) for entry in index.entries]
        records = [image_record(one, access, None) for one in images]
        _show_index(str(found), index.digest, records, as_json=as_json)
        return
    chosen = Target.parse(target) if target else None
    _show(image_record(found, access, chosen), as_json=as_json)


def folder_record(folder: Path) -> dict[str, object]:
    """Describe a cache folder as JSON-ready values; sizes are in bytes."""
    cache = read_any_cache(folder)
    return _cache_record(folder, cache) if isinstance(cache, Cache) else _tree_record(cache)


def _tree_record(cache: VllmCache | InductorCache) -> dict[str, object]:
    details: dict[str, object] = (
        {"models": [{"hash": model.hash, "format": str(model.format)} for model in cache.models]}
        if isinstance(cache, VllmCache)
        else {"parts": dict(cache.parts)}
    )
    return {
        "folder": str(cache.tree.root),
        "targets": [str(target) for target in cache.targets],
        **details,
        "entry_count": len(cache.tree.entries),
        "size_bytes": sum(file.size for file in cache.tree.files),
        "embedded_paths": dict(cache.embedded),
        "left_out": list(cache.dropped),
    }


def _cache_record(folder: Path, cache: Cache) -> dict[str, object]:
    return {
        "folder": str(folder),
        "targets": [str(target) for target in cache.targets],
        "entries": [
            {
                "key": entry.key,
                "name": entry.name,
                "hash": entry.hash,
                "target": str(entry.target),
                "bytes": sum(file.size for file in entry.files),
            }
            for entry in cache.entries
        ],
        "entry_count": len(cache.entries),
        "helpers": [
            {"key": one.key, "python_abi": one.python_abi, "host_arch": one.host_arch}
            for one in cache.helpers
        ],
        "autotune_results": cache.autotune_results,
        "size_bytes": sum(cache.size_by_kind.values()),
        "size_by_kind": cache.size_by_kind,
        "left_out": list(cache.dropped),
    }


def image_record(
    reference: Reference, access: RegistryAccess, target: Target | None
) -> dict[str, object]:
    """Describe an image as JSON-ready values, from its manifest and config alone."""
    image = read_image(open_store(reference, access), reference, Wanted(target=target))
    facts = read_contract(image)
    return {
        "reference": str(reference),
        "digest": image.digest,
        "media_type": image.descriptor.media_type,
        "kind": str(facts.kind),
        "variant": str(facts.variant),
        "targets": [str(target) for target in facts.targets],
        "entry_count": facts.entry_count,
        "cache_size_bytes": facts.cache_size_bytes,
        "image_size_bytes": sum(layer.size for layer in image.layers) + len(image.config),
        "triton_version": facts.triton_version,
        "layers": [
            {"media_type": layer.media_type, "digest": layer.digest, "size": layer.size}
            for layer in image.layers
        ],
        "labels": dict(facts.labels),
    }


def _show(record: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print_json(record)
        return
    for name, value in record.items():
        first, *further = _shown(name, value).split("\n")
        click.echo(f"{name.replace('_', ' '):<18}{first}")
        for line in further:
            click.echo(f"{'':<18}{line}")


def _show_index(name: str, digest: str, records: list[dict[str, object]], *, as_json: bool) -> None:
    if as_json:
        print_json({"reference": name, "digest": digest, "images": records})
        return
    click.echo(f"{name}  {digest}  (an index of {len(records)} images)\n")
    for record in records:
        _show(record, as_json=False)
        click.echo()


def _shown(name: str, value: object) -> str:
    match value:
        case dict():
            return "\n".join(f"{key}: {_shown(name, one)}" for key, one in value.items()) or "-"
        case list():
            return "\n".join(_shown(name, one) for one in value) or "-"
        case int() if "size" in name:
            return f"{value} ({text.size(value)})"
        case None:
            return "-"
        case _:
            return str(value)
