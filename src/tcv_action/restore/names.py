"""Which members of a layer may be written, and where: the names of an archive are not trusted."""

import re
from typing import NoReturn

from tcv_action.errors import InputError
from tcv_action.oci.untar import FILE, FOLDER, Member

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_COMPONENT_LIMIT = 255
_PATH_LIMIT = 4096 - 256
_DEPTH_LIMIT = 64


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
        self._spelling: dict[str, str] = {}
        self._layer_of_file: dict[str, int] = {}
        self._folders = {""}

    def note(self, layer: int, member: Member, parts: list[str]) -> None:
        """Note a member; refuse one that contradicts an earlier one.

        A later layer may replace a file of an earlier one.
        """
        path = "/".join(parts)
        self._note_folder(member, path if member.kind == FOLDER else path.rpartition("/")[0])
        if member.kind == FILE:
            self._check_spelling(member, path)
            if path in self._folders or self._layer_of_file.get(path) == layer:
                refuse(member, "it is there twice")
            self._layer_of_file[path] = layer

    def _note_folder(self, member: Member, path: str) -> None:
        if path in self._folders:
            return
        if path in self._layer_of_file:
            refuse(member, f"{path!r} is a file already")
        self._check_spelling(member, path)
        self._note_folder(member, path.rpartition("/")[0])
        self._folders.add(path)

    def _check_spelling(self, member: Member, path: str) -> None:
        if self._spelling.setdefault(path.casefold(), path) != path:
            refuse(member, "it is there in another spelling of its name")


def refuse(member: Member, why: str) -> NoReturn:
    """Raise InputError that names the member."""
    what = f"The image's layer holds {member.name!r}: {why}."
    raise InputError(
        what,
        cause="The image was not made by a cache tool, or it was made to harm.",
        next_step="Do not use this image. Nothing of it was written to the folder.",
    )
