"""Sending a blob: streamed in one piece, and in chunks where a registry demands them.

Source: OCI distribution specification 1.1, "Pushing blobs".
"""

from urllib.parse import quote, urljoin, urlsplit

import requests

from tcv_action.errors import StoreError
from tcv_action.oci.descriptor import BlobSource, Descriptor
from tcv_action.stores.registry.answers import PASSING, UnreachableError, body, refused
from tcv_action.stores.registry.headers import whole_number
from tcv_action.stores.registry.request import Body
from tcv_action.stores.registry.session import Session

_CHUNK = 8 << 20
_LARGEST_CHUNK = 64 << 20
# Answers to a whole blob that a smaller piece may not get.
_TOO_MUCH = frozenset({405, 413, 501})
_STORED = frozenset({201, 204})
# Some registries answer a chunk as others answer a whole blob.
_CHUNK_TAKEN = _STORED | {202}
_HEADERS = {"Content-Type": "application/octet-stream"}
_PAUSE = 0.5


def send_blob(session: Session, descriptor: Descriptor, blobs: BlobSource) -> int:
    """Send a blob unless the registry has it; return how many bytes were sent.

    Memory: one chunk at most. Raises StoreError where the registry says no, or breaks off in each
    of four attempts.
    """
    if session.blob_exists({"digest": descriptor.digest}, session.repository):
        return 0
    ways = [_whole, _whole, _in_chunks, _in_chunks]
    while True:
        way = ways.pop(0)
        try:
            response = way(session, descriptor, blobs)
        except UnreachableError as error:
            if not (ways and error.passing):
                raise
        else:
            if response.status_code in _STORED:
                body(response)
                return descriptor.size
            if way is _whole and response.status_code in _TOO_MUCH:
                ways = [_in_chunks, _in_chunks]
            elif not ways or not _worth_another(session, response):
                raise refused(response, f"push to {str(session.repository)!r}", session.host)
            response.close()
        session.patience.sleep(_PAUSE)


def _worth_another(session: Session, response: requests.Response) -> bool:
    if response.status_code == 401:
        return session.renew(response)
    return response.status_code in PASSING


def _whole(session: Session, descriptor: Descriptor, blobs: BlobSource) -> requests.Response:
    """Send all bytes in one request, as they are read."""
    url, _ = _begin(session)
    with blobs.open_blob(descriptor) as stream:
        return session.call(
            "PUT",
            _closing(url, descriptor),
            data=Body(stream, descriptor.size) if descriptor.size else b"",
            headers=_HEADERS,
            seconds=session.patience.commit,
        )


def _in_chunks(session: Session, descriptor: Descriptor, blobs: BlobSource) -> requests.Response:
    """Send a piece in each request."""
    url, smallest = _begin(session)
    size = min(max(_CHUNK, smallest), _LARGEST_CHUNK)
    start = 0
    with blobs.open_blob(descriptor) as stream:
        while chunk := stream.read(size):
            end = start + len(chunk) - 1
            response = session.call(
                "PATCH",
                url,
                data=Body.of(chunk),
                headers={**_HEADERS, "Content-Range": f"{start}-{end}"},
                seconds=session.patience.transfer,
            )
            if response.status_code not in _CHUNK_TAKEN:
                return response
            body(response)
            url = _location(session, response)
            start = end + 1
    closing = _closing(url, descriptor)
    return session.call("PUT", closing, data=b"", seconds=session.patience.commit)


def _begin(session: Session) -> tuple[str, int]:
    """Open an upload; return its address and the smallest chunk that the registry takes."""
    url = session.url(session.repository.upload_blob_url())
    response = session.call("POST", url, data=b"", headers=_HEADERS)
    if response.status_code != 202:
        raise refused(response, f"push to {str(session.repository)!r}", session.host)
    body(response)
    smallest = whole_number(response.headers.get("OCI-Chunk-Min-Length", ""))
    return _location(session, response), smallest or 0


def _location(session: Session, response: requests.Response) -> str:
    """Return where the upload goes on. On another host no sign-in is shown: see Session.ours."""
    location = response.headers.get("Location", "")
    try:
        url = urljoin(response.url, location)
        scheme = urlsplit(url).scheme
    except ValueError:
        url, scheme = location, ""
    if not location or scheme not in {"https", session.scheme}:
        what = f"the registry {session.host!r} sends the upload to {url!r}"
        cause = "It names no address, or one that is not protected by TLS as its own is."
        raise StoreError(what, cause=cause, next_step="Ask who runs the registry.")
    return url


def _closing(url: str, descriptor: Descriptor) -> str:
    """Return the address that ends the upload; what it holds already stays, as it may be signed."""
    return f"{url}{'&' if '?' in url else '?'}digest={quote(descriptor.digest, safe='')}"
