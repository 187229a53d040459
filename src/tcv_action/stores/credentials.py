"""Sign-in as docker keeps it: its config.json, credential helpers and identity tokens."""

import warnings
from collections.abc import Mapping

from tcv_action.errors import StoreError
from tcv_action.stores.access import Credentials, RegistryAccess


def credentials_for(domain: str, access: RegistryAccess) -> Credentials | None:
    """Return what signs in to the registry `domain`, or None for an anonymous visit.

    Raises StoreError where docker's configuration or a credential helper fails.
    """
    if access.credentials is not None and access.domain in {None, domain}:
        return access.credentials
    found = _from_docker(domain, access)
    # A file gives lower-case keys, a credential helper capitalised ones.
    entry = {key.lower(): str(value) for key, value in found.items() if value}
    credentials = Credentials(
        username=entry.get("username", ""),
        password=entry.get("password", ""),
        identity_token=entry.get("identitytoken", ""),
    )
    return credentials if credentials != Credentials() else None


def _from_docker(domain: str, access: RegistryAccess) -> Mapping[str, object]:
    from docker import auth, errors  # noqa: PLC0415

    path = None if access.docker_config is None else str(access.docker_config / "config.json")
    try:
        with warnings.catch_warnings():
            # A helper that is missing is said by the error below, once.
            warnings.simplefilter("ignore")
            config = auth.load_config(path)
            return config.resolve_authconfig(domain) or {}
    except (errors.DockerException, ValueError, KeyError) as error:
        what = f"cannot read the sign-in for {domain!r} from docker's configuration: {error}"
        raise StoreError(
            what,
            cause="The file is damaged, or its credential helper is missing or failed.",
            next_step=f"Run 'docker login {domain}' again, or give --registry-username.",
        ) from error
