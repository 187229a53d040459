"""Which members of a layer may be written, and where: the names of an archive are not trusted."""

from typing import NoReturn

from tcv_action.errors import InputError
from tcv_action.oci.untar import FILE, FOLDER, Member

_COMPONENT_LIMIT = 255
_PATH_LIMIT = 4096 - 256


def check_kind(member: Member) -> None:
    """Refuse whatever is neither a plain file nor a folder."""
    if member.kind not in {FILE, FOLDER}:
        refuse(member, f"it is a {member.kind}")


def parts_of(member: Member) -> list[str]:
    """Split a member's name; refuse names that lead elsewhere, or that no file system can hold."""
    name = member.name
    if member.kind == FOLDER:
        name = name.removesuffix("/")
    parts = name.split("/")
    if name.startswith("/"):
        refuse(member, "its name is absolute")
    if any(part in {"", ".", ".."} for part in parts):
        refuse(member, "its name leads out of its folder, or is not plain")
    if any(part.startswith(".wh.") for part in parts):
        refuse(member, "it deletes files of another layer")
    if len(name.encode()) > _PATH_LIMIT or any(
        len(part.encode()) > _COMPONENT_LIMIT for part in parts
    ):
        refuse(member, "its name is too long")
    if not name.isprintable():
        refuse(member, "its name holds control characters")
    return parts


def refuse(member: Member, why: str) -> NoReturn:
    """Raise InputError that names the member."""
    what = f"The image's layer holds {member.name!r}: {why}."
    raise InputError(
        what,
        cause="The image was not made by a cache tool, or it was made to harm.",
        next_step="Do not use this image. Nothing of it was written to the folder.",
    )
