"""Reading a Triton cache folder: one pass, each file looked at once, only metadata parsed."""

import os
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from tcv_action.errors import InputError, NothingToPackageError
from tcv_action.triton.cache import AUTOTUNE_SUFFIX, Cache, CachedFile, Entry, Helper
from tcv_action.triton.groups import is_group_file
from tcv_action.triton.listing import is_folder, read_json_file, reading, sorted_items
from tcv_action.triton.metadata import KernelOptions, parse_metadata, target_of

_LEFTOVER = re.compile(
    r"tmp\.pid_.*|lock|.*\.lock|\.tcv-restore-.*|\.tcv-work-.*|\.__grp__.*\.json\.[0-9]+"
)
_LIBRARY = re.compile(r".*\.(?P<abi>[a-z]+-[0-9]+[a-z]*)-(?P<arch>[a-z0-9_]+)-linux-gnu.*\.so")
_INTERMEDIATE = frozenset({"ttir", "ttgir", "llir", "ptx", "amdgcn", "source", "cubin", "hsaco"})
_BINARY = {"cuda": "cubin", "hip": "hsaco"}


def read_cache(folder: Path) -> Cache:
    """Read a cache folder: entries and helpers sorted by key, leftovers named in `dropped`.

    Leftovers are what an interrupted process leaves: `tmp.pid_*` folders, lock files, empty
    folders, kernels without metadata or without their binary.

    Raises InputError where the folder, or a file in it, cannot be used, and NothingToPackageError
    where there is no kernel.
    """
    cache = read_entries(folder)
    if not cache.entries:
        raise _nothing(cache)
    return cache


def read_entries(folder: Path) -> Cache:
    """Read a cache folder as `read_cache` does, and take one without a kernel as well."""
    dropped: list[str] = []
    entries: list[Entry] = []
    helpers: list[Helper] = []
    for item in sorted_items(folder, folder.name):
        if is_leftover(item.name) or not is_folder(item, item.name):
            dropped.append(item.name)
            continue
        match _read_key(folder, item, dropped):
            case Entry() as entry:
                entries.append(entry)
            case Helper() as helper:
                helpers.append(helper)
            case None:
                dropped.append(item.name)
    return Cache(
        root=folder, entries=tuple(entries), helpers=tuple(helpers), dropped=tuple(dropped)
    )


def is_leftover(name: str) -> bool:
    """Tell whether an interrupted process, of Triton or of ours, left a file of that name."""
    return _LEFTOVER.fullmatch(name) is not None


def metadata_names(names: Iterable[str]) -> list[str]:
    """Pick the names of metadata files: JSON that is neither a group file nor autotuning's."""
    return [
        name
        for name in names
        if name.endswith(".json") and not is_group_file(name) and not name.endswith(AUTOTUNE_SUFFIX)
    ]


def _read_key(root: Path, item: os.DirEntry[str], dropped: list[str]) -> Entry | Helper | None:
    files = _list_files(item, dropped)
    found = metadata_names(file.name for file in files)
    if len(found) > 1:
        what = f"The folder {item.name!r} holds the metadata of several kernels: {found}."
        raise InputError(
            what,
            cause="Triton gives each kernel a folder of its own.",
            next_step="Remove that folder, or fill the cache again.",
        )
    if found:
        return _entry(root, item.name, found[0], files)
    if not files or any(file.kind in _INTERMEDIATE for file in files):
        return None
    return _helper(item.name, files)


def _entry(root: Path, key: str, metadata_name: str, files: tuple[CachedFile, ...]) -> Entry | None:
    where = f"{key}/{metadata_name}"
    metadata = parse_metadata(read_json_file(root / where, where), where)
    target = target_of(metadata, where)
    kinds = {file.kind for file in files}
    binary = _BINARY.get(target.backend)
    if binary and binary not in kinds and kinds & _INTERMEDIATE:
        return None
    return Entry(
        key=key,
        name=_kernel_name(metadata, metadata_name),
        hash=str(metadata["hash"]),
        target=target,
        options=KernelOptions.of(metadata),
        files=files,
    )


def _kernel_name(metadata: Mapping[str, object], metadata_name: str) -> str:
    name = metadata.get("name")
    return name if isinstance(name, str) and name else metadata_name.removesuffix(".json")


def _helper(key: str, files: tuple[CachedFile, ...]) -> Helper:
    matches = [match for file in files if (match := _LIBRARY.fullmatch(file.name))]
    return Helper(
        key=key,
        python_abi=matches[0]["abi"] if matches else None,
        host_arch=matches[0]["arch"] if matches else None,
        files=files,
    )


def _list_files(folder: os.DirEntry[str], dropped: list[str]) -> tuple[CachedFile, ...]:
    files = []
    for item in sorted_items(folder.path, folder.name):
        path = f"{folder.name}/{item.name}"
        if is_leftover(item.name) or is_folder(item, path):
            dropped.append(path)
            continue
        with reading(path):
            status = item.stat(follow_symlinks=False)
        files.append(CachedFile(path, status.st_size, bool(status.st_mode & stat.S_IXUSR)))
    return tuple(files)


def _nothing(cache: Cache) -> NothingToPackageError:
    if cache.helpers or cache.dropped:
        cause = f"It has {len(cache.helpers)} helper folders and {len(cache.dropped)} leftovers."
    else:
        cause = "It is empty."
    return NothingToPackageError(
        f"The cache folder {str(cache.root)!r} holds no kernel.",
        cause=cause,
        next_step="Give the folder that holds one folder per kernel, after a run that launched one.",
    )
