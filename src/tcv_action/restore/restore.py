"""Restoring an image's cache into a folder."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tcv_action.errors import NothingToPackageError
from tcv_action.frameworks.detect import Kind
from tcv_action.frameworks.tree import read_tree
from tcv_action.image.contract import ImageFacts, read_contract
from tcv_action.image.names import Names
from tcv_action.image.options import Contract
from tcv_action.image.records import Record, parse_manifest_json, recorded_requests
from tcv_action.oci.image import OciImage
from tcv_action.restore.compare import compare_cache, compare_tree
from tcv_action.restore.destination import Destination, opened
from tcv_action.restore.merge import Merge
from tcv_action.restore.place import check_places, place
from tcv_action.restore.staging import Staging, staging_in
from tcv_action.restore.unpack import Limits, Unpacked, unpack
from tcv_action.triton.cache import Cache, CachedFile, Entry, Helper
from tcv_action.triton.groups import is_group_file, rewrite_group
from tcv_action.triton.listing import read_json_file
from tcv_action.triton.reader import read_entries
from tcv_action.triton.request import Request
from tcv_action.triton.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore left in place: entries and files, with their bytes as the image counts them.

    `kept` counts the entries and helpers (of a framework's cache: the files) that were there
    already and stayed. `skipped` names what was passed
    over: leftovers in the image. `requests` are those that the image records of its warmup.
    """

    destination: Path
    entries: int
    files: int
    bytes: int
    kept: int
    seconds: float
    skipped: tuple[str, ...]
    requests: tuple[Request, ...] = field(default=(), repr=False)


def restore(
    image: OciImage,
    destination: Path,
    *,
    target: Target | None = None,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.monotonic,
    accept: Callable[[Sequence[Record]], None] | None = None,
) -> Restored:
    """Put the image's cache into a folder: of one target, or all of it.

    Nothing comes into the folder before the whole image was read and verified; then each entry
    comes in whole. What is there already is kept, unless Triton could not use it. `accept` is shown
    what manifest.json says of a Triton cache's entries before any comes in, and may raise.

    Raises InputError where the image cannot be trusted or does not hold what its labels say,
    NothingToPackageError where it has no entry for the target, StoreError where disk or store
    refuse.
    """
    started = clock()
    facts = read_contract(image)
    of_kind = Names(facts.kind)
    with opened(destination) as place_to, staging_in(place_to.path) as staging:
        unpacked = unpack(
            image,
            staging,
            root=of_kind.cache_folder,
            manifest_path=of_kind.manifest_file,
            limits=_within(limits or Limits(), facts),
        )
        if accept is not None and facts.kind is Kind.TRITON:
            accept(parse_manifest_json(unpacked.manifest))
        requests = recorded_requests(unpacked.manifest)
        take = _take_cache if facts.kind is Kind.TRITON else _take_tree
        taken = take(facts, unpacked, staging, place_to, target)
    return Restored(
        destination=place_to.path,
        entries=taken.entries,
        files=len(taken.files),
        bytes=sum(file.size for file in taken.files),
        kept=taken.kept,
        seconds=clock() - started,
        skipped=(*unpacked.skipped, *taken.dropped),
        requests=requests,
    )


def _within(limits: Limits, facts: ImageFacts) -> Limits:
    if facts.cache_size_bytes is None or facts.generation is Contract.TCV:
        return limits
    return replace(limits, size=min(limits.size, facts.cache_size_bytes))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    entries: int
    files: tuple[CachedFile, ...]
    kept: int
    dropped: tuple[str, ...]


def _take_cache(
    facts: ImageFacts,
    unpacked: Unpacked,
    staging: Staging,
    destination: Destination,
    target: Target | None,
) -> _Taken:
    held = read_entries(staging.path)
    compare_cache(facts, unpacked, held)
    wanted = held.for_target(target) if target else held
    _relocate(wanted, staging, "", str(destination.path))
    check_places(destination, (folder.key for folder in wanted.folders))
    moved = sum(place(folder, staging.descriptor, destination) for folder in wanted.folders)
    return _Taken(
        entries=len(wanted.entries),
        files=tuple(wanted.files),
        kept=len(wanted.folders) - moved,
        dropped=held.dropped,
    )


def _take_tree(
    facts: ImageFacts,
    unpacked: Unpacked,
    staging: Staging,
    destination: Destination,
    target: Target | None,
) -> _Taken:
    held = read_tree(staging.path)
    compare_tree(facts, unpacked, held)
    if target and target not in facts.targets:
        what = f"The image has nothing for {str(target)!r}."
        said = ", ".join(map(str, facts.targets))
        raise NothingToPackageError(
            what, cause=f"Its label names {said}.", next_step="Name that target, or none."
        )
    entries: dict[str, Entry | Helper] = {}
    for folder, cache in held.triton.items():
        _relocate(cache, staging, f"{folder}/", f"{destination.path}/{folder}")
        entries |= {f"{folder}/{one.key}": one for one in cache.folders}
    kept = Merge(entries=entries).folder(staging.descriptor, destination)
    return _Taken(entries=facts.entry_count, files=held.files, kept=kept, dropped=held.dropped)


def _relocate(cache: Cache, staging: Staging, folder: str, destination: str) -> None:
    """Point the group files of a cache, which lies in `folder` of the staging, to its new place."""
    for one in cache.folders:
        present = {file.name for file in one.files}
        for file in one.files:
            if is_group_file(file.name):
                content = read_json_file(cache.root / file.path, file.path)
                content = rewrite_group(content, key=one.key, prefix=destination, present=present)
                staging.replace(f"{folder}{file.path}", content, executable=file.executable)
