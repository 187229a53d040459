"""The image or folder that a caller names."""

import os
from collections.abc import Mapping
from pathlib import Path

from tcv_action.choose import Wanted, read_image
from tcv_action.errors import InputError
from tcv_action.gpus.gpu import Inventory
from tcv_action.here import inventory_here
from tcv_action.oci.disk import is_folder_here
from tcv_action.oci.image import OciImage
from tcv_action.oci.reference import Reference, Transport
from tcv_action.stores.access import RegistryAccess
from tcv_action.stores.local import find_image
from tcv_action.triton.target import Target


def named_image(
    image: str,
    *,
    target: Target | str | None = None,
    gpus: Inventory | None = None,
    access: RegistryAccess | None = None,
) -> OciImage:
    """Return the image that a reference names, its layers unread; of an index, as `extract` does.

    Raises IncompatibleError where an index has nothing for the target or the GPUs, InputError
    where nothing decides, StoreError where the store fails.
    """
    gpus = inventory_here() if gpus is None else gpus
    return found_image(image, target_of(target), gpus, access or RegistryAccess())[1]


def folder_or_reference(place: Path | str) -> Path | Reference:
    """Take what is a folder here for a folder, and any other text for an image's reference.

    Raises InputError where it looks like a folder that is not there, or is no reference;
    StoreError where the disk does not tell.
    """
    if isinstance(place, Path):
        return place
    if place.startswith(tuple(transport.prefix for transport in Transport)):
        return Reference.parse(place)
    if is_folder_here(Path(place)):
        return Path(place)
    if place.startswith((".", "/", "~")):
        what = f"There is no cache folder {place!r}."
        raise InputError(
            what,
            cause="The path is mistyped, or nothing has been compiled yet.",
            next_step="Give the folder that TRITON_CACHE_DIR named, or an image's reference.",
        )
    return Reference.parse(place)


def found_image(
    image: str, target: Target | None, gpus: Inventory, access: RegistryAccess
) -> tuple[Reference, OciImage]:
    """Return where a name was found, and the image; raises as `named_image` does."""
    store, reference = find_image(Reference.parse(image), access)
    wanted = Wanted(target=target, at_hand=gpus.targets)
    return reference, read_image(store, reference, wanted)


def target_of(target: Target | str | None) -> Target | None:
    """Read a target that was given as text; raises InputError for what is none."""
    return Target.parse(target) if isinstance(target, str) else target


def environ_of(access: RegistryAccess) -> Mapping[str, str]:
    """Return the environment variables that interpreters and folders are looked up in."""
    # A program that calls us has one environment, which is an edge as a command's is.
    return os.environ if access.environment is None else access.environment  # noqa: TID251
