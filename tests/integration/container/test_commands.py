"""The container mode from the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.container.conftest import containers
from tests.services.docker_engine import DockerEngine

pytestmark = [pytest.mark.docker, pytest.mark.triton]


def tcv(
    docker_engine: DockerEngine, folder: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tcv_action", *arguments]
    environment = os.environ | docker_engine.environment | {"GITHUB_ACTIONS": ""}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_a_run_in_the_production_image_is_proved_there(
    docker_engine: DockerEngine, production_image: str, workspace: Path
) -> None:
    made = tcv(
        docker_engine,
        workspace,
        *("run", "--dry-run", "--target", "cuda:90", "--target", "hip:gfx942"),
        *("--warmup-in", "container", "--warmup-image", production_image),
        *("--warmup-network", "none", "--warmup-setup", "echo set up", "warm.py"),
    )
    assert made.returncode == 0, made.stderr
    assert made.stderr.index("set up") < made.stderr.index("in True None")
    outputs = json.loads((workspace / "tcv-out/outputs.json").read_text())
    rows = [(row["target"], row["hits"], row["requests"]) for row in outputs["targets"]]
    assert rows == [("cuda:90", 2, 2), ("hip:gfx942", 2, 2)]
    assert containers(docker_engine) == []
    verified = tcv(
        docker_engine,
        workspace,
        *("verify", "-i", "oci:tcv-out/oci:latest-cuda-sm90"),
        *("--warmup-image", production_image, "--warmup-network", "none", "warm.py"),
    )
    assert "2 of 2 requests hit" in verified.stdout, verified.stderr
    checked = tcv(
        docker_engine,
        workspace,
        *("check", "oci:tcv-out/oci:latest-cuda-sm90", "--json"),
        *("--in-image", production_image, "--in-network", "none"),
    )
    assert checked.returncode == 0, checked.stderr
    points = {each["point"]: each["outcome"] for each in json.loads(checked.stdout)["points"]}
    assert points["Triton key"] == points["ptxas"] == "will hit"


def test_a_warmup_in_the_production_image_fills_the_folder(
    docker_engine: DockerEngine, production_image: str, workspace: Path
) -> None:
    made = tcv(
        docker_engine,
        workspace,
        *("warmup", "--target", "cuda:80", "--cache-dir", "cache"),
        *("--warmup-in", "compile-only", "--warmup-image", production_image),
        *("--warmup-network", "none", "warm.py"),
    )
    assert made.returncode == 0, made.stderr
    groups = list((workspace / "cache").rglob("__grp__*.json"))
    assert len(groups) == 2
    for group in groups:
        for child in json.loads(group.read_text())["child_paths"].values():
            assert Path(child).is_file()


def test_a_gpu_that_is_demanded_and_out_of_reach_fails_at_once(
    docker_engine: DockerEngine, production_image: str, workspace: Path
) -> None:
    made = tcv(
        docker_engine,
        workspace,
        *("run", "--dry-run", "--target", "cuda:90", "--require-gpu"),
        *("--warmup-image", production_image, "--warmup-network", "none", "warm.py"),
    )
    assert made.returncode == 6
    assert "none for cuda:90 is within reach" in made.stderr
    assert containers(docker_engine) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--warmup-in", "container"], "needs an image"),
        (["--warmup-in", "host", "--warmup-image", "x"], "does not use the image 'x'"),
        (["--warmup-setup", "true"], "no --warmup-image is named"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(
    docker_engine: DockerEngine, workspace: Path, arguments: list[str], message: str
) -> None:
    made = tcv(
        docker_engine, workspace, "run", "--dry-run", "--target", "cuda:90", *arguments, "warm.py"
    )
    assert made.returncode == 2
    assert message in made.stderr
