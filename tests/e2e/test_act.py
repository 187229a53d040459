"""Workflows that use the action, run by act: offline, with the container built from the Dockerfile."""

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.services.act import ActRun, Project, copy_project
from tests.services.command import tcv
from tests.services.docker_engine import DockerEngine
from tests.services.images import same_python_as_base
from tests.services.registry import Registry

pytestmark = [pytest.mark.docker, pytest.mark.registry, pytest.mark.tools]

RESULT = "result.json"


@pytest.fixture(scope="module")
def project(
    docker_engine: DockerEngine, base_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """Give a copy of the checkout with the action's image built."""
    return copy_project(tmp_path_factory.mktemp("act"), docker_engine, base_image)


def uses(project: Project, inputs: Mapping[str, object], **run: Any) -> tuple[ActRun, Any]:
    """Run a job that uses the action; return how it ended and the step's outputs."""
    steps: list[dict[str, object]] = [
        {"uses": "actions/checkout@v6"},
        {"run": "tar xzf tests/data/native-h100.tar.gz"},
        {"id": "tcv", "uses": "./", "with": dict(inputs)},
        {
            "if": "always()",
            "run": f'printf %s "$OUTPUTS" >{RESULT}',
            "env": {"OUTPUTS": "${{ toJSON(steps.tcv.outputs) }}"},
        },
    ]
    job = {"runs-on": "ubuntu-latest", "steps": steps}
    project.workflow(yaml.safe_dump({"on": ["push", "pull_request"], "jobs": {"test": job}}))
    done = project.act(**run)
    result = project.folder / RESULT
    assert result.exists(), done.log
    return done, json.loads(result.read_text())


def summary(project: Project) -> str:
    """Return what the step wrote to the job's summary: the same text lies beside its outputs."""
    return (project.folder / "tcv-out" / "summary.md").read_text()


def test_a_dry_run_leaves_a_layout(project: Project, tool: Callable[[str], str]) -> None:
    done, outputs = uses(project, {"cache-dir": "native.gone", "dry-run": True})

    done.ok()
    assert outputs["result"] == "success"
    assert outputs["entry-count"] == "31"
    assert "Triton cache: 31 kernels for 1 target" in done.log
    assert "| `cache.triton.image/entry-count` | `31` |" in summary(project)
    layout = f"oci:{project.folder}/tcv-out/oci:latest-cuda-sm90"
    assert inspect(tool, layout)["cache.triton.image/entry-count"] == "31"


def test_a_push_is_read_back(
    project: Project, registry_with_login: Registry, tool: Callable[[str], str]
) -> None:
    login = registry_with_login
    secrets = {"REGISTRY_PASSWORD": login.password}
    inputs = {
        "cache-dir": "native.gone",
        "image": login.name("act/native:v1"),
        "registry-username": login.username,
        "registry-password": "${{ secrets.REGISTRY_PASSWORD }}",
    }
    done, outputs = uses(project, inputs, secrets=secrets)

    done.ok()
    assert login.password not in done.log
    credentials = ("--tls-verify=false", "--creds", f"{login.username}:{login.password}")
    name = f"docker://{login.name('act/native')}@{outputs['digest']}"
    assert inspect(tool, name, *credentials)["cache.triton.image/entry-count"] == "31"


def test_the_image_of_production_compiles_for_two_targets(
    project: Project,
    triton_image: str,
    registry: Registry,
    docker_engine: DockerEngine,
) -> None:
    name = registry.name("act/vector-add:v1")
    before = docker_engine.containers()
    inputs = {
        "script": "examples/vector_add.py",
        "warmup-image": triton_image,
        "targets": "cuda:90\nhip:gfx942",
        "image": name,
    }
    done, outputs = uses(project, inputs)

    done.ok()
    rows = json.loads(outputs["targets"])
    assert [(row["hits"], row["requests"]) for row in rows] == [(3, 3), (3, 3)]
    assert docker_engine.containers() == before
    script = project.folder / "examples" / "vector_add.py"
    python = ("--python", same_python_as_base().path, "--json")
    # The key of a HIP kernel holds the path of Triton's own folder: it hits in the image only.
    replay = tcv("verify", "-i", f"{name}-cuda-sm90", *python, script).ok().json
    assert replay["targets"][0]["hits"] == 3
    place = ("--warmup-in", "container", "--warmup-image", triton_image)
    inside = tcv(
        *("verify", "-i", f"{name}-hip-gfx942", *place, "--warmup-network", "none", "--json"),
        "examples/vector_add.py",
        cwd=project.folder,
        environ=docker_engine.environment,
    )
    assert inside.ok().json["targets"][0]["hits"] == 3
    assert summary(project).count("✅ 3 of 3") == 2


def test_a_script_that_fails_fails_the_job(project: Project, triton_image: str) -> None:
    (project.folder / "fails.py").write_text("import triton\nraise SystemExit(3)\n")
    inputs = {
        "script": "fails.py",
        "warmup-image": triton_image,
        "targets": "cuda:90",
        "dry-run": True,
    }
    done, outputs = uses(project, inputs)

    assert done.code != 0
    assert outputs["result"] == "failure"
    assert "fails.py" in done.log
    assert "warm up** failed (exit code 4)" in summary(project)


def test_a_forks_pull_request_is_a_dry_run(
    project: Project, registry_with_login: Registry, tmp_path: Path
) -> None:
    head = {"ref": "topic", "sha": "0" * 40, "repo": {"full_name": "fork/project", "fork": True}}
    base = {"ref": "main", "sha": "0" * 40, "repo": {"full_name": "octo/project"}}
    event = tmp_path / "event.json"
    pull_request = {"head": head, "base": base}
    payload = {"number": 7, "pull_request": pull_request, "repository": base["repo"]}
    event.write_text(json.dumps(payload))
    inputs = {
        "cache-dir": "native.gone",
        "image": registry_with_login.name("act/fork:v1"),
        "registry-username": "${{ github.actor }}",
        "registry-password": "${{ secrets.REGISTRY_PASSWORD }}",
    }
    done, outputs = uses(
        project, inputs, event="pull_request", arguments=["--eventpath", str(event)]
    )

    done.ok()
    assert "a fork's pull request" in done.log
    assert json.loads(outputs["json"])["dry-run"] is True
    assert not (registry_with_login.storage / "docker/registry/v2/repositories/act/fork").exists()


def test_a_wrong_input_fails_the_job_and_says_why(project: Project) -> None:
    done, _ = uses(project, {"cache-dir": "nowhere", "dry-run": True})

    assert done.code != 0
    assert "'nowhere'" in done.log


def test_the_self_test_sees_a_wrong_input_refused(project: Project) -> None:
    project.act(workflow="selftest.yml", arguments=["--job", "refused"]).ok()


def inspect(tool: Callable[[str], str], name: str, *options: str) -> dict[str, str]:
    """Return an image's labels as skopeo reads them."""
    command = [tool("skopeo"), "inspect", *options, name]
    done = subprocess.run(command, check=True, capture_output=True)
    labels: dict[str, str] = json.loads(done.stdout)["Labels"]
    return labels
