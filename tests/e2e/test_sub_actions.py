"""The actions restore and merge and the reusable workflow, run by act: offline, on the host's shell.

Four things differ from GitHub. act does not know `$/`, so it reads this repository's name here. The
actions that hand artifacts on and sign in are JavaScript from elsewhere, which cannot be had
offline: small local ones stand in for them, with the same inputs. The one that attests is such a
stand-in, too, and keeps what it was given. And a leg's `continue-on-error` does not save the run:
what follows the workflow does not run there.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.services.act import ActRun, Project, copy_project
from tests.services.cache import ROOT
from tests.services.docker_engine import DockerEngine
from tests.services.registry import Registry
from tests.services.tools import require_tool

pytestmark = [pytest.mark.docker, pytest.mark.registry, pytest.mark.tools, pytest.mark.triton]

WORKFLOW = Path(".github/workflows/build-cache.yml")
OWN = "tkm/tcv-action"
CHECKOUT = {"uses": "actions/checkout@v6"}
SETUP = {"uses": "./setup"}
KEEP = {
    "if": "always()",
    "run": 'printf %s "$STEPS" >steps.json',
    "env": {"STEPS": "${{ toJSON(steps) }}"},
}
# The one folder that act shares between the jobs' containers, as a volume.
SHARED = "/opt/hostedtoolcache"
VOLUME = "act-toolcache"
UPLOAD = """\
mkdir -p "$SHARED/artifacts/$NAME"
for each in $FILES; do
    [ ! -e "$each" ] || cp "$each" "$SHARED/artifacts/$NAME/"
done
"""
DOWNLOAD = """\
mkdir -p "$TO"
for each in "$SHARED"/artifacts/$PATTERN; do
    [ ! -e "$each" ] || cp -r "$each" "$TO/"
done
"""
ATTEST = 'echo "$SUBJECT@$DIGEST" >>"$SHARED/attested"'
LOGIN = 'echo "$USERNAME@$REGISTRY" >>"$SHARED/signed-in"'
STAND_INS = {
    "actions/upload-artifact": ({"NAME": "name", "FILES": "path"}, UPLOAD),
    "actions/download-artifact": ({"PATTERN": "pattern", "TO": "path"}, DOWNLOAD),
    "actions/attest-build-provenance": (
        {"SUBJECT": "subject-name", "DIGEST": "subject-digest"},
        ATTEST,
    ),
    "docker/login-action": ({"USERNAME": "username", "REGISTRY": "registry"}, LOGIN),
}


@pytest.fixture(scope="module")
def project(
    docker_engine: DockerEngine,
    base_image: str,
    triton_image: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Project:
    """Give a copy of the checkout whose jobs run where Triton is."""
    made = copy_project(tmp_path_factory.mktemp("sub-actions"), docker_engine, base_image)
    workflow = made.folder / WORKFLOW
    text, count = re.subn(r"uses: \$/(\w+)", rf"uses: {OWN}/\1@v1", workflow.read_text())
    assert count
    workflow.write_text(text)
    shutil.copy(ROOT / "examples" / "vector_add.py", made.folder)
    (made.folder / "fails.py").write_text("raise SystemExit(3)\n")
    return replace(made, runner_image=triton_image)


def run(project: Project, *steps: Mapping[str, object], **more: Any) -> tuple[ActRun, Any]:
    """Run a job of these steps; return how it ended, and its steps' outcomes and outputs."""
    (project.folder / "steps.json").unlink(missing_ok=True)
    job = {"runs-on": "ubuntu-latest", "steps": [CHECKOUT, *steps, KEEP]}
    project.workflow(yaml.safe_dump({"on": "push", "jobs": {"test": job}}))
    done = project.act(**more)
    return done, json.loads((project.folder / "steps.json").read_text())


def restored(name: str, image: str, **inputs: object) -> dict[str, object]:
    given = {each.replace("_", "-"): value for each, value in inputs.items()}
    return {"id": name, "uses": "./restore", "with": {"image": image, **given}}


