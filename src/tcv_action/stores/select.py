"""The store that a reference belongs to."""

from tcv_action.oci.reference import Reference, Transport
from tcv_action.stores import Store
from tcv_action.stores.access import RegistryAccess
from tcv_action.stores.archive import DockerArchiveStore, OciArchiveStore
from tcv_action.stores.containers_storage import ContainersStorage
from tcv_action.stores.layout import LayoutStore


def open_store(reference: Reference, access: RegistryAccess) -> Store:
    """Return the store of the reference's transport; heavy clients are imported only now."""
    match reference.transport:
        case Transport.REGISTRY:
            from tcv_action.stores.registry.store import RegistryStore  # noqa: PLC0415

            return RegistryStore(access)
        case Transport.OCI:
            return LayoutStore()
        case Transport.OCI_ARCHIVE:
            return OciArchiveStore()
        case Transport.DOCKER_ARCHIVE:
            return DockerArchiveStore()
        case Transport.DOCKER_DAEMON:
            from tcv_action.stores.docker import DockerStore  # noqa: PLC0415

            return DockerStore(access.environment)
        case Transport.CONTAINERS_STORAGE:
            return ContainersStorage(access.environment)
