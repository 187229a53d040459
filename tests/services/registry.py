"""Debian's docker-registry on a loopback port, its storage in a folder of the test run."""

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.services.process import free_port, running
from tests.services.tools import require_tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """A registry that runs now: `host` is `127.0.0.1:PORT`, `storage` its folder on disk."""

    host: str
    storage: Path
    log: Path
    username: str = ""
    password: str = field(default="", repr=False)

    def name(self, repository: str) -> str:
        """Return the image name of a repository here, without a transport."""
        return f"{self.host}/{repository}"


@contextmanager
def running_registry(folder: Path, *, username: str = "", password: str = "") -> Iterator[Registry]:
    """Run a registry with delete enabled, behind basic sign-in where a username is given."""
    program = require_tool("docker-registry")
    registry = Registry(
        host=f"127.0.0.1:{free_port()}",
        storage=folder / "storage",
        log=folder / "registry.log",
        username=username,
        password=password,
    )
    config = folder / "config.yml"
    config.write_text(json.dumps(_config(registry, folder)))
    with running(
        [program, "serve", str(config)], ready=lambda: answers(registry), log=registry.log
    ):
        yield registry


def answers(registry: Registry) -> bool:
    """Tell whether the registry serves the API's base, signed in or not."""
    try:
        with urllib.request.urlopen(f"http://{registry.host}/v2/", timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code == 401
    except OSError:
        return False


def _config(registry: Registry, folder: Path) -> dict[str, object]:
    config: dict[str, object] = {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(registry.storage)},
            "delete": {"enabled": True},
        },
        "http": {"addr": registry.host},
    }
    if registry.username:
        config["auth"] = {"htpasswd": {"realm": "tests", "path": str(_htpasswd(registry, folder))}}
    return config


def _htpasswd(registry: Registry, folder: Path) -> Path:
    path = folder / "htpasswd"
    command = [require_tool("htpasswd"), "-Bbn", registry.username, registry.password]
    path.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    return path
