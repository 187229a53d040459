"""A framework's cache folder: any depth of folders, with Triton caches somewhere inside."""

import mmap
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tcv_action.triton.cache import Cache, CachedFile, Entry
from tcv_action.triton.groups import children_of, is_group_file
from tcv_action.triton.listing import is_folder, read_json_file, reading, sorted_items
from tcv_action.triton.reader import is_leftover, read_entries
from tcv_action.triton.target import Target

# Debug information in these names paths that nothing opens.
_HARMLESS = frozenset({"cubin", "ptx", "llir", "ttir", "ttgir", "source", "hsaco", "amdgcn", "so"})
_TRITON_CACHE = "triton_cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The files of a framework's cache, paths relative to `root`, sorted by folder.

    `triton` has each Triton cache inside by its folder, relative to `root`; `dropped` names the
    leftovers that were passed over.
    """

    root: Path
    files: tuple[CachedFile, ...]
    triton: Mapping[str, Cache]
    dropped: tuple[str, ...]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The Triton entries inside, those of one folder together."""
        return tuple(entry for cache in self.triton.values() for entry in cache.entries)

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets of the Triton entries inside, each once, sorted."""
        return tuple(sorted({entry.target for entry in self.entries}))


def read_tree(root: Path, *, without: Collection[str] = ()) -> Tree:
    """Read a framework's cache folder, save for the top folders named in `without`.

    Raises InputError for links, special files, names that are not UTF-8, broken metadata.
    """
    dropped = [name for name in sorted(without) if (root / name).exists()]
    files = tuple(_walk(root, "", frozenset(without), dropped))
    triton = {folder: read_entries(root / folder) for folder in _triton_folders(files)}
    gone = {f"{folder}/{name}" for folder, cache in triton.items() for name in cache.dropped}
    return Tree(
        root=root,
        files=tuple(file for file in files if not _is_below(file.path, gone)),
        triton=triton,
        dropped=tuple(dict.fromkeys((*dropped, *sorted(gone)))),
    )


def embedded_paths(tree: Tree) -> Mapping[str, str]:
    """Find files that name the folder that the cache was written in: file → that folder.

    Such a file breaks, or misses, when the cache is restored elsewhere. Debug information of
    Triton's own files is not looked at; group files are rewritten anyway.
    """
    origins = _origins(tree)
    found = {}
    for file in tree.files:
        if file.size and file.kind not in _HARMLESS and not _is_group(file.path):
            origin = _first_inside(tree.root / file.path, origins)
            if origin:
                found[file.path] = origin
    return found


def _walk(
    root: Path, prefix: str, without: frozenset[str], dropped: list[str]
) -> Iterator[CachedFile]:
    for item in sorted_items(root / prefix, prefix or root.name):
        path = f"{prefix}/{item.name}" if prefix else item.name
        if path in without:
            continue
        if is_leftover(item.name) or item.name == "__pycache__":
            dropped.append(path)
        elif is_folder(item, path):
            yield from _walk(root, path, without, dropped)
        else:
            yield _file(item, path)


def _file(item: os.DirEntry[str], path: str) -> CachedFile:
    with reading(path):
        status = item.stat(follow_symlinks=False)
    return CachedFile(path, status.st_size, bool(status.st_mode & stat.S_IXUSR))


def _triton_folders(files: Collection[CachedFile]) -> list[str]:
    folders = set()
    for file in files:
        parts = file.path.split("/")
        if len(parts) > 2 and (is_group_file(parts[-1]) or parts[-3] == _TRITON_CACHE):
            folders.add("/".join(parts[:-2]))
    return sorted(folders)


def _is_below(path: str, folders: Collection[str]) -> bool:
    parts = path.split("/")
    return any("/".join(parts[:count]) in folders for count in range(1, len(parts) + 1))


def _is_group(path: str) -> bool:
    return is_group_file(path.rpartition("/")[2])


def _origins(tree: Tree) -> tuple[str, ...]:
    origins = {str(tree.root.resolve())}
    for file in tree.files:
        if _is_group(file.path):
            folder = file.path.rpartition("/")[0]
            content = read_json_file(tree.root / file.path, file.path)
            for name, path in children_of(content, folder).items():
                if isinstance(path, str) and path.startswith("/"):
                    origins.add(path.removesuffix(f"/{folder}/{name}"))
    return tuple(sorted(origin for origin in origins if len(origin) > 1))


def _first_inside(path: Path, origins: tuple[str, ...]) -> str | None:
    with (
        reading(str(path)),
        path.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        held = (origin for origin in origins if content.find(f"{origin}/".encode()) >= 0)
        return next(held, None)
