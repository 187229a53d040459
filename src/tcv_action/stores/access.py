"""How to reach registries: who signs in, over which protocol, and with how much patience."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What signs in: a user and password, or an identity token (OAuth2 refresh token)."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a registry may take, in seconds.

    `contact`: all of the first contact, sign-in included. `answer`: all of the answer to a request
    without content. `transfer`: a pause within content. `commit`: the answer to an uploaded blob,
    which the registry hashes first. `retry`: all attempts of one request together.
    """

    contact: float = 7.5
    answer: float = 7.0
    transfer: float = 60.0
    commit: float = 300.0
    retry: float = 7.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryAccess:
    """How registries are reached.

    `credentials` go to the registry `domain` (`ghcr.io`) and, where it is None, to every registry
    that a reference names; all others are signed in to as docker's configuration says.
    `docker_config` is the folder that DOCKER_CONFIG names; None leaves docker's own search.
    `insecure` allows plain HTTP and unknown certificates beyond loopback hosts. `environment` is
    what local engines and their tools see (DOCKER_HOST, PATH); None is this process's own.
    """

    credentials: Credentials | None = None
    domain: str | None = None
    docker_config: Path | None = None
    insecure: bool = False
    environment: Mapping[str, str] | None = None
    patience: Patience = field(default_factory=Patience)
