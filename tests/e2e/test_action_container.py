"""The action's container, started exactly as GitHub's runner starts it."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.caches import unpack_native_h100
from tests.services.cache import ROOT
from tests.services.docker_engine import DockerEngine
from tests.services.registry import Registry
from tests.services.runner import Runner, StepResult

pytestmark = [pytest.mark.docker, pytest.mark.registry]

# Whom a hosted runner's workspace belongs to.
OWNER = 1001
SPEAKS = """
print("::set-output name=digest::evil")
print("::add-mask::added")
print("::error file=a.py,line=1::from the script")
print("::stop-commands::mine")
"""


@pytest.fixture
def runner(docker_engine: DockerEngine, tmp_path: Path) -> Runner:
    """Give a runner whose workspace has a user's scripts and a user's cache."""
    made = Runner(folder=tmp_path, engine=docker_engine)
    made.workspace.mkdir(parents=True)
    shutil.copy(ROOT / "examples" / "vector_add.py", made.workspace)
    unpack_native_h100(made.workspace)
    script = (ROOT / "examples" / "vector_add.py").read_text()
    (made.workspace / "speaks.py").write_text(script + SPEAKS)
    (made.workspace / "fails.py").write_text("import triton\n\nraise SystemExit(3)\n")
    for path in [made.workspace, *made.workspace.rglob("*")]:
        os.chown(path, OWNER, OWNER)
    return made


def step(runner: Runner, container: str, /, **inputs: str) -> StepResult:
    """Run `tcv run` with the action's inputs; `cache_dir` stands for `cache-dir`."""
    named = {name.replace("_", "-"): value for name, value in inputs.items()}
    return runner.step(container, inputs=named, arguments=["run"])


def test_an_existing_cache_becomes_an_image_of_the_workspace(
    runner: Runner, action_image: str
) -> None:
    done = step(runner, action_image, cache_dir="native.gone", dry_run="true")

    assert done.code == 0, done.raw
    assert done.outputs["digest"].startswith("sha256:")
    assert "cuda:90" in done.summary
    assert (runner.workspace / "tcv-out" / "oci" / "index.json").is_file()


def test_what_it_writes_belongs_to_the_workspaces_owner(runner: Runner, action_image: str) -> None:
    step(runner, action_image, cache_dir="native.gone", dry_run="true")

    foreign = [path for path in runner.workspace.rglob("*") if path.stat().st_uid != OWNER]
    assert not foreign


def test_it_pushes_behind_a_login_and_no_secret_appears(
    runner: Runner,
    action_image: str,
    registry_with_login: Registry,
    docker_engine: DockerEngine,
    tool: Callable[[str], str],
) -> None:
    login = registry_with_login
    before = docker_engine.containers()
    done = step(
        runner,
        action_image,
        cache_dir="native.gone",
        image=login.name("action/native:v1"),
        registry_username=login.username,
        registry_password=login.password,
    )

    assert done.code == 0, done.raw
    credentials = f"{login.username}:{login.password}"
    command = [tool("skopeo"), "inspect", "--tls-verify=false", "--creds", credentials]
    name = f"docker://{login.name('action/native:v1-cuda-sm90')}"
    inspected = subprocess.run([*command, name], check=True, capture_output=True, text=True).stdout
    assert json.loads(inspected)["Labels"]["cache.triton.image/entry-count"] == "31"
    assert docker_engine.containers() == before
    for text in (done.log.text, done.summary, json.dumps(dict(done.outputs)), inspected):
        assert login.password not in text
    for path in (runner.workspace / "tcv-out").rglob("*"):
        assert path.is_dir() or login.password.encode() not in path.read_bytes()


def test_a_script_is_compiled_and_proved(runner: Runner, action_with_triton: str) -> None:
    done = step(
        runner,
        action_with_triton,
        script="vector_add.py",
        python="/usr/bin/python3",
        targets="cuda:90\nhip:gfx942",
        dry_run="true",
    )

    assert done.code == 0, done.raw
    rows = json.loads(done.outputs["targets"])
    assert [(row["hits"], row["requests"]) for row in rows] == [(3, 3), (3, 3)]
    assert done.log.groups


def test_a_script_that_speaks_to_the_runner_changes_nothing(
    runner: Runner, action_with_triton: str
) -> None:
    done = step(
        runner,
        action_with_triton,
        script="speaks.py",
        python="/usr/bin/python3",
        targets="cuda:90",
        dry_run="true",
    )

    assert done.code == 0, done.raw
    assert done.outputs["digest"] != "evil"
    assert not done.log.retired
    assert not done.log.annotations
    assert "added" not in done.log.masks
    assert not done.log.stop_token
    assert "::error file=a.py,line=1::from the script" in done.log.text


def test_a_script_that_fails_is_one_annotation(runner: Runner, action_with_triton: str) -> None:
    done = step(
        runner,
        action_with_triton,
        script="fails.py",
        python="/usr/bin/python3",
        targets="cuda:90",
        dry_run="true",
    )

    assert done.code == 4, done.raw
    errors = [each for each in done.log.annotations if each.level == "error"]
    assert len(errors) == 1
    assert "fails.py" in errors[0].message
    assert "\n" in errors[0].message, "cause and next step stand in the annotation"
    assert "fails.py" in done.summary


def test_no_triton_is_said_so(runner: Runner, action_image: str) -> None:
    done = step(runner, action_image, script="vector_add.py", targets="cuda:90", dry_run="true")

    assert done.code == 4, done.raw
    assert "Triton" in done.log.annotations[0].message
