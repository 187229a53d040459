"""An OCI image as a frozen value: its manifest and config in memory, its layers at their source."""

from dataclasses import dataclass

from tcv_action.oci.descriptor import BlobSource, Descriptor


@dataclass(frozen=True, slots=True, kw_only=True)
class OciImage:
    """One manifest, exact to the byte, with its config; layers are opened from `blobs`.

    `descriptor` points to `manifest`; `config_descriptor` to `config`; `layers` are bottom first.
    """

    descriptor: Descriptor
    manifest: bytes
    config_descriptor: Descriptor
    config: bytes
    layers: tuple[Descriptor, ...]
    blobs: BlobSource

    @property
    def digest(self) -> str:
        """The manifest's digest: what a registry and `image@digest` name the image by."""
        return self.descriptor.digest
