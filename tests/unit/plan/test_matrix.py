"""Plans as a workflow's matrix, and as the defaults of a run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.caches import small_cache
from tests.services.runner_log import read_file_command

from tcv_action.errors import InputError
from tcv_action.plan import from_targets, matrix, read_legs, settings
from tcv_action.triton.target import Target

TCV = (sys.executable, "-m", "tcv_action")
CONFIG = """\
image: ghcr.io/me/kernels:v1
tags: ["{tag}", latest]
script: warmup.py
targets:
  - cuda:90
  - target: hip:gfx942
    runs-on: [self-hosted, mi300]
    warmup-image: rocm:1
"""


def tcv(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TCV, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=os.environ | environment,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tcv.yml").write_text(CONFIG)
    return tmp_path


def test_a_plan_is_one_line_for_a_workflow(folder: Path) -> None:
    done = tcv(folder, "plan", "--container", "serving:1")

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    cuda, hip = json.loads(done.stdout)["include"]
    assert cuda == {
        "target": "cuda:90",
        "runs-on": "ubuntu-latest",
        "container": "serving:1",
        "artifact": "tcv.cuda-90",
        "image": "ghcr.io/me/kernels:v1",
        "tags": "{tag}\nlatest",
        "script": "warmup.py",
    }
    assert hip["runs-on"] == ["self-hosted", "mi300"]
    assert "container" not in hip
    assert json.loads(tcv(folder, "plan", "--container=serving:1", "--json").stdout) == json.loads(
        done.stdout
    )


def test_options_choose_targets_and_the_image(folder: Path) -> None:
    chosen = ("--target", "cuda:90", "--image", "localhost:5000/a:b", "--name", "mine")
    (job,) = json.loads(tcv(folder, "plan", *chosen).stdout)["include"]

    assert (job["target"], job["image"]) == ("cuda:90", "localhost:5000/a:b")
    assert job["artifact"] == "mine.cuda-90"
    done = tcv(folder, "plan", "--target", "cuda:80")
    assert done.returncode == 2
    assert "cuda:90, hip:gfx942" in done.stderr


def test_targets_are_a_plan_without_a_file(tmp_path: Path) -> None:
    done = tcv(tmp_path, "plan", "-t", "cuda:90", "--runs-on", "a", "--runs-on", "b")

    assert json.loads(done.stdout)["include"] == [
        {"target": "cuda:90", "runs-on": ["a", "b"], "artifact": "tcv.cuda-90"}
    ]
    assert tcv(tmp_path, "plan").returncode == 2


def test_a_step_hands_the_plan_on(folder: Path) -> None:
    output = folder / "output"
    output.touch()
    done = tcv(folder, "plan", GITHUB_ACTIONS="true", GITHUB_OUTPUT=str(output))

    assert done.returncode == 0, done.stderr
    handed = read_file_command(output.read_text())
    assert json.loads(handed["matrix"]) == json.loads(done.stdout)
    assert {name: handed[name] for name in ("image", "registry", "config")} == {
        "image": "ghcr.io/me/kernels:v1",
        "registry": "ghcr.io",
        "config": "tcv.yml",
    }


def test_what_is_wrong_is_annotated_at_its_line(folder: Path) -> None:
    (folder / "tcv.yml").write_text("image: a/b:c\niamge: x\ntargets: [cuda:90]\n")
    done = tcv(folder, "plan", GITHUB_ACTIONS="true", GITHUB_WORKSPACE=str(folder))

    assert done.returncode == 2
    (annotation,) = [line for line in done.stdout.splitlines() if line.startswith("::error")]
    assert "file=tcv.yml" in annotation
    assert "line=2" in annotation


def test_a_matrix_has_the_jobs_that_github_makes() -> None:
    legs = from_targets([Target("cuda", str(arch), 32) for arch in range(257)])

    assert len(matrix(legs[:256], runs_on="a", container="", name="b")["include"]) == 256  # type: ignore[arg-type]
    with pytest.raises(InputError, match="257 targets"):
        matrix(legs, runs_on="a", container="", name="b")


def test_targets_that_differ_are_no_single_run(folder: Path) -> None:
    legs = read_legs(folder / "tcv.yml")

    assert settings(legs[:1])["targets"] == "cuda:90"
    with pytest.raises(InputError, match="differ in warmup-image"):
        settings(legs)


@pytest.mark.parametrize(
    ("given", "environment", "media_type"),
    [
        ((), {}, "docker"),
        (("--media-types", "oci"), {}, "oci"),
        ((), {"INPUT_MEDIA-TYPES": "oci"}, "docker"),
        ((), {"INPUT_CONTENTS": "binary"}, "docker"),
    ],
    ids=["file", "option", "input-at-default", "another-input"],
)
def test_a_run_takes_its_defaults_from_the_file(
    tmp_path: Path, given: tuple[str, ...], environment: dict[str, str], media_type: str
) -> None:
    small_cache(tmp_path / "cache")
    (tmp_path / "tcv.yml").write_text(
        "cache-dir: cache\nmedia-types: docker\nlabels: {team: kernels}\ntargets: [cuda:90]\n"
    )
    done = tcv(tmp_path, "run", "--config=tcv.yml", "--dry-run", *given, **environment)

    assert done.returncode == 0, done.stderr
    row = json.loads((tmp_path / "tcv-out" / "outputs.json").read_text())["targets"][0]
    assert row["target"] == "cuda:90"
    assert row["labels"]["team"] == "kernels"
    blobs = tmp_path / "tcv-out" / "oci" / "blobs" / "sha256"
    manifest = json.loads((blobs / row["digest"].removeprefix("sha256:")).read_text())
    assert media_type in manifest["mediaType"]


def test_a_cache_that_is_given_replaces_the_files_script(folder: Path) -> None:
    small_cache(folder / "cache")
    given = {"INPUT_CONFIG": "tcv.yml", "INPUT_CACHE-DIR": "cache", "INPUT_DRY-RUN": "true"}
    done = tcv(folder, "run", **given, INPUT_TARGETS="cuda:90")

    assert done.returncode == 0, done.stderr


def test_a_run_of_a_target_that_the_file_lacks_is_refused(folder: Path) -> None:
    done = tcv(folder, "run", "--config", "tcv.yml", "--dry-run", "--target", "cuda:80")

    assert done.returncode == 2
    assert "'cuda:80'" in done.stderr
