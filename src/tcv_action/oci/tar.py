"""Tar headers, byte for byte the same wherever they are written.

ustar, with a pax header where ustar has no room. Source: POSIX.1-2017, pax, "ustar Interchange
Format" and "pax Extended Header". Owner is 0:0, without names; modes are 0644 and 0755.
"""

BLOCK = 512
END = bytes(2 * BLOCK)
"""What closes an archive: two empty blocks."""

_FILE = b"0"
_FOLDER = b"5"
_PAX = b"x"
_NAME_LIMIT = 100
_PREFIX_LIMIT = 155
# Eleven octal digits.
_SIZE_LIMIT = 8**11 - 1


def file_header(name: str, *, size: int, executable: bool, mtime: int) -> bytes:
    """Return the header blocks of a regular file; its content and `padding(size)` follow."""
    mode = 0o755 if executable else 0o644
    return _member(name, size=size, mode=mode, mtime=mtime, kind=_FILE)


def folder_header(name: str, *, mtime: int) -> bytes:
    """Return the header blocks of a folder; the name ends with a slash in the archive."""
    return _member(f"{name}/", size=0, mode=0o755, mtime=mtime, kind=_FOLDER)


def padding(size: int) -> bytes:
    """Return the zeros that fill a content of that size up to a whole block."""
    return bytes(-size % BLOCK)


def _member(name: str, *, size: int, mode: int, mtime: int, kind: bytes) -> bytes:
    encoded = name.encode()
    records = []
    split = _split(encoded) if encoded.isascii() else None
    if split is None:
        records.append(_pax_record("path", name))
        split = (_stand_in(encoded), b"")
    if size > _SIZE_LIMIT:
        records.append(_pax_record("size", str(size)))
    header = _header(*split, size=min(size, _SIZE_LIMIT), mode=mode, mtime=mtime, kind=kind)
    return _pax_member(b"".join(records), split[0], mtime) + header if records else header


def _pax_member(records: bytes, name: bytes, mtime: int) -> bytes:
    pax_name = b"PaxHeaders/" + name[-80:]
    header = _header(pax_name, b"", size=len(records), mode=0o644, mtime=mtime, kind=_PAX)
    return header + records + padding(len(records))


def _pax_record(keyword: str, value: str) -> bytes:
    body = f" {keyword}={value}\n".encode()
    length = len(body)
    # The length counts its own digits too.
    while length != len(body) + len(str(length)):
        length = len(body) + len(str(length))
    return str(length).encode() + body


def _split(name: bytes) -> tuple[bytes, bytes] | None:
    if len(name) <= _NAME_LIMIT:
        return name, b""
    cut = name.rfind(b"/", 0, min(_PREFIX_LIMIT + 1, len(name) - 1))
    if cut <= 0 or len(name) - cut - 1 > _NAME_LIMIT:
        return None
    return name[cut + 1 :], name[:cut]


def _stand_in(name: bytes) -> bytes:
    return name.decode().encode("ascii", "replace")[-_NAME_LIMIT:].lstrip(b"/")


def _header(name: bytes, prefix: bytes, *, size: int, mode: int, mtime: int, kind: bytes) -> bytes:
    head = b"%-100b%07o\0%07o\0%07o\0%011o\0%011o\0" % (_nul(name, 100), mode, 0, 0, size, mtime)
    tail = b"%b%b%b00%b%b%07o\0%07o\0%b" % (
        kind, bytes(100), b"ustar\0", bytes(32), bytes(32), 0, 0, _nul(prefix, 155),
    )  # fmt: skip
    tail = tail.ljust(BLOCK - 156, b"\0")
    checksum = sum(head) + sum(tail) + 8 * ord(" ")
    return b"%b%06o\0 %b" % (head, checksum, tail)


def _nul(text: bytes, width: int) -> bytes:
    return text.ljust(width, b"\0")
