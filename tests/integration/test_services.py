"""The services that the other tests stand on."""

import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.services.docker_engine import DockerEngine
from tests.services.fault_proxy import FaultProxy
from tests.services.interpreters import Interpreter
from tests.services.process import ServiceError, free_port, running
from tests.services.registry import Registry


@pytest.mark.registry
def test_a_registry_answers(registry: Registry) -> None:
    with urllib.request.urlopen(f"http://{registry.host}/v2/_catalog") as answer:
        assert b"repositories" in answer.read()


@pytest.mark.registry
def test_a_registry_with_login_refuses_strangers(registry_with_login: Registry) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"http://{registry_with_login.host}/v2/")


@pytest.mark.docker
def test_an_engine_loads_and_lists(docker_engine: DockerEngine, tool: Callable[[str], str]) -> None:
    docker_engine.docker("import", "-", "empty:1", stdin=bytes(10240))
    assert tool("dockerd")
    assert b"empty" in docker_engine.docker("images").stdout


@pytest.mark.tools
def test_the_api_checks_what_it_is_asked(github_api: str) -> None:
    with urllib.request.urlopen(f"{github_api}/repos/octo/project") as answer:
        assert b"full_name" in answer.read()
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{github_api}/no/such/thing/there")


@pytest.mark.tools
def test_a_proxy_fails_as_told_and_then_no_more(faulty_github_api: FaultProxy) -> None:
    faulty_github_api.answer("GET", "/repos/", status=503, headers={"retry-after": "1"})
    url = f"{faulty_github_api.url}/repos/octo/project"

    with pytest.raises(urllib.error.HTTPError, match="503"):
        urllib.request.urlopen(url)
    with urllib.request.urlopen(url) as answer:
        assert answer.status == 200
    assert len(faulty_github_api.requests("GET", "/repos/octo")) == 2


@pytest.mark.triton
def test_triton_is_there_and_torch_is_not(python_with_triton: Interpreter) -> None:
    assert python_with_triton.path.is_file()
    assert not python_with_triton.has_torch


def test_a_service_is_ended_by_its_id(tmp_path: Path) -> None:
    with running(["sleep", "60"], ready=lambda: True, log=tmp_path / "log") as process:
        assert process.poll() is None
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_a_service_that_dies_shows_its_log(tmp_path: Path) -> None:
    command = ["sh", "-c", f"echo no port {free_port()}; exit 3"]
    with (
        pytest.raises(ServiceError, match=r"exited with 3:\nno port"),
        running(command, ready=lambda: False, log=tmp_path / "log"),
    ):
        pytest.fail("a service that died was called ready")
