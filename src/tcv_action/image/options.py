"""What the person who builds an image may choose."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tcv_action.oci.media_types import MediaTypes
from tcv_action.triton.dummy_key import DummyKeys
from tcv_action.triton.groups import PORTABLE, PathStyle


class Contract(StrEnum):
    """Whose labels and manifest.json are written; every reader of ours takes both."""

    MCV = "mcv"
    TCV = "tcv"


class Variant(StrEnum):
    """`compat` has an ordinary layer; `oci` one with a media type of its own."""

    COMPAT = "compat"
    OCI = "oci"


class Contents(StrEnum):
    """`binary` leaves out what Triton's loader does not need: all IR and source."""

    FULL = "full"
    BINARY = "binary"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackOptions:
    """How an image is packed.

    `title` is the last component of the image's name. `labels` and `annotations` are added to
    those of the contract. `created` is in seconds since 1970, for the config and for all files.
    `dummy_keys` are those of another Triton than the one that the image records.
    """

    media_types: MediaTypes = MediaTypes.OCI
    variant: Variant = Variant.COMPAT
    contract: Contract = Contract.MCV
    path_style: PathStyle = PORTABLE
    contents: Contents = Contents.FULL
    title: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    created: int = 0
    dummy_keys: DummyKeys | None = None
