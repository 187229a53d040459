"""Manifests and indexes in a registry, exact to the byte."""

from tcv_action.oci import document
from tcv_action.oci.descriptor import Descriptor
from tcv_action.oci.digest import check, describe, is_digest
from tcv_action.oci.manifest import manifest_type
from tcv_action.oci.media_types import INDEXES, MANIFESTS
from tcv_action.oci.reference import DEFAULT_TAG, Reference
from tcv_action.stores.registry.answers import body, refused
from tcv_action.stores.registry.session import Session

_ACCEPT = {"Accept": ", ".join((*MANIFESTS, *INDEXES))}
_DIGEST = "Docker-Content-Digest"
_STORED = frozenset({201, 202, 204})


def fetch_manifest(session: Session, reference: Reference) -> tuple[Descriptor, bytes]:
    """Return the manifest or index that the reference names, its digest checked.

    Raises StoreError where it is not there or is not what its digest says, InputError where it is
    of an unknown kind or too large.
    """
    name = reference.digest or reference.tag or DEFAULT_TAG
    url = session.url(session.repository.manifest_url(name))
    response = session.call("GET", url, headers=_ACCEPT)
    if response.status_code != 200:
        raise refused(response, f"read {reference.image!r}", session.host)
    data = body(response, document.MANIFEST_LIMIT)
    if len(data) > document.MANIFEST_LIMIT:
        document.refuse("manifest", f"it has more than {document.MANIFEST_LIMIT} bytes")
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
    known = media_type if media_type in (*MANIFESTS, *INDEXES) else None
    descriptor = describe(data, manifest_type(document.load(data, "manifest"), known))
    _check(data, descriptor, reference.digest or response.headers.get(_DIGEST), session.host)
    return descriptor, data


def has_manifest(session: Session, reference: Reference, descriptor: Descriptor) -> bool:
    """Whether the registry has exactly this manifest under the reference's tag or digest."""
    url = _address(session, reference, descriptor)
    response = session.call("HEAD", url, headers=_ACCEPT)
    if response.status_code == 404:
        return False
    if response.status_code != 200:
        raise refused(response, f"push {reference.image!r}", session.host)
    return response.headers.get(_DIGEST) == descriptor.digest


def put_manifest(
    session: Session, reference: Reference, descriptor: Descriptor, data: bytes
) -> int:
    """Name an image whose blobs are there; return how many bytes were sent.

    Raises StoreError where the registry refuses it, or keeps it under another digest.
    """
    response = session.call(
        "PUT",
        _address(session, reference, descriptor),
        data=data,
        headers={"Content-Type": descriptor.media_type},
        seconds=session.patience.transfer,
    )
    if response.status_code not in _STORED:
        raise refused(response, f"push {reference.image!r}", session.host)
    body(response)
    _check(data, descriptor, response.headers.get(_DIGEST), session.host)
    return len(data)


def _address(session: Session, reference: Reference, descriptor: Descriptor) -> str:
    untagged = descriptor.digest if reference.digest else DEFAULT_TAG
    return session.url(session.repository.manifest_url(reference.tag or untagged))


def _check(data: bytes, descriptor: Descriptor, digest: str | None, host: str) -> None:
    """Raise StoreError where the registry names other bytes than these; it need not name any."""
    if digest is not None and is_digest(digest):
        named = Descriptor(media_type=descriptor.media_type, digest=digest, size=len(data))
        check(data, named, host)
