"""Unpacking an image into a staging folder, with every check on names and amounts."""

from contextlib import closing
from dataclasses import dataclass, field

from tcv_action.errors import InputError
from tcv_action.oci.image import OciImage
from tcv_action.oci.layer_reader import read_layers
from tcv_action.oci.untar import FOLDER, Member
from tcv_action.restore.names import Ledger, check_kind, parts_of, refuse
from tcv_action.restore.staging import Staging
from tcv_action.triton.reader import is_leftover, metadata_names

# What manifest.json may have, in bytes and in JSON's values: a record and a request for each entry,
# an entry has several files, and Python needs 25 times the bytes of the smallest values.
_MANIFEST_LIMIT = 256 << 20
_MANIFEST_BYTES, _MANIFEST_VALUES = 1 << 20, 4096
_BYTES_OF_FILE, _VALUES_OF_FILE = 16 << 10, 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much an image may hold: bytes of all files, and members."""

    size: int = 64 << 30
    members: int = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """What came out: files and their bytes, metadata of kernels among them, manifest.json.

    `skipped` names the leftovers that were passed over.
    """

    files: int
    size: int
    kernels: int
    manifest: bytes
    skipped: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class _Unpacking:
    staging: Staging
    root: str
    manifest_path: str
    limits: Limits
    members: int = 0
    files: int = 0
    size: int = 0
    kernels: int = 0
    skipped_size: int = 0
    ledger: Ledger = field(default_factory=Ledger)
    manifest: bytes | None = None
    skipped: list[str] = field(default_factory=list)


def unpack(
    image: OciImage, staging: Staging, *, root: str, manifest_path: str, limits: Limits
) -> Unpacked:
    """Write the files under `root` of all layers into the staging folder.

    When it returns, every digest was right. Raises InputError that names the member for anything
    but plain files and folders below `root` and the manifest, for doubles, and beyond the limits.
    """
    work = _Unpacking(staging=staging, root=root, manifest_path=manifest_path, limits=limits)
    with closing(read_layers(image)) as members:
        for layer, member in members:
            _take(work, layer, member)
    if work.manifest is None:
        what = f"The image holds no {manifest_path!r}."
        raise InputError(
            what,
            cause="It is no image of a cache, or it was made by hand.",
            next_step="Build it with tcv create.",
        )
    _check_manifest(work.manifest, manifest_path, work.files)
    return Unpacked(
        files=work.files,
        size=work.size,
        kernels=work.kernels,
        manifest=work.manifest,
        skipped=tuple(work.skipped),
    )


def _take(work: _Unpacking, layer: int, member: Member) -> None:
    _count(work, member)
    check_kind(member)
    parts = parts_of(member)
    replaces = work.ledger.note(layer, member, parts)
    if member.kind == FOLDER:
        _take_folder(work, member, parts)
    elif "/".join(parts) == work.manifest_path:
        if member.size > _MANIFEST_LIMIT:
            refuse(member, f"it has {member.size} bytes")
        work.manifest = b"".join(bytes(piece) for piece in member.content)
    elif parts[0] == work.root and len(parts) > 1:
        _take_file(work, member, parts[1:], replaces=replaces)
    else:
        refuse(member, f"it is not under {work.root!r}")


def _take_folder(work: _Unpacking, member: Member, parts: list[str]) -> None:
    if parts[0] not in {work.root, work.manifest_path.partition("/")[0]}:
        refuse(member, f"it is not under {work.root!r}")
    if parts[0] == work.root and len(parts) > 1 and not any(map(is_leftover, parts[1:])):
        work.staging.make_folder("/".join(parts[1:]))


def _take_file(work: _Unpacking, member: Member, parts: list[str], *, replaces: bool) -> None:
    path = "/".join(parts)
    leftover = any(map(is_leftover, parts))
    if replaces and not leftover:
        work.size -= work.staging.remove(path)
    if work.size + work.skipped_size + member.size > work.limits.size:
        refuse(member, f"with it, the image has more than the {work.limits.size} bytes it may have")
    if leftover:
        work.skipped_size += member.size
        work.skipped.append(path)
        return
    if not replaces:
        work.files += 1
        work.kernels += len(metadata_names(parts[-1:]))
    work.staging.write(path, member.content, executable=member.executable)
    work.size += member.size


def _count(work: _Unpacking, member: Member) -> None:
    work.members += 1
    if work.members > work.limits.members:
        refuse(member, f"the image has more than {work.limits.members} members")


def _check_manifest(content: bytes, path: str, files: int) -> None:
    """Refuse a manifest.json that is too much for that many files, before it is parsed."""
    if (
        len(content) > _MANIFEST_BYTES + _BYTES_OF_FILE * files
        or content.count(b",") > _MANIFEST_VALUES + _VALUES_OF_FILE * files
    ):
        what = f"The image's {path!r} has {len(content)} bytes, for {files} files of a cache."
        raise InputError(
            what,
            cause="The image was not made by a cache tool, or it was made to harm.",
            next_step="Do not use this image. Nothing of it was written to the folder.",
        )
