"""Fixtures that start real services, and the rule that CI may skip nothing.

A service or program that is missing skips its tests on a contributor's machine, with the reason
naming what to install; with CI=true in the environment such a skip is a failure.
"""

import os
import signal
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from tests.services.docker_engine import DockerEngine, running_docker_engine
from tests.services.fault_proxy import FaultProxy, running_fault_proxy
from tests.services.github_api import running_github_api
from tests.services.images import add_triton, build_action, import_base
from tests.services.interpreters import (
    NEWER,
    OLDEST,
    TORCH,
    TRITON,
    Interpreter,
    interpreter,
    require_python,
)
from tests.services.registry import Registry, running_registry
from tests.services.small_github import SmallGitHub, running_small_github
from tests.services.tools import require_tool

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108


def pytest_configure() -> None:
    """Keep temporary folders in memory, and let SIGTERM end the services as Ctrl-C does."""
    if os.access(SHARED_MEMORY, os.W_OK):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(SHARED_MEMORY))
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Let one worker start the docker engine and build its images, for all."""
    # The lowest supported packages are tried without xdist.
    from tests.services.scheduler import OneEngine  # noqa: PLC0415

    return OneEngine(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure in CI, save for tests that need a GPU."""
    report = yield
    if item.get_closest_marker("gpu") is None and not hasattr(report, "wasxfail"):
        _fail_skip_in_ci(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the skip of a whole module into a failure in CI."""
    report = yield
    _fail_skip_in_ci(report)
    return report


def _fail_skip_in_ci(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped, which is a failure in CI: {_reason(report.longrepr)}"


def _reason(longrepr: object) -> str:
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)


@pytest.fixture
def tool() -> Callable[[str], str]:
    """Give `tool("skopeo")`: the program's path, or a skip that names the package to install."""
    return require_tool


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Give a registry without sign-in, shared by the run: choose repository names of your own."""
    with running_registry(tmp_path_factory.mktemp("registry")) as service:
        yield service


@pytest.fixture(scope="session")
def registry_with_login(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Give a registry that wants `username` and `password`."""
    folder = tmp_path_factory.mktemp("registry-with-login")
    with running_registry(folder, username="tester", password="a-Secret-4-tests") as service:
        yield service


@pytest.fixture(scope="session")
def docker_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerEngine]:
    """Give a docker engine of the run's own; loopback registries are plain HTTP to it."""
    with running_docker_engine(tmp_path_factory.mktemp("docker")) as service:
        yield service


@pytest.fixture(scope="session")
def github_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a mock of GitHub's API, made from GitHub's own description of it."""
    with running_github_api(tmp_path_factory.mktemp("github-api")) as url:
        yield url


@pytest.fixture
def faulty_github_api(github_api: str) -> Iterator[FaultProxy]:
    """Give a proxy before `github_api` that keeps the requests and fails where it is told to."""
    with running_fault_proxy(github_api) as proxy:
        yield proxy


@pytest.fixture
def small_github() -> Iterator[SmallGitHub]:
    """Give a small GitHub that remembers what was written to it."""
    with running_small_github() as github:
        yield github


@pytest.fixture
def faulty_github(small_github: SmallGitHub) -> Iterator[FaultProxy]:
    """Give a proxy before `small_github` that keeps the requests and fails where it is told to."""
    with running_fault_proxy(small_github.url) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def base_image(docker_engine: DockerEngine) -> str:
    """Give the name of a small Debian with Python in the run's engine."""
    return import_base(docker_engine)


@pytest.fixture(scope="session")
def action_image(docker_engine: DockerEngine, base_image: str) -> str:
    """Give the name of the image that the Dockerfile makes on `base_image`."""
    return build_action(docker_engine, base_image)


@pytest.fixture(scope="session")
def triton_image(docker_engine: DockerEngine, base_image: str) -> str:
    """Give the name of an image with Triton in its Python 3.11, as production would run it."""
    return add_triton(docker_engine, base_image, "local/triton:1")


@pytest.fixture(scope="session")
def action_with_triton(docker_engine: DockerEngine, action_image: str) -> str:
    """Give the name of the action's image with Triton beside it, as a self-made image would be."""
    return add_triton(docker_engine, action_image, "local/tcv-action-triton:1")


@pytest.fixture(scope="session", params=[(OLDEST,), NEWER], ids=["oldest", "newer"])
def python_with_triton(request: pytest.FixtureRequest) -> Interpreter:
    """Give Python 3.11 and one newer, each with Triton and without PyTorch: two runs a test."""
    version, python = require_python(*request.param)
    return interpreter(python, version, [TRITON])


@pytest.fixture(scope="session")
def python_with_torch() -> Interpreter:
    """Give Python 3.11 with Triton and PyTorch's CPU build."""
    version, python = require_python(OLDEST)
    return interpreter(python, version, [TRITON, TORCH])
