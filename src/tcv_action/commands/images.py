"""The image that a person named, read from where it is."""

from pathlib import Path

from tcv_action.choose import Wanted, read_image
from tcv_action.commands.scripts import targets_at_hand
from tcv_action.errors import InputError
from tcv_action.oci.image import OciImage
from tcv_action.oci.reference import Reference, Transport
from tcv_action.stores.access import RegistryAccess
from tcv_action.stores.local import find_image
from tcv_action.triton.target import Target


def named_image(text: str, access: RegistryAccess, target: Target | None) -> OciImage:
    """Read the image; an index is resolved by the target, else by this machine's GPU."""
    store, reference = find_image(Reference.parse(text), access)
    wanted = Wanted(target=target, at_hand=targets_at_hand() if target is None else ())
    return read_image(store, reference, wanted)


def folder_or_reference(text: str) -> Path | Reference:
    """Take what is a folder here for a folder, and anything else for an image's reference."""
    if text.startswith(tuple(transport.prefix for transport in Transport)):
        return Reference.parse(text)
    if Path(text).is_dir():
        return Path(text)
    if text.startswith((".", "/", "~")):
        what = f"There is no cache folder {text!r}."
        raise InputError(
            what,
            cause="The path is mistyped, or nothing has been compiled yet.",
            next_step="Give the folder that TRITON_CACHE_DIR named, or an image's reference.",
        )
    return Reference.parse(text)
