"""Packing: a cache becomes one image in a layout."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tcv_action.errors import InputError
from tcv_action.image import names
from tcv_action.image.labels import build_labels
from tcv_action.image.options import Contents, PackOptions, Variant
from tcv_action.image.records import entry_records, manifest_json
from tcv_action.oci.config import ImageConfig, build_config
from tcv_action.oci.descriptor import Descriptor
from tcv_action.oci.image import OciImage
from tcv_action.oci.layer import LayerFile, write_layer
from tcv_action.oci.layout import Layout
from tcv_action.oci.manifest import build_manifest
from tcv_action.oci.media_types import CONTENT_LAYER
from tcv_action.triton.cache import Cache, CachedFile
from tcv_action.triton.environment import Environment
from tcv_action.triton.groups import is_group_file, rewrite_group
from tcv_action.triton.listing import reading
from tcv_action.triton.request import Request
from tcv_action.triton.target import Target

_BINARY_KINDS = frozenset({"cubin", "hsaco", "json", "so"})
# Eleven octal digits: what a tar header has room for, until the year 2242.
_TIME_LIMIT = 8**11
_GOARCH = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


def pack(
    cache: Cache,
    target: Target | None,
    layout: Layout,
    *,
    options: PackOptions,
    environment: Environment | None = None,
    requests: Sequence[Request] = (),
) -> OciImage:
    """Pack the part of the cache for one target, or all of it, into the layout.

    The same files and options give the same digest, anywhere, on any day. `environment` and
    `requests` say where and how the kernels were compiled; without them manifest.json holds the
    entries only.

    Raises NothingToPackageError where the cache has no entry for the target, InputError for files
    that cannot be packed, StoreError where the disk refuses.
    """
    part = cache.for_target(target) if target else cache
    records = entry_records(part.entries, environment)
    files = cache_files(part, options)
    labels = build_labels(
        part,
        size=sum(file.size for file in files),
        records=records,
        options=options,
        environment=environment,
    )
    manifest = manifest_json(records, options.contract, environment, requests)
    files.append(LayerFile(name=names.MANIFEST_FILE, size=len(manifest), source=manifest))
    return write_image(layout, files, labels, options)


def cache_files(cache: Cache, options: PackOptions) -> list[LayerFile]:
    """List the files of the layer's cache folder, group files rewritten for the path style."""
    kept = [file for file in cache.files if _is_kept(file, options.contents)]
    present: dict[str, set[str]] = {}
    for file in kept:
        present.setdefault(file.key, set()).add(file.name)
    return [
        _group_file(cache.root, file, present[file.key], options)
        if is_group_file(file.name)
        else _plain_file(cache.root, file)
        for file in kept
    ]


def write_image(
    layout: Layout, files: Sequence[LayerFile], labels: Mapping[str, str], options: PackOptions
) -> OciImage:
    """Write layer, config and manifest into the layout, and return the image."""
    types = options.media_types
    created = _rfc3339(options.created)
    with layout.new_blob() as blob:
        diff_id = write_layer(files, blob, mtime=options.created)
    layer_type = CONTENT_LAYER if options.variant is Variant.OCI else types.layer
    layer = Descriptor(media_type=layer_type, digest=blob.digest, size=blob.size)
    config = build_config(
        ImageConfig(
            architecture=_architecture(labels),
            labels=labels,
            diff_ids=(diff_id,),
            created=created,
        ),
        created_by=("tcv-action",),
    )
    config_descriptor = layout.put_bytes(config, types.config)
    manifest = build_manifest(
        config=config_descriptor,
        layers=(layer,),
        media_types=types,
        annotations={names.VARIANT: str(options.variant), **options.annotations},
    )
    return OciImage(
        descriptor=layout.put_bytes(manifest, types.manifest),
        manifest=manifest,
        config_descriptor=config_descriptor,
        config=config,
        layers=(layer,),
        blobs=layout,
    )


def _is_kept(file: CachedFile, contents: Contents) -> bool:
    return contents is Contents.FULL or file.kind in _BINARY_KINDS


def _plain_file(root: Path, file: CachedFile) -> LayerFile:
    return LayerFile(
        name=f"{names.CACHE_FOLDER}/{file.path}",
        size=file.size,
        executable=file.executable,
        source=f"{root}/{file.path}",
    )


def _group_file(root: Path, file: CachedFile, present: set[str], options: PackOptions) -> LayerFile:
    with reading(file.path):
        content = (root / file.path).read_bytes()
    rewritten = rewrite_group(
        content, key=file.key, prefix=options.path_style.prefix, present=present
    )
    return LayerFile(
        name=f"{names.CACHE_FOLDER}/{file.path}",
        size=len(rewritten),
        executable=file.executable,
        source=rewritten,
    )


def _architecture(labels: Mapping[str, str]) -> str:
    # An image of kernels alone runs beside any CPU; the field may not be empty all the same.
    host = labels.get(names.HOST_ARCH, "x86_64").partition(",")[0]
    return _GOARCH.get(host, host)


def _rfc3339(seconds: int) -> str:
    if not 0 <= seconds < _TIME_LIMIT:
        what = f"The time {seconds!r} cannot be the image's."
        raise InputError(
            what,
            cause="It counts the seconds since 1970, as SOURCE_DATE_EPOCH does.",
            next_step="Give a whole number such as 1700000000, or none.",
        )
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
