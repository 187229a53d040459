"""A Triton cache folder as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tcv_action.triton.target import Target


@dataclass(frozen=True, slots=True)
class CachedFile:
    """A regular file of the cache: path relative to the folder (`KEY/name`), size in bytes."""

    path: str
    size: int
    executable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A compiled kernel: one `KEY/` folder whose metadata JSON holds a `hash`."""

    key: str
    name: str
    hash: str
    target: Target
    metadata: Mapping[str, object]
    files: tuple[CachedFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Helper:
    """A `KEY/` folder without a kernel: host libraries, or the results of autotuning.

    Bytes of the image, but not an entry. `python_abi` (`cpython-312`) and `host_arch` (`x86_64`)
    are read off the names of the libraries and are None where no name tells.
    """

    key: str
    python_abi: str | None
    host_arch: str | None
    files: tuple[CachedFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """What a cache folder holds; `dropped` names the leftovers that were passed over."""

    root: Path
    entries: tuple[Entry, ...]
    helpers: tuple[Helper, ...]
    dropped: tuple[str, ...] = ()
