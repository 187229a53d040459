"""Pointers to bytes, and where the bytes come from."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """A blob's media type, digest (`sha256:<64 hex>`) and size in bytes.

    Source: OCI image specification 1.1, descriptor.md.
    """

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict)


class BlobSource(Protocol):
    """Whatever can hand out an image's blobs: a layout on disk, a registry, an archive."""

    def open_blob(self, descriptor: Descriptor) -> AbstractContextManager[BinaryIO]:
        """Open the blob for reading once, front to back.

        The stream checks size and digest itself: reading it to its end raises StoreError where
        the bytes are not the ones that the descriptor names.
        """
        ...
