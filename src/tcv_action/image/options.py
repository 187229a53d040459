"""What the person who builds an image may choose."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tcv_action.errors import InputError
from tcv_action.oci.media_types import MediaTypes
from tcv_action.triton.dummy_key import DummyKeys
from tcv_action.triton.groups import PORTABLE, PathStyle

# Eleven octal digits: what a tar header has room for, until the year 2242.
_TIME_LIMIT = 8**11
_CONTRACT = re.compile(r"cache\.[a-z]+\.image/|io\.kserve\.km/")


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

    Raises InputError for a label or an annotation that would take the place of one of the
    contract's or cannot be written in UTF-8, and for a time that no archive can hold.
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

    def __post_init__(self) -> None:
        """Check what a person wrote before any work is done for it."""
        for kind, pairs in (("label", self.labels), ("annotation", self.annotations)):
            for name, value in pairs.items():
                _check_pair(kind, name, value)
        if not 0 <= self.created < _TIME_LIMIT:
            what = f"The time {self.created!r} cannot be the image's."
            raise InputError(
                what,
                cause="It counts the seconds since 1970, as SOURCE_DATE_EPOCH does.",
                next_step="Give a whole number such as 1700000000, or none.",
            )


def _check_pair(kind: str, name: str, value: str) -> None:
    if _CONTRACT.match(name):
        what = f"The {kind} {name!r} cannot be set."
        raise InputError(
            what,
            cause=f"{kind.capitalize()}s of that prefix say what is in the image.",
            next_step=f"Choose another name for your own {kind}.",
        )
    try:
        f"{name}={value}".encode()
    except UnicodeEncodeError as error:
        what = f"The {kind} {f'{name}={value}'!r} is not UTF-8."
        raise InputError(
            what,
            cause="Images carry text in UTF-8 only.",
            next_step="Write it in UTF-8, or leave it out.",
        ) from error
