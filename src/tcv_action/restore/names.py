"""Which members of a layer may be written, and where: the names of an archive are not trusted."""

import re
import sys
from typing import NoReturn

from tcv_action.errors import InputError
from tcv_action.oci.untar import FILE, FOLDER, Member

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_COMPONENT_LIMIT = 255
_PATH_LIMIT = 4096 - 256
_DEPTH_LIMIT = 64
_FOLDER = -1


def check_kind(member: Member) -> None:
    """Refuse whatever is neither a plain file nor a folder."""
    if member.kind not in {FILE, FOLDER}:
        refuse(member, f"it is a {member.kind}")


def parts_of(member: Member) -> list[str]:
    """Split a member's name; refuse names that lead elsewhere, or that no file system can hold."""
    # Archives of other tools may begin every name with it.
    name = member.name.removeprefix("./")
    if member.kind == FOLDER:
        name = name.removesuffix("/")
    parts = name.split("/")
    if name.startswith("/"):
        refuse(member, "its name is absolute")
    if any(part in {"", ".", ".."} for part in parts):
        refuse(member, "its name leads out of its folder, or is not plain")
    if any(part.startswith(".wh.") for part in parts):
        refuse(member, "it deletes files of another layer")
    if len(parts) > _DEPTH_LIMIT:
        refuse(member, "its folders are nested too deeply")
    if len(name.encode()) > _PATH_LIMIT or any(
        len(part.encode()) > _COMPONENT_LIMIT for part in parts
    ):
        refuse(member, "its name is too long")
    if _CONTROL.search(name):
        refuse(member, "its name holds control characters")
    return parts


class Ledger:
    """What was taken so far: no name twice in a layer, in two spellings, or as file and folder."""

    def __init__(self) -> None:
        # By folder, by the name in lower case: its spelling, and the layer of a file.
        self._names: dict[str, dict[str, tuple[str, int]]] = {"": {}}

    def note(self, layer: int, member: Member, parts: list[str]) -> bool:
        """Note a member, and tell whether it replaces a file of an earlier layer.

        Refuses one that contradicts an earlier one.
        """
        if member.kind == FOLDER:
            self._note_folder(member, parts)
            return False
        names = self._note_folder(member, parts[:-1])
        earlier = self._note(member, names, parts[-1], layer)
        if earlier in {_FOLDER, layer}:
            refuse(member, "it is there twice")
        return earlier is not None

    def _note_folder(self, member: Member, parts: list[str]) -> dict[str, tuple[str, int]]:
        path = "/".join(parts)
        if path not in self._names:
            above = self._note_folder(member, parts[:-1])
            if self._note(member, above, parts[-1], _FOLDER) is not None:
                refuse(member, f"{path!r} is a file already")
            self._names[path] = {}
        return self._names[path]

    def _note(
        self, member: Member, names: dict[str, tuple[str, int]], name: str, layer: int
    ) -> int | None:
        """Set a name's layer, and return the one that it had."""
        # Kernels of one name lie in many folders.
        name, folded = sys.intern(name), sys.intern(name.casefold())
        spelling, earlier = names.get(folded, (name, None))
        if spelling != name:
            refuse(member, "it is there in another spelling of its name")
        names[folded] = (name, layer)
        return earlier


def refuse(member: Member, why: str) -> NoReturn:
    """Raise InputError that names the member."""
    what = f"The image's layer holds {member.name!r}: {why}."
    raise InputError(
        what,
        cause="The image was not made by a cache tool, or it was made to harm.",
        next_step="Do not use this image. Nothing of it was written to the folder.",
    )
