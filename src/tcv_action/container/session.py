"""A container for the length of a run: image, mounts, setup commands, removal."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tcv_action.container.engine import Engine
from tcv_action.container.gpus import GpuAccess
from tcv_action.container.place import PROBE_FILE, ContainerPlace
from tcv_action.container.transfer import Owner
from tcv_action.errors import WarmupError
from tcv_action.stores.access import Credentials
from tcv_action.triton.interpreter import PROBE

# Who a process of the container is, and the variables that its image sets.
_WHO = "import json, os\nprint(json.dumps([os.getuid(), os.getgid(), dict(os.environ)]))\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerOptions:
    """What a warmup container is made of.

    `workspace` is our folder that the script lies in: it is mounted under the same path, and what
    comes out of the container gets its owner. `network` is the engine's name of a network; None
    takes our own container's, else the engine's default.
    """

    image: str
    workspace: Path
    python: str = "python3"
    gpu: GpuAccess | None = None
    credentials: Credentials | None = None
    network: str | None = None


@contextmanager
def running_container(engine: Engine, options: ContainerOptions) -> Iterator[ContainerPlace]:
    """Start a container of the image, pulled if need be; remove it when the block is left.

    Raises InputError where the host does not know the workspace, StoreError where the engine
    refuses, WarmupError where the image's Python does not run.
    """
    engine.require_image(options.image, options.credentials)
    host, inside = engine.host_paths.bind(options.workspace)
    with ExitStack() as stack:
        probe = stack.enter_context(_probe_for_host(engine, options.workspace))
        container = stack.enter_context(
            engine.container(
                options.image,
                python=options.python,
                binds=[(host, inside, "rw"), (probe, Path(PROBE_FILE), "ro")],
                gpu=options.gpu,
                network=options.network,
            )
        )
        user, environment = _who(engine, container, options.python)
        yield ContainerPlace(
            engine=engine,
            container=container,
            image=options.image,
            python=options.python,
            user=user,
            environment=environment,
            owner=_owner(options.workspace),
            workspace=options.workspace,
        )


@contextmanager
def _probe_for_host(engine: Engine, workspace: Path) -> Iterator[Path]:
    """Return the host's path of the probe: a copy in the workspace, where it sees only that."""
    paths = engine.host_paths
    if paths.knows(PROBE):
        source, seen = paths.bind(PROBE)
        yield source / PROBE.relative_to(seen) if source != seen else PROBE
        return
    with tempfile.TemporaryDirectory(prefix=".tcv-probe-", dir=workspace) as folder:
        copy = Path(shutil.copy(PROBE, folder))
        source, seen = paths.bind(copy)
        yield source / copy.relative_to(seen)


def _who(engine: Engine, container: str, python: str) -> tuple[Owner, Mapping[str, str]]:
    _, stream = engine.execute(container, [python, "-I", "-S", "-c", _WHO])
    told = stream.read_all().decode(errors="replace")
    stream.close()
    try:
        user, group, environment = json.loads(told)
    except ValueError as error:
        what = f"The Python {python!r} of the container does not run."
        raise WarmupError(
            what,
            cause=f"It said: {told.strip()[:500]}",
            next_step="Name the Python that the image has with --python.",
        ) from error
    return Owner(user, group), environment


def _owner(workspace: Path) -> Owner | None:
    # Only root may give files away; anyone else's files are theirs already.
    if os.geteuid() != 0:
        return None
    status = workspace.stat()
    return Owner(status.st_uid, status.st_gid)
