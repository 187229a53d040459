"""Writing an image into a layout: layer, config, manifest."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from tcv_action.image import names
from tcv_action.image.options import PackOptions, Variant
from tcv_action.oci.config import ImageConfig, build_config
from tcv_action.oci.descriptor import Descriptor
from tcv_action.oci.image import OciImage
from tcv_action.oci.layer import LayerFile, write_layer
from tcv_action.oci.layout import Layout
from tcv_action.oci.manifest import build_manifest
from tcv_action.oci.media_types import CONTENT_LAYER

_GOARCH = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


def write_image(
    layout: Layout,
    files: Iterable[LayerFile],
    labels: Callable[[int], Mapping[str, str]],
    options: PackOptions,
    *,
    host_arch: str | None,
) -> OciImage:
    """Write the parts of an image and return it.

    `files` come sorted by the bytes of their names; `labels` is told how many bytes they were;
    `host_arch` is such as `x86_64`.

    Raises InputError for a file that changed, StoreError where the disk refuses.
    """
    types = options.media_types
    created = _rfc3339(options.created)
    with layout.new_blob() as blob:
        layer = write_layer(files, blob, mtime=options.created)
    layer_type = CONTENT_LAYER if options.variant is Variant.OCI else types.layer
    layer_descriptor = Descriptor(media_type=layer_type, digest=blob.digest, size=blob.size)
    config = build_config(
        ImageConfig(
            architecture=_architecture(host_arch),
            labels=labels(layer.content_bytes),
            diff_ids=(layer.diff_id,),
            created=created,
        ),
        created_by=("tcv-action",),
    )
    config_descriptor = layout.put_bytes(config, types.config)
    manifest = build_manifest(
        config=config_descriptor,
        layers=(layer_descriptor,),
        media_types=types,
        annotations={names.VARIANT: str(options.variant), **options.annotations},
    )
    return OciImage(
        descriptor=layout.put_bytes(manifest, types.manifest),
        manifest=manifest,
        config_descriptor=config_descriptor,
        config=config,
        layers=(layer_descriptor,),
        blobs=layout,
    )


def _architecture(host_arch: str | None) -> str:
    # An image of kernels alone runs beside any CPU; the field may not be empty all the same.
    first = (host_arch or "x86_64").partition(",")[0]
    return _GOARCH.get(first, first)


def _rfc3339(seconds: int) -> str:
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
