"""A workspace, an image whose entrypoint would run nothing, and an engine that is looked into."""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.services.docker_engine import DockerEngine

from tcv_action.container import ContainerOptions
from tcv_action.container.engine import Engine

OWNER = (1234, 5678)
GONE_SECONDS = 30.0

SCRIPT = """\
import os
import triton
import triton.language as tl
from triton.runtime.jit import MockTensor

@triton.jit
def scale(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + offsets, tl.load(x_ptr + offsets, mask=offsets < n) * 2)

for kind in (tl.float32, tl.float16):
    x = MockTensor(kind)
    scale.warmup(x, x, 4096, BLOCK=256, grid=(1,))
print("in", os.path.exists("/.dockerenv"), os.environ.get("COLOUR"))
"""


@pytest.fixture(scope="session")
def production_image(docker_engine: DockerEngine, triton_image: str) -> str:
    """Give an image with Triton that starts something of its own, as images for production do."""
    name = "local/production:1"
    container = docker_engine.docker("create", triton_image, "true").stdout.decode().strip()
    change = 'ENTRYPOINT ["/bin/false"]'
    docker_engine.docker("commit", "--change", change, container, name)
    docker_engine.docker("rm", container)
    return name


@pytest.fixture
def engine(docker_engine: DockerEngine) -> Iterator[Engine]:
    """Give our connection to the run's engine."""
    connection = Engine(docker_engine.host)
    yield connection
    connection.close()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Give a checkout that belongs to someone."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / "warm.py").write_text(SCRIPT)
    for path in (folder, folder / "warm.py"):
        os.chown(path, *OWNER)
    return folder


@pytest.fixture
def options(production_image: str, workspace: Path) -> ContainerOptions:
    """Give what a container is made of; the engine of the tests has no bridge."""
    return ContainerOptions(image=production_image, workspace=workspace, network="none")


def containers(docker_engine: DockerEngine) -> list[str]:
    """Return the id of every warmup container that there is."""
    told = docker_engine.docker("ps", "-aq", "--filter", "label=tcv-action").stdout
    return told.decode().split()


def inspected(docker_engine: DockerEngine) -> dict[str, object]:
    """Return the inspection of the one warmup container."""
    (identity,) = containers(docker_engine)
    (found,) = json.loads(docker_engine.docker("inspect", identity).stdout)
    assert isinstance(found, dict)
    return found


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; fail where it does not come about."""
    deadline = time.monotonic() + GONE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