def test_what_is_restored_hits_and_a_miss_is_no_failure(
    project: Project, registry_with_login: Registry
) -> None:
    login = registry_with_login
    signed_in = {
        "registry-username": login.username,
        "registry-password": "${{ secrets.REGISTRY_PASSWORD }}",
    }
    image, foreign = login.name("restored/ours:v1"), login.name("restored/foreign:v1")
    user = f"--registry-username {login.username}"
    push = {
        "env": {"TCV_REGISTRY_PASSWORD": "${{ secrets.REGISTRY_PASSWORD }}"},
        "run": f"tcv run --image {image} -t cuda:90 {user} vector_add.py\n"
        "tar xzf tests/data/native-h100.tar.gz\n"
        f"tcv create -d native.gone -i {foreign} --push {user}\n",
    }
    verify = 'tcv verify --dir "$TRITON_CACHE_DIR" --target cuda:90 vector_add.py'
    done, steps = run(
        project,
        SETUP,
        push,
        restored("hit", f"{image}-cuda-sm90", cache_dir="placed", **signed_in),
        {"id": "verify", "run": verify},
        restored("miss", foreign, cache_dir="missed", **signed_in),
        restored("absent", f"{image}-gone", cache_dir="absent", **signed_in),
        {
            **restored("strict", f"{image}-gone", fail_on_miss=True, **signed_in),
            "continue-on-error": True,
        },
        secrets={"REGISTRY_PASSWORD": login.password},
    )

    done.ok()
    assert login.password not in done.log
    hit = steps["hit"]["outputs"]
    assert (hit["hit"], hit["entries"]) == ("true", "3")
    assert hit["cache-dir"] == str(project.folder / "placed")
    assert hit["digest"].startswith("sha256:")
    assert "3 of 3 requests hit" in done.log
    for name, reason in (("miss", "Python"), ("absent", "404")):
        outputs = steps[name]["outputs"]
        assert (outputs["hit"], outputs["entries"]) == ("false", "0")
        assert reason in outputs["reason"]
        assert not (project.folder / outputs["cache-dir"]).exists()
    assert steps["strict"]["outcome"] == "failure"
    assert steps["strict"]["outputs"]["hit"] == "false"


def test_legs_are_merged(project: Project, registry: Registry) -> None:
    image = registry.name("merged/kernels:v1")
    legs = " && ".join(
        f"tcv run --image {image} -t {target} -o legs/{number} vector_add.py"
        for number, target in enumerate(("cuda:90", "hip:gfx942"))
    )
    inputs = {"results": "legs", "image": image, "tags": "{tag}\nlatest"}
    strict = {"targets": "cuda:90\nhip:gfx942\ncuda:80", "results": "legs", "image": image}
    done, steps = run(
        project,
        SETUP,
        {"run": legs},
        {"id": "merged", "uses": "./merge", "with": inputs},
        {"id": "short", "uses": "./merge", "with": strict, "continue-on-error": True},
    )

    done.ok()
    merged = steps["merged"]["outputs"]
    assert (merged["result"], merged["hits"], merged["requests"]) == ("success", "6", "6")
    assert merged["tags"].split() == ["v1-cuda-sm90", "v1-hip-gfx942", "v1", "latest"]
    index = read_back(registry.name("merged/kernels:latest"))
    assert len(index["manifests"]) == 2
    digests = [each["digest"] for each in index["manifests"]]
    assert json.loads(merged["digests"]) == [merged["digest"], *digests]
    assert steps["short"]["outcome"] == "failure"
    assert "cuda:80" in (project.folder / "tcv-out" / "summary.md").read_text()


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """How a call of the reusable workflow ended, and what its stand-ins kept."""

    done: ActRun
    kept: Path

    @property
    def outputs(self) -> Any:
        """The outputs that a job after it was given."""
        assert (self.kept / "outputs.json").is_file(), self.done.log
        return json.loads((self.kept / "outputs.json").read_text())

    def lines(self, name: str) -> list[str]:
        """Return what a stand-in kept; nothing where it was not called."""
        path = self.kept / name
        return path.read_text().split() if path.exists() else []


def call(
    project: Project,
    login: Registry,
    name: str,
    folder: Path,
    *,
    inputs: Mapping[str, object] | None = None,
    event: Mapping[str, object] | None = None,
) -> Called:
    """Call the reusable workflow; `name` is a folder of its own among what the jobs share.

    With the payload of an `event` it is called on a pull request, else on a push.
    """
    (folder / "event.json").write_text(json.dumps(event or {}))
    called = {
        "uses": f"./{WORKFLOW}",
        "with": {**(inputs or {}), "registry-username": login.username},
        "secrets": {"registry-password": "${{ secrets.REGISTRY_PASSWORD }}"},
    }
    keep = {
        "run": f'mkdir -p {SHARED}/{name} && printf %s "$OUTPUTS" >{SHARED}/{name}/outputs.json',
        "env": {"OUTPUTS": "${{ toJSON(needs.cache.outputs) }}"},
    }
    after = {"if": "always()", "needs": "cache", "runs-on": "ubuntu-latest", "steps": [keep]}
    jobs = {"cache": called, "after": after}
    project.workflow(yaml.safe_dump({"on": ["push", "pull_request"], "jobs": jobs}))
    done = project.act(
        event="pull_request" if event else "push",
        secrets={"REGISTRY_PASSWORD": login.password},
        arguments=[
            "--bind=false",
            *("--eventpath", str(folder / "event.json")),
            *("--local-repository", f"{OWN}@v1={project.folder}"),
            *stand_ins(folder, f"{SHARED}/{name}"),
        ],
    )
    volume = json.loads(project.engine.docker("volume", "inspect", VOLUME).stdout)
    return Called(done=done, kept=Path(volume[0]["Mountpoint"], name))


