"""The docker engine's side of a sibling container: one owner of its protocol and its errors."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound

from tcv_action.container.gpus import GpuAccess, host_options
from tcv_action.container.host import HostPaths, host_paths, own_container_id
from tcv_action.container.stream import Stream
from tcv_action.errors import StoreError
from tcv_action.stores.access import Credentials

# Reads until its standard input is closed: which is when we end, however we end.
_IDLE = (
    "import signal, sys\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nsys.stdin.buffer.read()\n"
)
_MOUNTINFO = Path("/proc/self/mountinfo")


class Engine:
    """A docker engine, by its socket."""

    def __init__(self, host: str | None = None, *, mountinfo: Path = _MOUNTINFO) -> None:
        """Connect to `host` (`unix:///var/run/docker.sock`); the engine decides the API version.

        Raises StoreError where no engine answers.
        """
        with _engine_trouble(f"reach the docker engine at {host or 'its usual socket'!r}"):
            self._api: Any = docker.APIClient(base_url=host, version="auto")
        self._own = self._inspect_own(mountinfo)

    @property
    def host_paths(self) -> HostPaths:
        """Which host folders our own folders are."""
        return host_paths(self._own["Mounts"]) if self._own else HostPaths()

    @property
    def network(self) -> str | None:
        """The network of our own container, so that a sibling reaches what we reach."""
        return str(self._own["HostConfig"]["NetworkMode"]) if self._own else None

    def gpu_access(self, root: Path = Path("/")) -> GpuAccess | None:
        """Tell whose GPUs the engine can hand in: NVIDIA's by its runtime, AMD's by the device."""
        with _engine_trouble("tell what it can do"):
            runtimes = self._api.info().get("Runtimes") or {}
        if "nvidia" in runtimes:
            return "nvidia"
        return "amd" if (root / "dev/kfd").exists() else None

    def require_image(self, image: str, credentials: Credentials | None) -> None:
        """Pull the image unless it is here.

        Raises StoreError where it cannot be had.
        """
        with _engine_trouble(f"find the image {image!r}"):
            try:
                self._api.inspect_image(image)
            except ImageNotFound:
                self._pull(image, credentials)

    @contextmanager
    def container(
        self,
        image: str,
        *,
        python: str,
        binds: Sequence[tuple[Path, Path, str]],
        gpu: GpuAccess | None,
        network: str | None,
    ) -> Iterator[str]:
        """Run a container whose only process waits, and remove it at the end, whatever happens.

        `binds` are (host's path, path inside, `ro` or `rw`). The image's entrypoint is replaced by
        its own Python, which ends when our connection does: so the container is gone as well where
        this process is killed outright.

        Raises StoreError where it cannot be started.
        """
        config = {
            "Image": image,
            "Entrypoint": [python, "-I", "-S", "-c", _IDLE],
            "Cmd": [],
            "OpenStdin": True,
            "StdinOnce": True,
            "AttachStdin": True,
            "Labels": {"tcv-action": "warmup"},
            "HostConfig": {
                "AutoRemove": True,
                "Binds": [f"{host}:{inside}:{mode}" for host, inside, mode in binds],
                "NetworkMode": network or self.network or "default",
                **host_options(gpu),
            },
        }
        with _engine_trouble(f"make a container of {image!r}"):
            identity: str = self._api.create_container_from_config(config)["Id"]
        held = None
        try:
            with _engine_trouble(f"start a container of {image!r}", next_step=_START_MENDS):
                params = {"stdin": 1, "stream": 1}
                held = Stream(self._api.attach_socket(identity, params=params))
                self._api.start(identity)
            yield identity
        finally:
            self._remove(identity)
            if held is not None:
                held.close()

    def execute(
        self,
        container: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> tuple[str, Stream]:
        """Start a process in the container; return its id and its output."""
        with _engine_trouble(f"run {command[0]!r} in the container"):
            process = self._api.exec_create(
                container,
                list(command),
                environment=dict(environment or {}),
                workdir=str(folder) if folder else None,
            )["Id"]
            return process, Stream(self._api.exec_start(process, socket=True))

    def exit_code(self, process: str) -> int | None:
        """Return the exit code of a process, None while it runs."""
        with _engine_trouble("ask for a process"):
            state = self._api.exec_inspect(process)
        code: int | None = None if state["Running"] else state["ExitCode"]
        return code

    def put(self, container: str, archive: BinaryIO) -> None:
        """Unpack a tar archive at the container's root."""
        with _engine_trouble("copy files into the container"):
            self._api.put_archive(container, "/", archive)

    def get(self, container: str, path: str) -> Iterator[bytes] | None:
        """Return a tar archive of what is at the path, None where nothing is."""
        with _engine_trouble("copy files out of the container"):
            try:
                chunks: Iterator[bytes] = self._api.get_archive(container, path)[0]
            except NotFound:
                return None
            return chunks

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _pull(self, image: str, credentials: Credentials | None) -> None:
        auth = None
        if credentials is not None:
            auth = {"username": credentials.username, "password": credentials.password}
            if credentials.identity_token:
                auth = {"identitytoken": credentials.identity_token}
        # An error in the middle of a pull comes as an event, without an exception.
        for event in self._api.pull(image, stream=True, decode=True, auth_config=auth):
            if "error" in event:
                raise DockerException(event["error"])

    def _inspect_own(self, mountinfo: Path) -> dict[str, Any] | None:
        try:
            identity = own_container_id(mountinfo.read_text())
        except OSError:
            return None
        if identity is None:
            return None
        with _engine_trouble("ask for our own container"), contextlib.suppress(NotFound):
            # Another engine's container, where it is not found: the socket is of a nested engine.
            own: dict[str, Any] = self._api.inspect_container(identity)
            return own
        return None

    def _remove(self, identity: str) -> None:
        # It removes itself as well when it ends: 404 and 409 say that this was faster.
        with contextlib.suppress(APIError, DockerException):
            self._api.remove_container(identity, force=True, v=True)


_START_MENDS = (
    "Name the Python of the image with --python; for a GPU, install the vendor's container toolkit "
    "on the host."
)


@contextmanager
def _engine_trouble(doing: str, *, next_step: str = "") -> Iterator[None]:
    try:
        yield
    except (DockerException, OSError) as error:
        told = getattr(error, "explanation", None) or str(error)
        what = f"The docker engine could not {doing}."
        raise StoreError(
            what,
            cause=f"It said: {told}",
            next_step=next_step or "Look whether the engine runs and its socket may be used.",
        ) from error
