"""Plain names: where one is looked for, and which local store takes one."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from tcv_action.errors import StoreError
from tcv_action.oci.reference import Reference, Transport
from tcv_action.stores import Store
from tcv_action.stores.access import RegistryAccess
from tcv_action.stores.containers_storage import ContainersStorage, installed_program
from tcv_action.stores.select import open_store


class Builder(StrEnum):
    """What the original tool called the programs that own the local stores."""

    BUILDAH = "buildah"
    DOCKER = "docker"


def find_image(reference: Reference, access: RegistryAccess) -> tuple[Store, Reference]:
    """Return the store that has a plain name, and the reference there.

    It is looked for in docker, then in containers-storage, then in the registry; a local store
    that is absent or fails is passed over. A reference that names its transport is not looked for
    elsewhere.
    """
    if reference.explicit or reference.transport is not Transport.REGISTRY:
        return open_store(reference, access), reference
    environment = access.environment
    return (
        _in_docker(_at(reference, Transport.DOCKER_DAEMON), environment)
        or _in_storage(_at(reference, Transport.CONTAINERS_STORAGE), environment)
        or (open_store(reference, access), reference)
    )


def local_place(
    reference: Reference, environment: Mapping[str, str] | None, builder: Builder | None = None
) -> Reference:
    """Return the plain name as a reference to the local store: buildah's, else docker's.

    Raises StoreError where neither is there, or the wanted one is not.
    """
    program = installed_program(environment)
    owners = {None: ("buildah", "podman"), Builder.BUILDAH: ("buildah", "podman", "skopeo")}
    if program in owners.get(builder, ()):
        return _at(reference, Transport.CONTAINERS_STORAGE)
    if builder is not Builder.BUILDAH and _docker_answers(environment):
        return _at(reference, Transport.DOCKER_DAEMON)
    what = f"there is no local store for the image {reference.image!r}"
    step = f"Write it to a folder (oci:FOLDER:TAG), or push it to {reference.domain!r} (--push)."
    raise StoreError(what, cause=_ABSENT[builder], next_step=step)


_ABSENT = {
    None: "Neither buildah nor podman is installed, and no docker engine answers.",
    Builder.BUILDAH: "Neither buildah, podman nor skopeo is installed.",
    Builder.DOCKER: "No docker engine answers.",
}


def _at(reference: Reference, transport: Transport) -> Reference:
    return replace(reference, transport=transport, explicit=True)


def _in_docker(
    there: Reference, environment: Mapping[str, str] | None
) -> tuple[Store, Reference] | None:
    from tcv_action.stores.docker import DockerStore  # noqa: PLC0415

    try:
        store = DockerStore(environment)
        return (store, there) if store.has(there) else None
    except StoreError:
        return None


def _in_storage(
    there: Reference, environment: Mapping[str, str] | None
) -> tuple[Store, Reference] | None:
    if installed_program(environment) is None or (not there.tag and there.digest):
        return None
    store = ContainersStorage(environment)
    return (store, there) if store.has(there) else None


def _docker_answers(environment: Mapping[str, str] | None) -> bool:
    from tcv_action.stores.docker import DockerStore  # noqa: PLC0415

    try:
        DockerStore(environment)
    except StoreError:
        return False
    return True
