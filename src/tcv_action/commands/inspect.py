"""`tcv inspect`: what an image or a folder holds."""

from pathlib import Path

import click

from tcv_action import api
from tcv_action.commands import options
from tcv_action.commands.edge import log_level, print_json
from tcv_action.commands.output import print_text
from tcv_action.frameworks.inductor import InductorCache
from tcv_action.frameworks.vllm import VllmCache
from tcv_action.report import text
from tcv_action.stores.access import RegistryAccess
from tcv_action.triton.cache import Cache


@click.command
@click.argument("place", metavar="IMAGE|DIR")
@click.option(
    "--target",
    "-t",
    metavar="TARGET",
    help="Of an index, show this target's image; else the one for the GPU here.",
)
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
    match api.inspect(place, target=target, access=access):
        case api.InspectedFolder() as found:
            _show(_folder_record(found), as_json=as_json)
        case api.InspectedImage() as found:
            _show(_image_record(found), as_json=as_json)
        case api.InspectedIndex() as found:
            _show_index(found, as_json=as_json)


def _folder_record(found: api.InspectedFolder) -> dict[str, object]:
    cache = found.cache
    return _cache_record(found.folder, cache) if isinstance(cache, Cache) else _tree_record(cache)


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


def _image_record(found: api.InspectedImage) -> dict[str, object]:
    image, facts = found.image, found.facts
    return {
        "reference": str(found.reference),
        "digest": image.digest,
        "media_type": image.descriptor.media_type,
        "kind": str(facts.kind),
        "variant": str(facts.variant),
        "targets": [str(target) for target in facts.targets],
        "entry_count": facts.entry_count,
        "cache_size_bytes": facts.cache_size_bytes,
        "image_size_bytes": found.image_size_bytes,
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
        print_text(f"{name.replace('_', ' '):<18}{first}")
        for line in further:
            print_text(f"{'':<18}{line}")


def _show_index(found: api.InspectedIndex, *, as_json: bool) -> None:
    name, records = str(found.reference), [_image_record(one) for one in found.images]
    if as_json:
        print_json({"reference": name, "digest": found.digest, "images": records})
        return
    print_text(f"{name}  {found.digest}  (an index of {len(records)} images)\n")
    for record in records:
        _show(record, as_json=False)
        print_text("")


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
