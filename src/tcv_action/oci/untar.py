"""Reading a tar as a stream, strictly: checksums verified, sizes bounded, nothing guessed.

ustar with GNU's long names (`L`) and pax (`x`: path and size). Sources: POSIX.1-2017, pax; GNU tar
manual, "Basic Tar Format".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from tcv_action.errors import InputError
from tcv_action.oci.tar import BLOCK

FILE = "file"
FOLDER = "folder"
_KINDS = {
    b"0": FILE, b"\0": FILE, b"5": FOLDER, b"1": "hard link", b"2": "symbolic link",
    b"3": "character device", b"4": "block device", b"6": "pipe", b"S": "sparse file",
}  # fmt: skip
_EXTRA_LIMIT = 1 << 20
_PADDING_LIMIT = 1 << 20
_OCTAL = re.compile(rb"[0-7]{1,12}")
_DECIMAL = re.compile(rb"[0-9]{1,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member: `kind` is `file`, `folder` or the name of what else it is.

    `content` yields the bytes of a file once, while the member is the current one.
    """

    name: str
    kind: str
    size: int
    executable: bool
    content: Iterator[memoryview]


def read_tar(pieces: Iterator[bytes]) -> Iterator[Member]:
    """Yield the members in their order, and read `pieces` to the end.

    Raises InputError for what breaks the format, and where the archive is cut off.
    """
    source = _Source(pieces)
    extra: dict[bytes, bytes] = {}
    while (header := source.block()) is not None:
        kind = header[156:157]
        size = _number(header[124:136], header)
        _verify(header)
        if kind in b"xLKg":
            _take_extra(extra, kind, source.preface(size))
            continue
        name, size = _overridden(extra, header, size)
        content = source.content(size)
        yield Member(
            name=name,
            kind=_kind(kind, extra),
            size=size,
            executable=bool(_number(header[100:108], header) & 0o100),
            content=content,
        )
        for _ in content:
            pass
        source.skip_padding(size)
        extra.clear()
    source.end()


class _Source:
    """The pieces as a stream of blocks."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._view = memoryview(b"")

    def block(self) -> bytes | None:
        """Return the next header, or None at the empty block that closes the archive."""
        header = self.exact(BLOCK)
        return header if any(header) else None

    def exact(self, size: int) -> bytes:
        """Return that many bytes."""
        if len(self._view) >= size:
            taken = self._view[:size]
            self._view = self._view[size:]
            return bytes(taken)
        return b"".join(self.content(size))

    def preface(self, size: int) -> bytes:
        """Return the content of a header that speaks of the next member."""
        if size > _EXTRA_LIMIT:
            _refuse(f"a header has {size} bytes")
        content = self.exact(size)
        self.skip_padding(size)
        return content

    def skip_padding(self, size: int) -> None:
        """Pass over what fills the last block of a content of that size."""
        self.exact(-size % BLOCK)

    def content(self, size: int) -> Iterator[memoryview]:
        """Yield that many bytes, as they come."""
        while size:
            if not self._view:
                self._view = memoryview(next(self._pieces, b""))
                if not self._view:
                    _refuse("it is cut off")
            taken = self._view[:size]
            self._view = self._view[len(taken) :]
            size -= len(taken)
            yield taken

    def end(self) -> None:
        """Read what follows the archive: zeros, and not many."""
        count = 0
        tail = bytes(self._view)
        while True:
            count += len(tail)
            if tail.count(0) != len(tail) or count > _PADDING_LIMIT:
                _refuse("other bytes follow its end")
            tail = next(self._pieces, b"")
            if not tail:
                return


def _kind(kind: bytes, extra: dict[bytes, bytes]) -> str:
    return "sparse file" if b"sparse" in extra else _KINDS.get(kind, f"member of type {kind!r}")


def _verify(header: bytes) -> None:
    told = _number(header[148:156], header)
    if told != sum(header) - sum(header[148:156]) + 8 * ord(" "):
        _refuse(f"the checksum of the header {header[:100].rstrip(bytes(1))!r} is wrong")


def _number(field: bytes, header: bytes) -> int:
    if field[0] == 0x80:
        # GNU's base-256, for numbers that octal digits have no room for.
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if not digits:
        return 0
    if not _OCTAL.fullmatch(digits):
        _refuse(f"the header {header[:100].rstrip(bytes(1))!r} holds a broken number")
    return int(digits, 8)


def _take_extra(extra: dict[bytes, bytes], kind: bytes, content: bytes) -> None:
    """Keep what a header before the real one says of it; GNU's link names do not matter."""
    if kind == b"L":
        extra[b"path"] = content.rstrip(b"\0")
    elif kind in b"xg":
        records = dict(_pax_records(content))
        if kind == b"g":
            if records.keys() & {b"path", b"size"}:
                _refuse("a pax header names all members alike")
            return
        if any(key.startswith(b"GNU.sparse") for key in records):
            extra[b"sparse"] = b""
        extra.update((key, records[key]) for key in (b"path", b"size") if key in records)


def _pax_records(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    while content:
        length_text = content.partition(b" ")[0]
        if not _DECIMAL.fullmatch(length_text):
            _refuse("a pax header is broken")
        length = int(length_text)
        record, content = content[:length], content[length:]
        key, equals, value = record[len(length_text) + 1 : -1].partition(b"=")
        if len(record) != length or not equals or record[-1:] != b"\n":
            _refuse("a pax header is broken")
        yield key, value


def _overridden(extra: dict[bytes, bytes], header: bytes, size: int) -> tuple[str, int]:
    name = extra.get(b"path")
    if name is None:
        name = header[:100].partition(b"\0")[0]
        prefix = header[345:500].partition(b"\0")[0] if header[257:263] == b"ustar\0" else b""
        name = prefix + b"/" + name if prefix else name
    if b"size" in extra:
        if not _DECIMAL.fullmatch(extra[b"size"]):
            _refuse("a pax header is broken")
        size = int(extra[b"size"])
    if b"\0" in name:
        _refuse(f"the name {name!r} holds a NUL")
    try:
        return name.decode(), size
    except UnicodeDecodeError:
        _refuse(f"the name {name!r} is not UTF-8")


def _refuse(flaw: str) -> NoReturn:
    what = f"The layer cannot be unpacked: {flaw}."
    raise InputError(
        what,
        cause="It was damaged, or made to harm.",
        next_step="Build the image again from its cache folder; do not trust this one.",
    )
