"""Finding out how a registry is spoken to: over TLS, or plain HTTP where that is allowed."""

import ipaddress

from tcv_action.errors import StoreError
from tcv_action.oci.reference import Reference
from tcv_action.stores.access import RegistryAccess
from tcv_action.stores.credentials import credentials_for
from tcv_action.stores.registry.answers import UnreachableError
from tcv_action.stores.registry.session import Repository, Session
from tcv_action.stores.registry.sign_in import SignIn


def open_session(reference: Reference, access: RegistryAccess, actions: str) -> Session:
    """Return a signed-in session with the reference's repository; `actions` are pull, or pull,push.

    Plain HTTP is spoken to loopback hosts, and to others where `access.insecure`. Raises
    StoreError where the registry is not there or says no.
    """
    patience = access.patience
    begun = patience.clock()
    if _plain_allowed(reference.registry_host, access):
        # A server of plain HTTP ends a greeting in TLS at once; the other way round it may wait.
        try:
            return _opened(reference, access, actions, "https", patience.contact)
        except UnreachableError:
            left = patience.contact - (patience.clock() - begun)
            if left < patience.contact / 2:
                raise
        return _opened(reference, access, actions, "http", left)
    return _opened(reference, access, actions, "https", patience.contact)


def _opened(
    reference: Reference, access: RegistryAccess, actions: str, scheme: str, seconds: float
) -> Session:
    session = _session(reference, access, actions, scheme)
    try:
        session.contact(seconds)
    except StoreError:
        session.session.close()
        raise
    return session


def _plain_allowed(host: str, access: RegistryAccess) -> bool:
    return access.insecure or is_loopback(host)


def _session(reference: Reference, access: RegistryAccess, actions: str, scheme: str) -> Session:
    host = reference.registry_host
    sign_in = SignIn(
        credentials_for(reference.domain, access),
        host=reference.domain,
        repository=reference.repository,
        actions=actions,
    )
    return Session(
        sign_in,
        Repository(host, reference.repository),
        scheme=scheme,
        verify=not _plain_allowed(host, access),
        insecure=access.insecure,
        patience=access.patience,
    )


def is_loopback(host: str) -> bool:
    """Whether the host, with or without a port, is this machine itself."""
    name = host.removeprefix("[").partition("]")[0] if "]" in host else host.partition(":")[0]
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
