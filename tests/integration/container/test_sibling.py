"""Our code inside a container that has the engine's socket, as a container action has it."""

import importlib.util
import os
from pathlib import Path

import pytest
from tests.integration.container.conftest import OWNER, containers
from tests.services.cache import ROOT
from tests.services.docker_engine import DockerEngine

pytestmark = [pytest.mark.docker, pytest.mark.triton]

# The code lies in the container alone, as in the action's image: the host does not know the probe.
PROGRAM = """
import shutil, sys
shutil.copytree("/source/tcv_action", "/opt/code/tcv_action")
sys.path.insert(0, "/opt/code")
from pathlib import Path
from tcv_action.container import ContainerOptions, running_container
from tcv_action.container.engine import Engine
from tcv_action.errors import InputError
from tcv_action.triton.script import Script
from tcv_action.triton.target import Target
from tcv_action.triton.warmup import warm_up

workspace = Path("/github/workspace")
engine = Engine()
try:
    with running_container(engine, ContainerOptions(image="IMAGE", workspace=Path("/opt"))):
        pass
except InputError as error:
    print(error.what)
options = ContainerOptions(image="IMAGE", workspace=workspace / "sub")
with running_container(engine, options) as place:
    warmup = warm_up(
        Script(argv=("../warm.py",), cwd=workspace / "sub"),
        Target.parse("cuda:90"),
        workspace / "cache",
        interpreter=place,
        timeout=300,
        on_output=print,
        gpu=False,
    )
print(len(warmup.requests), "requests")
"""


def packages() -> list[str]:
    """Return mounts of the packages that the code needs, all of them plain Python."""
    names = ("docker", "requests", "urllib3", "idna", "certifi", "charset_normalizer", "yaml")
    places = []
    for name in names:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        folder = Path(spec.origin).parent
        places.append(f"--volume={folder}:/packages/{name}:ro")
    return places


def test_the_workspace_of_a_container_is_the_siblings_too(
    docker_engine: DockerEngine, production_image: str, base_image: str, workspace: Path
) -> None:
    (workspace / "sub").mkdir()
    os.chown(workspace / "sub", *OWNER)
    told = docker_engine.docker(
        "run",
        "--rm",
        "--network=none",
        f"--volume={docker_engine.socket}:/var/run/docker.sock",
        f"--volume={workspace}:/github/workspace",
        f"--volume={ROOT / 'src'}:/source:ro",
        *packages(),
        "--env=PYTHONPATH=/packages",
        base_image,
        "python3",
        "-c",
        PROGRAM.replace("IMAGE", production_image),
    ).stdout.decode()
    assert told.splitlines() == [
        "The folder '/opt' is not visible to the docker engine's host.",
        "in True None",
        "2 requests",
    ]
    assert containers(docker_engine) == []
    paths = list(workspace.rglob("*"))
    assert {(path.stat().st_uid, path.stat().st_gid) for path in paths} == {OWNER}
    assert not [path for path in paths if "tcv-probe" in path.name]
