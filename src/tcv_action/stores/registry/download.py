"""Blobs that stream from a registry, checked while they are read."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

import requests
from urllib3.exceptions import HTTPError

from tcv_action.errors import StoreError
from tcv_action.oci.descriptor import Descriptor
from tcv_action.oci.digest import verified
from tcv_action.stores.registry.answers import broken_off, refused
from tcv_action.stores.registry.connection import take_time
from tcv_action.stores.registry.session import Session

_RESUMPTIONS = 4


class RegistryBlobs:
    """The blobs of one repository."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @contextmanager
    def open_blob(self, descriptor: Descriptor) -> Iterator[BinaryIO]:
        """Open the blob as a stream; see BlobSource."""
        download = _Download(self._session, descriptor)
        place = f"{self._session.repository}@{descriptor.digest}"
        try:
            yield verified(cast("BinaryIO", download), descriptor, place)
        finally:
            download.close()


class _Download:
    """The bytes of a blob; where the connection breaks, they go on from there."""

    def __init__(self, session: Session, descriptor: Descriptor) -> None:
        self._session = session
        self._url = session.url(session.repository.get_blob_url(descriptor.digest))
        self._done = 0
        self._left = _RESUMPTIONS
        self._response = self._request()

    def read(self, size: int) -> bytes:
        while True:
            try:
                data: bytes = self._response.raw.read(size)
            except (HTTPError, OSError) as error:
                self._resume(error)
            else:
                self._done += len(data)
                return data

    def close(self) -> None:
        self._response.close()

    def _request(self) -> requests.Response:
        headers = {"Range": f"bytes={self._done}-"} if self._done else {}
        seconds = self._session.patience.transfer
        response = self._session.call("GET", self._url, headers=headers, seconds=seconds)
        if response.status_code != (206 if self._done else 200):
            raise refused(response, f"read {str(self._session.repository)!r}", self._session.host)
        return take_time(response)

    def _resume(self, error: Exception) -> None:
        self._response.close()
        self._left -= 1
        if self._left < 0 or isinstance(error, TimeoutError):
            raise broken_off(self._session.host, self._done, error) from error
        try:
            self._response = self._request()
        except StoreError as second:
            raise broken_off(self._session.host, self._done, error) from second
