"""Group files: where Triton looks for the parts of an entry, and how to move them.

Triton (`runtime/cache.py`, `get_group`) drops each child of `__grp__K.json` whose path does not
exist, and then compiles again: a cache that moves needs every group file rewritten.
"""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from tcv_action.errors import InputError
from tcv_action.strict_json import loads

GROUP_PREFIX = "__grp__"
# No half of a character either: what a byte that is not UTF-8 came as.
_BAKED = re.compile(r"baked:(?P<path>/[^\0\ud800-\udfff]*)")


@dataclass(frozen=True, slots=True)
class PathStyle:
    """What stands in front of `KEY/file` in group files.

    `.triton/cache` is the portable form, which every reader that rewrites at all understands; an
    absolute folder is for caches that are mounted exactly there.
    """

    prefix: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `portable` or `baked:/PATH`.

        Raises InputError for anything else.
        """
        if text == "portable":
            return cls(".triton/cache")
        match = _BAKED.fullmatch(text)
        parts = match["path"].split("/") if match else [".."]
        if match is None or not {".", ".."}.isdisjoint(parts):
            what = f"The path style {text!r} is unknown."
            raise InputError(
                what,
                cause="It is 'portable', or 'baked:' with the absolute folder of the mount.",
                next_step="Write for example portable or baked:/root/.triton/cache.",
            )
        return cls("/" + "/".join(part for part in parts if part))

    def __str__(self) -> str:
        """Write the text that `parse` reads back to this value."""
        return f"baked:{self.prefix}" if self.prefix.startswith("/") else "portable"


PORTABLE = PathStyle.parse("portable")


def is_group_file(name: str) -> bool:
    """Tell a group file by its name."""
    return name.startswith(GROUP_PREFIX) and name.endswith(".json")


def rewrite_group(content: bytes, *, key: str, prefix: str, present: Collection[str]) -> bytes:
    """Point a group file's children to `PREFIX/KEY/name`, byte for byte as Triton writes it.

    `present` holds the names of the files beside the group file; a child that is none of them is
    left out, so no path of a hostile group file survives. The paths that stood there do not matter.

    Raises InputError where the content is no group file.
    """
    folder = f"{prefix.rstrip('/')}/{key}"
    children = {name: f"{folder}/{name}" for name in children_of(content, key) if name in present}
    return json.dumps({"child_paths": children}).encode()


def children_of(content: bytes, key: str) -> dict[str, object]:
    """Read a group file's children: name → path as it stands there.

    Raises InputError where the content is no group file.
    """
    try:
        group = loads(content)
    except ValueError:
        group = None
    match group:
        case {"child_paths": dict(children)}:
            return children
        case _:
            what = f"The group file of the entry {key!r} is broken."
            raise InputError(
                what,
                cause="Triton writes a JSON object with 'child_paths' there.",
                next_step="Remove that entry's folder, or fill the cache again.",
            )
