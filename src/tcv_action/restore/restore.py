"""Restoring an image's Triton cache into a folder."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from tcv_action.errors import InputError
from tcv_action.image import names
from tcv_action.image.contract import ImageFacts, read_contract
from tcv_action.image.options import Contract
from tcv_action.image.records import Record, parse_manifest_json, recorded_requests
from tcv_action.oci.disk import disk_trouble
from tcv_action.oci.image import OciImage
from tcv_action.restore.place import Destination, check_places, place
from tcv_action.restore.staging import Staging, staging_in
from tcv_action.restore.unpack import Limits, Unpacked, unpack
from tcv_action.triton.cache import Cache
from tcv_action.triton.groups import is_group_file, rewrite_group
from tcv_action.triton.reader import metadata_names, read_entries
from tcv_action.triton.request import Request
from tcv_action.triton.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore left in place: entries and files, with their bytes as the image counts them.

    `kept` counts the folders that were there already, complete. `skipped` names what was passed
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
) -> Restored:
    """Put the image's cache into a folder: of one target, or all of it.

    Nothing comes into the folder before the whole image was read and verified; then each entry
    comes in whole. What is there already is kept, unless Triton could not use it.

    Raises InputError where the image cannot be trusted or does not hold what its labels say,
    NothingToPackageError where it has no entry for the target, StoreError where disk or store
    refuse.
    """
    started = clock()
    facts = read_contract(image)
    with _opened(destination) as place_to, staging_in(place_to.path) as staging:
        unpacked = unpack(
            image,
            staging,
            root=names.CACHE_FOLDER,
            manifest_path=names.MANIFEST_FILE,
            limits=_within(limits or Limits(), facts),
        )
        held = read_entries(staging.path)
        _compare(facts, unpacked, held)
        wanted = held.for_target(target) if target else held
        _relocate(wanted, staging, place_to.path)
        moved = _move(wanted, staging, place_to)
    files = list(wanted.files)
    return Restored(
        destination=place_to.path,
        entries=len(wanted.entries),
        files=len(files),
        bytes=sum(file.size for file in files),
        kept=len(wanted.folders) - moved,
        seconds=clock() - started,
        skipped=(*unpacked.skipped, *held.dropped),
        requests=recorded_requests(unpacked.manifest),
    )


@contextmanager
def _opened(destination: Path) -> Iterator[Destination]:
    """Make the folder and hold it open; one that we made is removed if nothing came into it."""
    path = Path(os.path.realpath(destination))
    is_new = not path.exists()
    if not is_new and not path.is_dir():
        what = f"The destination {str(destination)!r} is not a folder."
        raise InputError(
            what,
            cause="A cache is restored into a folder, new or already there.",
            next_step="Name another destination.",
        )
    with disk_trouble(path):
        path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield Destination(path, descriptor)
    finally:
        os.close(descriptor)
        if is_new:
            with suppress(OSError):
                path.rmdir()


def _within(limits: Limits, facts: ImageFacts) -> Limits:
    if facts.cache_size_bytes is None or facts.generation is Contract.TCV:
        return limits
    return replace(limits, size=min(limits.size, facts.cache_size_bytes))


def _compare(facts: ImageFacts, unpacked: Unpacked, held: Cache) -> None:
    """Refuse an image whose labels and manifest.json disagree with what is in it."""
    records = parse_manifest_json(unpacked.manifest)
    size = sum(unpacked.sizes.values())
    count = sum(bool(metadata_names([path.rpartition("/")[2]])) for path in unpacked.sizes)
    if count == 0:
        _disagree("It holds no kernel.")
    if not facts.entry_count == count == len(records):
        _disagree(
            f"Its label says {facts.entry_count} entries, its manifest.json {len(records)},"
            f" and it holds {count}."
        )
    if facts.cache_size_bytes not in {None, size} and facts.generation is Contract.MCV:
        _disagree(f"Its label says {facts.cache_size_bytes} bytes, and it holds {size}.")
    _compare_targets(facts, held, records)


def _compare_targets(facts: ImageFacts, held: Cache, records: Sequence[Record]) -> None:
    if not set(held.targets) <= set(facts.targets):
        said = ", ".join(map(str, facts.targets))
        _disagree(f"Its label names {said}, and it holds {', '.join(map(str, held.targets))}.")
    hashes = {record.get("hash") for record in records}
    for entry in held.entries:
        if entry.hash not in hashes:
            _disagree(f"Its manifest.json does not know the entry {entry.key!r}.")


def _disagree(how: str) -> None:
    what = f"The image's content is not what it says. {how}"
    raise InputError(
        what,
        cause="It was changed after it was built, or built from a cache that was being written.",
        next_step="Build it again from its cache folder.",
    )


def _relocate(cache: Cache, staging: Staging, destination: Path) -> None:
    for folder in cache.folders:
        present = {file.name for file in folder.files}
        for file in folder.files:
            if is_group_file(file.name):
                content = rewrite_group(
                    (staging.path / file.path).read_bytes(),
                    key=folder.key,
                    prefix=str(destination),
                    present=present,
                )
                staging.replace(file.path, content, executable=file.executable)


def _move(cache: Cache, staging: Staging, destination: Destination) -> int:
    check_places(destination, (folder.key for folder in cache.folders))
    return sum(place(folder, staging, destination) for folder in cache.folders)
