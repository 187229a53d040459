"""A version of a container package, as GitHub counts them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageVersion:
    """One manifest or index, by the number that GitHub gave it; `created` knows its time zone."""

    id: int
    digest: str
    tags: tuple[str, ...]
    created: datetime
