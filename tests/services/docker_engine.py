"""A docker engine of the tests' own: private socket, private data, no bridge, no iptables."""

import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.process import ServiceError, running
from tests.services.tools import require_root, require_tool

# Debian's own client is the one that brings BuildKit's `docker build` along; another may stand
# before it on PATH.
DEBIAN_CLIENT = Path("/usr/bin/docker")


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerEngine:
    """An engine that runs now, on a socket of its own."""

    socket: Path
    client: str
    log: Path

    @property
    def host(self) -> str:
        """The engine's address, as DOCKER_HOST and the docker package want it."""
        return f"unix://{self.socket}"

    @property
    def environment(self) -> Mapping[str, str]:
        """What a child process needs to reach this engine and no other."""
        return {"DOCKER_HOST": self.host}

    def containers(self) -> set[str]:
        """Return the ids of all containers, running or not."""
        return set(self.docker("ps", "--all", "--quiet").stdout.decode().split())

    def docker(
        self, *arguments: str, stdin: bytes | None = None, timeout: float = 300
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the docker client against this engine; raises ServiceError where it fails."""
        done = subprocess.run(
            [self.client, *arguments],
            input=stdin,
            check=False,
            capture_output=True,
            timeout=timeout,
            env={**os.environ, **self.environment, "DOCKER_BUILDKIT": "0"},
        )
        if done.returncode != 0:
            message = f"docker {' '.join(arguments)}: {done.stderr.decode(errors='replace')}"
            raise ServiceError(message)
        return done


@contextmanager
def running_docker_engine(folder: Path) -> Iterator[DockerEngine]:
    """Run an engine whose images and containers live in `folder`; loopback registries are plain HTTP."""
    program = require_tool("dockerd")
    require_root("a docker engine")
    engine = DockerEngine(
        socket=folder / "docker.sock",
        client=str(DEBIAN_CLIENT) if DEBIAN_CLIENT.exists() else require_tool("docker"),
        log=folder / "dockerd.log",
    )
    command = [
        *(program, "--host", engine.host, "--pidfile", str(folder / "docker.pid")),
        *("--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")),
        *("--bridge=none", "--iptables=false", "--ip6tables=false"),
        *("--storage-driver=overlay2", "--insecure-registry=127.0.0.0/8"),
    ]
    try:
        with running(command, ready=lambda: answers(engine), log=engine.log):
            yield engine
    finally:
        _unmount(folder)


def _unmount(folder: Path) -> None:
    # The engine leaves its network namespace and a stopped container's layers mounted.
    mounts = (line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines())
    for mount in sorted(mounts, reverse=True):
        if Path(mount).is_relative_to(folder):
            subprocess.run([require_tool("umount"), "--lazy", mount], check=False)


def answers(engine: DockerEngine) -> bool:
    """Tell whether the engine answers a ping on its socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.settimeout(5)
            connection.connect(str(engine.socket))
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            return b"200 OK" in connection.recv(64)
        except OSError:
            return False
