"""A Triton cache folder as frozen values."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from tcv_action.errors import InputError, NothingToPackageError
from tcv_action.triton.metadata import KernelOptions
from tcv_action.triton.target import Target

AUTOTUNE_SUFFIX = ".autotune.json"
_KINDS = frozenset(
    {"cubin", "ptx", "llir", "ttir", "ttgir", "source", "hsaco", "amdgcn", "json", "so"}
)


@dataclass(frozen=True, slots=True)
class CachedFile:
    """A regular file of the cache: path relative to the folder (`KEY/name`), size in bytes."""

    path: str
    size: int
    executable: bool = False

    @property
    def key(self) -> str:
        """The folder that the file lies in."""
        return self.path.partition("/")[0]

    @property
    def name(self) -> str:
        """The file's name inside its folder."""
        return self.path.partition("/")[2]

    @property
    def kind(self) -> str:
        """`cubin`, `ptx`, `llir`, `ttir`, `ttgir`, `source`, `hsaco`, `amdgcn`, `json`, `so`, `other`."""
        suffix = self.path.rpartition(".")[2]
        return suffix if suffix in _KINDS else "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A compiled kernel: one `KEY/` folder whose metadata JSON holds a `hash`."""

    key: str
    name: str
    hash: str
    target: Target
    options: KernelOptions
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

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets of the entries, each once, sorted."""
        return tuple(sorted({entry.target for entry in self.entries}))

    @property
    def folders(self) -> tuple[Entry | Helper, ...]:
        """The entries, then the helpers."""
        return self.entries + self.helpers

    @property
    def files(self) -> Iterator[CachedFile]:
        """Every file: those of the entries, then those of the helpers."""
        for folder in self.folders:
            yield from folder.files

    @property
    def size_by_kind(self) -> dict[str, int]:
        """Bytes by kind of file, the largest first."""
        sizes: Counter[str] = Counter()
        for file in self.files:
            sizes[file.kind] += file.size
        return dict(sizes.most_common())

    @property
    def autotune_results(self) -> int:
        """How many files hold autotuning results (Triton's TRITON_CACHE_AUTOTUNING)."""
        return sum(file.name.endswith(AUTOTUNE_SUFFIX) for file in self.files)

    def for_target(self, target: Target) -> Self:
        """Return the part for one target: its entries, and every helper.

        Raises NothingToPackageError where no entry has that target.
        """
        entries = tuple(entry for entry in self.entries if entry.target == target)
        if not entries:
            held = ", ".join(map(str, self.targets)) or "none"
            what = f"The cache {str(self.root)!r} has no entry for {str(target)!r}."
            raise NothingToPackageError(
                what,
                cause=f"It holds entries for: {held}.",
                next_step="Name one of these targets, or warm the cache up for the one you want.",
            )
        return replace(self, entries=entries)

    def only(self, target: Target) -> Self:
        """Return this cache if every entry has that target.

        Raises InputError with the first entry that has another.
        """
        for entry in self.entries:
            if entry.target != target:
                what = f"The entry {entry.key!r} ({entry.name}) is for {str(entry.target)!r}."
                raise InputError(
                    what,
                    cause=f"The target that was asked for is {str(target)!r}.",
                    next_step="Name both targets, or warm up into a fresh folder.",
                )
        return self
