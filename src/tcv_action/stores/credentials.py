"""Sign-in as docker keeps it: its config.json, credential helpers and identity tokens."""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path

from tcv_action.errors import StoreError
from tcv_action.stores.access import Credentials, RegistryAccess

_DAMAGE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


def credentials_for(domain: str, access: RegistryAccess) -> Credentials | None:
    """Return what signs in to the registry `domain`, or None for an anonymous visit.

    Raises StoreError where docker's configuration or a credential helper fails.
    """
    if access.credentials is not None and access.domain in {None, domain}:
        return access.credentials
    entry = _from_docker(domain, access)
    credentials = Credentials(
        username=entry.get("username", ""),
        password=entry.get("password", ""),
        identity_token=entry.get("identitytoken", ""),
    )
    return credentials if credentials != Credentials() else None


def _from_docker(domain: str, access: RegistryAccess) -> Mapping[str, str]:
    from docker import auth, errors  # noqa: PLC0415
    from docker.utils.config import find_config_file  # noqa: PLC0415

    path = None if access.docker_config is None else str(access.docker_config / "config.json")
    try:
        with warnings.catch_warnings():
            # A helper that is missing is said by the error below, once.
            warnings.simplefilter("ignore")
            config = auth.load_config(path, _config_json(Path(str(find_config_file(path)))))
            return _texts(config.resolve_authconfig(domain) or {})
    # docker's reader trusts the file to be of its shape: what else is raised is what came of that.
    except (errors.DockerException, OSError, *_DAMAGE) as error:
        what = f"cannot read the sign-in for {domain!r} from docker's configuration: {error}"
        raise StoreError(
            what,
            cause="The file is damaged, or its credential helper is missing or failed.",
            next_step=f"Run 'docker login {domain}' again, or give --registry-username.",
        ) from error


def _config_json(file: Path) -> dict[str, object] | None:
    """Read a config.json; None where docker found no file, or only its forerunner .dockercfg.

    docker's own reader takes a damaged file for an empty one, and the visit would be anonymous.
    Raises OSError or ValueError.
    """
    if file.name != "config.json":
        return None
    # docker takes an empty file as well.
    document = json.loads(file.read_bytes().strip() or b"{}")
    if not isinstance(document, dict):
        message = "it holds no JSON object"
        raise ValueError(message)  # noqa: TRY004
    return document


def _texts(entry: Mapping[str, object]) -> dict[str, str]:
    """Return what signs in; ValueError where it has characters that cannot be sent."""
    # A file gives lower-case keys, a credential helper capitalised ones.
    texts = {key.lower(): str(value) for key, value in entry.items() if value}
    for text in texts.values():
        text.encode()
    return texts
