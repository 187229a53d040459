"""The labels of an image's config."""

import logging
from collections.abc import Iterable, Mapping, Sequence

from tcv_action.image import names
from tcv_action.image.options import Contract, PackOptions
from tcv_action.image.records import Record, compact, metadata_label
from tcv_action.triton.cache import Cache
from tcv_action.triton.environment import Environment, to_json
from tcv_action.triton.target import Target

METADATA_LIMIT = 64 * 1024
"""Bytes that the `metadata` label may have; beyond, a config grows too large for registries."""

_log = logging.getLogger(__name__)


def build_labels(
    cache: Cache,
    *,
    size: int,
    records: Sequence[Record],
    options: PackOptions,
    environment: Environment | None,
) -> dict[str, str]:
    """Make the labels for the cache of one image; `size` is that of its files in the layer."""
    labels = {
        names.SUMMARY: _summary(cache, options.contract),
        names.ENTRY_COUNT: str(len(cache.entries)),
        names.CACHE_SIZE: str(size),
        names.VARIANT: "multi",
        names.PATH_STYLE: str(options.path_style),
        names.CONTENTS: str(options.contents),
        **known(_compiled_by(cache, environment)),
        **known({names.TITLE: options.title, names.METADATA: _metadata(records)}),
    }
    return {**labels, **options.labels}


def targets_document(targets: Iterable[Target]) -> list[dict[str, object]]:
    """Write targets as the summary lists them: the arch is always text there."""
    return [
        {"backend": target.backend, "arch": target.arch, "warp_size": target.warp_size}
        for target in targets
    ]


def host_abis(cache: Cache) -> tuple[str | None, str | None]:
    """Read Python ABI and host CPU off the helpers; several are joined by commas."""
    abis = sorted({helper.python_abi for helper in cache.helpers if helper.python_abi})
    archs = sorted({helper.host_arch for helper in cache.helpers if helper.host_arch})
    return ",".join(abis) or None, ",".join(archs) or None


def host_arch(cache: Cache, environment: Environment | None) -> str | None:
    """Tell the host CPU that the helpers, or the environment, were made for."""
    return host_abis(cache)[1] or (environment.host_arch if environment else None)


def _summary(cache: Cache, contract: Contract) -> str:
    summary: dict[str, object] = {}
    if contract is Contract.TCV:
        summary = {"variant": "multi", "entry_count": len(cache.entries)}
    return compact({**summary, "targets": targets_document(cache.targets)})


def _metadata(records: Sequence[Record]) -> str | None:
    label = metadata_label(records)
    size = len(label.encode())
    if size > METADATA_LIMIT:
        _log.warning(
            "The label %s is left out: %d entries make %d bytes of it, over the limit of %d.",
            names.METADATA, len(records), size, METADATA_LIMIT,
        )  # fmt: skip
        return None
    return label


def _compiled_by(cache: Cache, environment: Environment | None) -> dict[str, str | None]:
    python_abi = host_abis(cache)[0]
    if environment is None:
        versions = {str(entry.options.triton_version or "") for entry in cache.entries}
        version = versions.pop() if len(versions) == 1 else None
        return {
            names.TRITON_VERSION: version or None,
            names.PYTHON_ABI: python_abi,
            names.HOST_ARCH: host_arch(cache, environment),
        }
    return {
        names.TRITON_VERSION: environment.triton_version,
        names.TRITON_KEY: environment.triton_key,
        names.PYTHON_ABI: python_abi or environment.python_abi,
        names.HOST_ARCH: host_arch(cache, environment),
        names.ENVIRONMENT: to_json(environment),
    }


def known(labels: Mapping[str, str | None]) -> dict[str, str]:
    """Leave out the labels that have no value."""
    return {name: value for name, value in labels.items() if value is not None}
