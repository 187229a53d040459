"""Packing: a cache becomes one image in a layout."""

from collections.abc import Sequence
from itertools import chain

from tcv_action.frameworks.detect import AnyCache
from tcv_action.image import names
from tcv_action.image.files import cache_files
from tcv_action.image.framework_pack import pack_framework
from tcv_action.image.labels import build_labels, host_arch
from tcv_action.image.options import PackOptions
from tcv_action.image.records import entry_records, manifest_json
from tcv_action.image.write import write_image
from tcv_action.oci.image import OciImage
from tcv_action.oci.layer import LayerFile
from tcv_action.oci.layout import Layout
from tcv_action.triton.cache import Cache
from tcv_action.triton.dummy_key import DummyKeys
from tcv_action.triton.environment import Environment
from tcv_action.triton.request import Request
from tcv_action.triton.target import Target


def pack(
    cache: AnyCache,
    target: Target | None,
    layout: Layout,
    *,
    options: PackOptions,
    environment: Environment | None = None,
    requests: Sequence[Request] = (),
) -> OciImage:
    """Pack the part of a Triton cache for one target, or all of it, into the layout.

    The same files and options give the same digest, anywhere, on any day. `environment` and
    `requests` say where and how the kernels were compiled; without them manifest.json holds the
    entries only. A framework's cache is packed whole; its target is needed where its own records
    do not tell.

    Raises NothingToPackageError where the cache has no entry for the target, InputError for files
    that cannot be packed or a target that nobody tells, StoreError where the disk refuses.
    """
    if not isinstance(cache, Cache):
        return pack_framework(cache, target, layout, options=options, environment=environment)
    keys = options.dummy_keys or DummyKeys.of_environment(environment)
    part = cache.for_target(target) if target else cache
    records = entry_records(part.entries, keys)
    manifest = manifest_json(records, options.contract, environment, requests)
    manifest_file = LayerFile(name=names.MANIFEST_FILE, size=len(manifest), source=manifest)

    def labels(size: int) -> dict[str, str]:
        return build_labels(
            part,
            size=size - manifest_file.size,
            records=records,
            options=options,
            environment=environment,
        )

    files = chain(cache_files(part, options), [manifest_file])
    return write_image(layout, files, labels, options, host_arch=host_arch(part, environment))
