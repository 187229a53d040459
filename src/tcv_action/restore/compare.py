"""Comparing what an image says of itself with what came out of it."""

from collections.abc import Sequence
from typing import NoReturn

from tcv_action.errors import InputError
from tcv_action.frameworks.detect import Kind
from tcv_action.frameworks.tree import Tree
from tcv_action.image.contract import ImageFacts
from tcv_action.image.options import Contract
from tcv_action.image.records import Record, parse_framework_manifest, parse_manifest_json
from tcv_action.restore.unpack import Unpacked
from tcv_action.triton.cache import Cache
from tcv_action.triton.target import Target


def compare_cache(facts: ImageFacts, unpacked: Unpacked, held: Cache) -> None:
    """Refuse a Triton image whose labels and manifest.json disagree with what is in it.

    Raises InputError that says how.
    """
    records = parse_manifest_json(unpacked.manifest)
    if unpacked.kernels == 0:
        _disagree("It holds no kernel.")
    if not facts.entry_count == unpacked.kernels == len(records):
        _disagree(
            f"Its label says {facts.entry_count} entries, its manifest.json {len(records)},"
            f" and it holds {unpacked.kernels}."
        )
    _compare_size(facts, unpacked.size)
    _compare_targets(facts, held.targets)
    _compare_hashes(held, records)


def compare_tree(facts: ImageFacts, unpacked: Unpacked, held: Tree) -> None:
    """Refuse an image of a framework's cache as `compare_cache` does.

    mcv counts folders in which it finds nothing too, so a count may be more than the records.
    """
    if not unpacked.files:
        _disagree("It holds no file.")
    records = parse_framework_manifest(unpacked.manifest, facts.kind)
    if facts.kind is Kind.VLLM and len(records) > facts.entry_count:
        _disagree(f"Its label says {facts.entry_count} entries, its manifest.json {len(records)}.")
    _compare_size(facts, unpacked.size)
    _compare_targets(facts, held.targets)


def _compare_size(facts: ImageFacts, size: int) -> None:
    if facts.cache_size_bytes not in {None, size} and facts.generation is Contract.MCV:
        _disagree(f"Its label says {facts.cache_size_bytes} bytes, and it holds {size}.")


def _compare_targets(facts: ImageFacts, targets: Sequence[Target]) -> None:
    if not set(targets) <= set(facts.targets):
        said, held = ", ".join(map(str, facts.targets)), ", ".join(map(str, targets))
        _disagree(f"Its label names {said}, and it holds {held}.")


def _compare_hashes(held: Cache, records: Sequence[Record]) -> None:
    hashes = {record.get("hash") for record in records}
    for entry in held.entries:
        if entry.hash not in hashes:
            _disagree(f"Its manifest.json does not know the entry {entry.key!r}.")


def _disagree(how: str) -> NoReturn:
    what = f"The image's content is not what it says. {how}"
    raise InputError(
        what,
        cause="It was changed after it was built, or built from a cache that was being written.",
        next_step="Build it again from its cache folder.",
    )
