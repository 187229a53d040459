"""Media types of images, in the two rows that readers know: OCI's and docker schema 2's.

Source: OCI image specification 1.1, media-types.md; distribution's manifest-v2-2.md.
"""

from enum import StrEnum

from tcv_action.errors import InputError

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP = f"{OCI_LAYER}+gzip"
OCI_LAYER_ZSTD = f"{OCI_LAYER}+zstd"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_LAYER_GZIP = f"{DOCKER_LAYER}.gzip"
DOCKER_LAYER_ZSTD = f"{DOCKER_LAYER}.zstd"
# The one layer of the contract's oci variant: a gzip tarball under a name of its own.
CONTENT_LAYER = "application/cache.triton.content.layer.v1+triton"

INDEXES = (OCI_INDEX, DOCKER_INDEX)
MANIFESTS = (OCI_MANIFEST, DOCKER_MANIFEST)


class MediaTypes(StrEnum):
    """One row, chosen for a whole image: readers refuse images that mix the rows."""

    OCI = "oci"
    DOCKER = "docker"

    @property
    def manifest(self) -> str:
        """The type of the manifest."""
        return OCI_MANIFEST if self is MediaTypes.OCI else DOCKER_MANIFEST

    @property
    def image_index(self) -> str:
        """The type of an index, which docker calls a manifest list."""
        return OCI_INDEX if self is MediaTypes.OCI else DOCKER_INDEX

    @property
    def config(self) -> str:
        """The type of the image config."""
        return OCI_CONFIG if self is MediaTypes.OCI else DOCKER_CONFIG

    @property
    def layer(self) -> str:
        """The type of a gzip-compressed layer."""
        return OCI_LAYER_GZIP if self is MediaTypes.OCI else DOCKER_LAYER_GZIP


class Compression(StrEnum):
    """How the bytes of a layer's tar are packed."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


COMPRESSIONS = {
    OCI_LAYER: Compression.NONE,
    OCI_LAYER_GZIP: Compression.GZIP,
    OCI_LAYER_ZSTD: Compression.ZSTD,
    DOCKER_LAYER: Compression.NONE,
    DOCKER_LAYER_GZIP: Compression.GZIP,
    DOCKER_LAYER_ZSTD: Compression.ZSTD,
    CONTENT_LAYER: Compression.GZIP,
}


def layer_compression(media_type: str) -> Compression:
    """Return how a layer of this type is packed.

    Raises InputError for a type that is no layer, or one that is not stored with the image.
    """
    try:
        return COMPRESSIONS[media_type]
    except KeyError:
        what = f"cannot read a layer of the media type {media_type!r}"
        step = "Layers that can be read: " + ", ".join(COMPRESSIONS)
        raise InputError(what, cause="The image holds something else.", next_step=step) from None


def layer_type(row: MediaTypes, compression: Compression) -> str:
    """Return the row's name for a layer that is packed so."""
    plain = OCI_LAYER if row is MediaTypes.OCI else DOCKER_LAYER
    mark = "+" if row is MediaTypes.OCI else "."
    return plain if compression is Compression.NONE else f"{plain}{mark}{compression.value}"
