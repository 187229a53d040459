"""The action's image: what is in it, and what is not."""

import json

import pytest
from tests.services.docker_engine import DockerEngine

pytestmark = pytest.mark.docker

RUN = ("run", "--rm", "--network=none")


def test_it_shows_its_version(docker_engine: DockerEngine, action_image: str) -> None:
    shown = docker_engine.docker(*RUN, action_image, "--version").stdout

    assert b"tcv" in shown


def test_its_entrypoint_is_explicit(docker_engine: DockerEngine, action_image: str) -> None:
    config = json.loads(docker_engine.docker("inspect", action_image).stdout)[0]["Config"]

    assert config["Entrypoint"] == ["/opt/tcv/bin/tcv"]


@pytest.mark.parametrize("program", ["sh", "tail"])
def test_kubernetes_mode_finds_what_it_starts(
    docker_engine: DockerEngine, action_image: str, program: str
) -> None:
    find = ("--entrypoint", "/bin/sh", action_image, "-c", f"command -v {program}")

    assert docker_engine.docker(*RUN, *find).stdout


@pytest.mark.parametrize("program", ["cc", "gcc", "/opt/tcv/bin/pip"])
def test_nothing_in_it_builds(docker_engine: DockerEngine, action_image: str, program: str) -> None:
    find = ("--entrypoint", "/bin/sh", action_image, "-c", f"! command -v {program}")

    assert not docker_engine.docker(*RUN, *find).stdout


@pytest.mark.parametrize("module", ["triton", "torch"])
def test_it_leaves_compiling_to_the_user(
    docker_engine: DockerEngine, action_image: str, module: str
) -> None:
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is not None)"
    python = ("--entrypoint", "/opt/tcv/bin/python", action_image, "-c", code)

    assert docker_engine.docker(*RUN, *python).returncode == 0


def test_its_packages_are_the_locked_ones(docker_engine: DockerEngine, action_image: str) -> None:
    code = (
        "import importlib.metadata as m, json;"
        "print(json.dumps({d.name: d.version for d in m.distributions()}))"
    )
    python = ("--entrypoint", "/opt/tcv/bin/python", action_image, "-c", code)
    installed = json.loads(docker_engine.docker(*RUN, *python).stdout)

    assert {"oras", "docker", "PyGithub", "actions-toolkit", "PyYAML"} <= installed.keys()
    assert not {"pip", "setuptools", "hatchling", "pytest"} & installed.keys()
