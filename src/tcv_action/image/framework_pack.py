"""Packing a framework's cache."""

import logging

from tcv_action.errors import InputError, NothingToPackageError
from tcv_action.frameworks.detect import Kind
from tcv_action.frameworks.inductor import InductorCache
from tcv_action.frameworks.vllm import VllmCache
from tcv_action.image.files import tree_files
from tcv_action.image.framework_labels import framework_labels
from tcv_action.image.framework_records import framework_manifest_json
from tcv_action.image.labels import host_abis
from tcv_action.image.names import Names
from tcv_action.image.options import Contract, PackOptions, Variant
from tcv_action.image.write import write_image
from tcv_action.oci.image import OciImage
from tcv_action.oci.layer import LayerFile
from tcv_action.oci.layout import Layout
from tcv_action.triton.dummy_key import DummyKeys
from tcv_action.triton.environment import Environment
from tcv_action.triton.target import Target

_log = logging.getLogger(__name__)


def pack_framework(
    cache: VllmCache | InductorCache,
    target: Target | None,
    layout: Layout,
    *,
    options: PackOptions,
    environment: Environment | None,
) -> OciImage:
    """Pack a framework's cache whole; raises as `tcv_action.image.pack` does."""
    kind = Kind.VLLM if isinstance(cache, VllmCache) else Kind.INDUCTOR
    _check_options(kind, options)
    targets = _targets(cache, target)
    _warn_of_embedded_paths(cache)
    of_kind = Names(kind)
    files = tree_files(cache.tree, of_kind.cache_folder, options)
    manifest = framework_manifest_json(
        cache, options.dummy_keys or DummyKeys.of_environment(environment)
    )
    manifest_file = LayerFile(name=of_kind.manifest_file, size=len(manifest), source=manifest)

    def labels(size: int) -> dict[str, str]:
        return framework_labels(
            cache,
            targets,
            size=size - manifest_file.size,
            options=options,
            environment=environment,
        )

    host_arch = next(filter(None, (host_abis(one)[1] for one in cache.tree.triton.values())), None)
    return write_image(layout, [*files, manifest_file], labels, options, host_arch=host_arch)


def _check_options(kind: Kind, options: PackOptions) -> None:
    for chosen, usual in ((options.variant, Variant.COMPAT), (options.contract, Contract.MCV)):
        if chosen is not usual:
            what = f"A cache of {kind} cannot be packed as {str(chosen)!r}."
            raise InputError(
                what,
                cause="That form of image is for Triton's own caches only.",
                next_step=f"Leave it at {str(usual)!r}.",
            )


def _targets(cache: VllmCache | InductorCache, target: Target | None) -> tuple[Target, ...]:
    if target and cache.targets and target not in cache.targets:
        held = ", ".join(map(str, cache.targets))
        what = f"The cache {str(cache.tree.root)!r} is not for {str(target)!r}."
        raise NothingToPackageError(
            what, cause=f"Its records say: {held}.", next_step="Name that target, or none."
        )
    targets = cache.targets or ((target,) if target else ())
    if not targets:
        what = f"Which GPU the cache {str(cache.tree.root)!r} is for cannot be told."
        raise InputError(
            what,
            cause="Neither Triton kernels nor the framework's own records in it name an arch.",
            next_step="Say it, for example with --target cuda:90.",
        )
    return targets


def _warn_of_embedded_paths(cache: VllmCache | InductorCache) -> None:
    if cache.embedded:
        first, origin = next(iter(cache.embedded.items()))
        _log.warning(
            "%d files name the folder that the cache was written in, %s (the first: %s). Restored"
            " elsewhere, they will be compiled again: restore or mount it at that very place.",
            len(cache.embedded), origin, first,
        )  # fmt: skip
