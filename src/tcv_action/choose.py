"""Choosing, in an index over several targets, the image for one of them."""

from collections.abc import Collection
from dataclasses import dataclass

from tcv_action.errors import IncompatibleError, InputError
from tcv_action.image import read_contract
from tcv_action.oci.image import OciImage
from tcv_action.oci.reference import Reference
from tcv_action.stores import Store
from tcv_action.triton.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The target that was named, and those of this machine's GPUs."""

    target: Target | None
    at_hand: Collection[Target] = ()


def read_image(store: Store, reference: Reference, wanted: Wanted) -> OciImage:
    """Read the image that the reference names; of an index, the one for the wanted target.

    Without a named target this machine's GPU decides, and an index of one image needs no choice.
    Raises IncompatibleError where the index has nothing for the target, InputError where nothing
    decides, and what the store raises.
    """
    index = store.read_index(reference)
    if index is None:
        return store.read(reference)
    images = [store.read(reference.with_digest(one.descriptor.digest)) for one in index.entries]
    return _chosen(images, str(reference), wanted)


def _chosen(images: list[OciImage], name: str, wanted: Wanted) -> OciImage:
    by_target = {target: image for image in images for target in read_contract(image).targets}
    held = ", ".join(str(target) for target in sorted(by_target))
    if wanted.target:
        if wanted.target not in by_target:
            raise _missing(name, str(wanted.target), held)
        return by_target[wanted.target]
    if len(images) == 1:
        return images[0]
    fitting = sorted(set(by_target) & set(wanted.at_hand))
    if len(fitting) == 1:
        return by_target[fitting[0]]
    if wanted.at_hand and not fitting:
        raise _missing(name, ", ".join(str(target) for target in sorted(wanted.at_hand)), held)
    what = f"The index {name!r} holds images for several targets: {held}."
    raise InputError(
        what,
        cause="This machine's GPUs do not decide between them.",
        next_step="Name one with --target.",
    )


def _missing(name: str, wanted: str, held: str) -> IncompatibleError:
    return IncompatibleError(
        f"The index {name!r} holds nothing for {wanted}.",
        cause=f"It holds images for {held}.",
        next_step="Warm up for that target and push the index again.",
    )