def stand_ins(folder: Path, shared: str) -> list[str]:
    """Write the actions that stand in for others, and return what tells act to use them."""
    workflow = (ROOT / WORKFLOW).read_text()
    arguments = []
    for name, (inputs, script) in STAND_INS.items():
        place = folder / name
        place.mkdir(parents=True)
        given = {variable: f"${{{{ inputs.{of} }}}}" for variable, of in inputs.items()}
        step = {"shell": "bash", "run": script, "env": {"SHARED": shared, **given}}
        action = {
            "name": name,
            "description": name,
            "inputs": {of: {"description": of} for of in inputs.values()},
            "runs": {"using": "composite", "steps": [step]},
        }
        (place / "action.yml").write_text(yaml.safe_dump(action))
        commit = workflow.split(f"{name}@")[1].split()[0]
        arguments += ["--local-repository", f"{name}@{commit}={place}"]
    return arguments


def test_the_reusable_workflow_builds_two_targets(
    project: Project, registry_with_login: Registry, tmp_path: Path
) -> None:
    login = registry_with_login
    image = login.name("reusable/kernels")
    (project.folder / "tcv.yml").write_text(
        f"image: {image}:v1\ntags: ['{{tag}}', latest]\nscript: vector_add.py\n"
        "targets:\n- cuda:90\n"
        f"- {{target: 'hip:gfx942', runs-on: ubuntu-latest, container: '{project.runner_image}'}}\n"
    )
    called = call(project, login, "two-targets", tmp_path)

    called.done.ok()
    outputs = called.outputs
    assert outputs["result"] == "success"
    assert {row["target"]: row["hits"] for row in json.loads(outputs["targets"])} == {
        "cuda:90": 3,
        "hip:gfx942": 3,
    }
    credentials = ("--creds", f"{login.username}:{login.password}")
    index = read_back(f"{image}:latest", *credentials)
    digests = [outputs["digest"], *(each["digest"] for each in index["manifests"])]
    attested = sorted(f"{image}@{digest}" for digest in digests)
    assert sorted(called.lines("attested")) == attested
    assert set(called.lines("signed-in")) == {f"{login.username}@{login.host}"}
    assert login.password not in called.done.log


def test_a_failing_leg_is_shown_and_does_not_sink_the_other(
    project: Project, registry_with_login: Registry, tmp_path: Path
) -> None:
    login = registry_with_login
    image = login.name("reusable/partly")
    (project.folder / "tcv.yml").write_text(
        "script: vector_add.py\ntargets: [cuda:90, {target: 'hip:gfx942', script: fails.py}]\n"
    )
    given = {"image": f"{image}:v1", "allow-failed": True, "attest": False}
    called = call(project, login, "partly", tmp_path, inputs=given)

    _, _, merging = called.done.log.partition(f"Run Main {OWN}/merge@v1")
    assert "> **hip:gfx942: warm up** failed (exit code 4)." in merging
    assert "`cuda:90`" in merging
    assert "Job succeeded" in merging
    index = read_back(f"{image}:v1", "--creds", f"{login.username}:{login.password}")
    assert len(index["manifests"]) == 1
    assert not called.lines("attested")


def test_a_forks_pull_request_pushes_nothing(
    project: Project, registry_with_login: Registry, tmp_path: Path
) -> None:
    login = registry_with_login
    (project.folder / "tcv.yml").unlink(missing_ok=True)
    inputs = {
        "image": login.name("reusable/forked:v1"),
        "script": "vector_add.py",
        "targets": "cuda:90, cuda:80",
    }
    theirs = {"head": {"repo": {"full_name": "someone/project"}}}
    event = {"pull_request": theirs, "repository": {"full_name": "octo/project"}}
    called = call(project, login, "forked", tmp_path, inputs=inputs, event=event)

    called.done.ok()
    assert called.done.log.count("This is a fork's pull request") == 2
    assert called.outputs["result"] == "success"
    rows = json.loads(called.outputs["targets"])
    assert [(row["target"], row["hits"]) for row in rows] == [("cuda:80", 3), ("cuda:90", 3)]
    assert not called.lines("attested")
    assert not (login.storage / "docker/registry/v2/repositories/reusable/forked").exists()


def read_back(name: str, *options: str) -> Any:
    """Return the index that the name stands for, as skopeo reads it."""
    command = [require_tool("skopeo"), "inspect", "--raw", "--tls-verify=false", *options]
    done = subprocess.run([*command, f"docker://{name}"], check=True, capture_output=True)
    return json.loads(done.stdout)
