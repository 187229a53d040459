"""Images in registries: exact manifests, streamed blobs, nothing sent that is there."""

from collections.abc import Sequence
from dataclasses import replace

from tcv_action.oci.image import OciImage
from tcv_action.oci.index import OciIndex
from tcv_action.oci.reference import Reference
from tcv_action.stores import Pushed
from tcv_action.stores.access import RegistryAccess
from tcv_action.stores.reading import check_digest, image_of, index_of
from tcv_action.stores.registry.download import RegistryBlobs
from tcv_action.stores.registry.manifests import fetch_manifest, has_manifest, put_manifest
from tcv_action.stores.registry.opening import open_session
from tcv_action.stores.registry.session import Session
from tcv_action.stores.registry.upload import send_blob

_PULL = "pull"
_PUSH = "pull,push"


class RegistryStore:
    """Reads and writes `docker://` references; each repository is signed in to once."""

    def __init__(self, access: RegistryAccess) -> None:
        self._access = access
        self._sessions: dict[tuple[str, str], Session] = {}

    def read(self, reference: Reference) -> OciImage:
        """Return the image; its layers stream from the registry, checked.

        Raises InputError for an index, StoreError where the registry fails or says no.
        """
        session = self._session(reference, _PULL)
        descriptor, data = fetch_manifest(session, reference)
        return image_of(reference, descriptor, data, RegistryBlobs(session))

    def read_index(self, reference: Reference) -> OciIndex | None:
        """Return the index that the reference names; None where it names a single image."""
        return index_of(*fetch_manifest(self._session(reference, _PULL), reference))

    def read_manifest(self, reference: Reference) -> bytes:
        """Return the manifest or index that the reference names, exact to the byte."""
        return fetch_manifest(self._session(reference, _PULL), reference)[1]

    def write(self, image: OciImage, reference: Reference) -> Pushed:
        """Push the image under the reference's tag, or by digest alone where it has none."""
        check_digest(image.digest, reference)
        session = self._session(reference, _PUSH)
        sent = 0
        if not has_manifest(session, reference, image.descriptor):
            for blob in (*image.layers, image.config_descriptor):
                sent += send_blob(session, blob, image.blobs)
            sent += put_manifest(session, reference, image.descriptor, image.manifest)
        return Pushed(reference=reference, digest=image.digest, uploaded_bytes=sent)

    def write_index(
        self, index: OciIndex, images: Sequence[OciImage], reference: Reference
    ) -> Pushed:
        """Push the images by digest, then the index that joins them under the reference."""
        check_digest(index.digest, reference)
        sent = 0
        for image in images:
            by_digest = replace(reference, tag=None, digest=image.digest)
            sent += self.write(image, by_digest).uploaded_bytes
        session = self._session(reference, _PUSH)
        if not has_manifest(session, reference, index.descriptor):
            sent += put_manifest(session, reference, index.descriptor, index.data)
        return Pushed(reference=reference, digest=index.digest, uploaded_bytes=sent)

    def _session(self, reference: Reference, actions: str) -> Session:
        """Return a session that may do this; one that may push may pull as well."""
        for allowed in (actions, _PUSH):
            session = self._sessions.get((reference.name, allowed))
            if session is not None:
                return session
        session = open_session(reference, self._access, actions)
        self._sessions[reference.name, actions] = session
        return session
