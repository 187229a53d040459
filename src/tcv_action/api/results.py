"""What the functions return: frozen values."""

from dataclasses import dataclass
from pathlib import Path

from tcv_action.frameworks.detect import AnyCache
from tcv_action.image import ImageFacts
from tcv_action.oci.image import OciImage
from tcv_action.oci.reference import Reference
from tcv_action.preflight.verdict import Verdicts
from tcv_action.restore import Restored


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """An image that was made and put in its store; sizes are in bytes.

    `uploaded_bytes` is what was really sent: 0 where the store had it all. `left_out` names what
    lay in the folder and is no part of a cache.
    """

    reference: Reference
    digest: str
    facts: ImageFacts
    image_size_bytes: int
    uploaded_bytes: int
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """A cache that was restored, the image that it came from, and what preflight found.

    `verdicts` is None where nothing was checked.
    """

    reference: Reference
    digest: str
    restored: Restored
    verdicts: Verdicts | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedImage:
    """What manifest and config say of an image; `image_size_bytes` counts layers and config."""

    reference: Reference
    image: OciImage
    facts: ImageFacts
    image_size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedIndex:
    """An index over several targets, and each of its images."""

    reference: Reference
    digest: str
    images: tuple[InspectedImage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedFolder:
    """A cache folder: Triton's, vLLM's or Inductor's."""

    folder: Path
    cache: AnyCache


def size_of(image: OciImage) -> int:
    """Return the bytes of an image's layers and config."""
    return sum(layer.size for layer in image.layers) + len(image.config)
