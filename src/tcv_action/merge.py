"""The images of several targets joined to one OCI index."""

from collections.abc import Sequence
from dataclasses import replace

from tcv_action.errors import InputError
from tcv_action.image import read_contract
from tcv_action.image.names import PREFIX, REVISION, TRITON_VERSION
from tcv_action.oci.image import OciImage
from tcv_action.oci.index import IndexEntry, OciIndex, Platform, build_index
from tcv_action.oci.media_types import MediaTypes
from tcv_action.triton.target import Target


def merge(images: Sequence[OciImage], media_types: MediaTypes = MediaTypes.OCI) -> OciIndex:
    """Join images of one target each: a descriptor per image, in the targets' order.

    A descriptor's annotations name backend, arch, warp size and Triton version, its platform the
    CPU of the host libraries. Raises InputError for two images of one target, and for images that
    were made from different commits.
    """
    _check_revisions(images)
    entries: dict[Target, IndexEntry] = {}
    for image in images:
        for target in read_contract(image).targets:
            if target in entries:
                what = f"Two images are for the target {str(target)!r}: {image.digest!r} is one."
                raise InputError(
                    what,
                    cause="An index holds one image per target.",
                    next_step="Leave one of them out, or push them under tags of their own.",
                )
            entries[target] = _entry(image, target)
    return build_index([entries[target] for target in sorted(entries)], media_types=media_types)


def _check_revisions(images: Sequence[OciImage]) -> None:
    """Images that do not say their commit fit to any."""
    told = {image.digest: read_contract(image).labels.get(REVISION) for image in images}
    commits = {commit: digest for digest, commit in told.items() if commit}
    if len(commits) > 1:
        listed = "\n".join(f"  {digest}: {commit}" for commit, digest in commits.items())
        what = f"The images were made from different commits:\n{listed}"
        raise InputError(
            what,
            cause="One of them is left over from an earlier run.",
            next_step="Run every leg of the matrix again for one commit, then merge.",
        )


def _entry(image: OciImage, target: Target) -> IndexEntry:
    facts = read_contract(image)
    annotations = {
        f"{PREFIX}backend": target.backend,
        f"{PREFIX}arch": target.arch,
        f"{PREFIX}warp-size": str(target.warp_size),
        TRITON_VERSION: facts.triton_version or "",
    }
    known = {name: value for name, value in annotations.items() if value}
    return IndexEntry(
        descriptor=replace(image.descriptor, annotations=known),
        platform=Platform(architecture=facts.architecture),
    )
