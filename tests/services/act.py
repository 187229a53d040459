"""Workflows run by act, offline, on the tests' own docker engine and images."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.services.cache import ROOT
from tests.services.docker_engine import DockerEngine
from tests.services.process import free_port
from tests.services.tools import require_tool

RUN_SECONDS = 600
RUNNERS = ("ubuntu-latest", "ubuntu-24.04")
OWN_IMAGE = "act-dockeraction:latest"
AS_AUTHOR = ("-c", "user.name=tests", "-c", "user.email=tests@example.org")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActRun:
    """How a workflow ended and what it printed."""

    code: int
    log: str

    def ok(self) -> "ActRun":
        """Fail the test with the log where the workflow failed."""
        assert self.code == 0, self.log
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A copy of this checkout that act runs workflows of: what they write there stays there."""

    folder: Path
    engine: DockerEngine
    runner_image: str

    def workflow(self, text: str, name: str = "test.yml") -> None:
        """Put a workflow into the copy."""
        path = self.folder / ".github" / "workflows" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def act(
        self,
        *,
        workflow: str = "test.yml",
        event: str = "push",
        secrets: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
    ) -> ActRun:
        """Run a workflow as on a push, its steps in containers on the host's network."""
        command = [
            *(require_tool("act"), event, "--workflows", f".github/workflows/{workflow}"),
            *(part for name in RUNNERS for part in ("--platform", f"{name}={self.runner_image}")),
            *("--pull=false", "--bind"),
            *("--rebuild=false", "--rm"),
            *("--network", "host", "--container-daemon-socket", self.engine.host),
            *("--no-cache-server", "--artifact-server-addr", "127.0.0.1"),
            *("--artifact-server-path", str(self.folder.parent / "artifacts")),
            *("--artifact-server-port", str(free_port())),
            *("--action-cache-path", str(self.folder.parent / "actions")),
            *(part for name in secrets or {} for part in ("--secret", name)),
            *arguments,
        ]
        done = subprocess.run(
            command,
            cwd=self.folder,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=RUN_SECONDS,
            env={**os.environ, **self.engine.environment, **(secrets or {})},
        )
        return ActRun(code=done.returncode, log=done.stdout.decode(errors="replace"))


def copy_project(folder: Path, engine: DockerEngine, base: str) -> Project:
    """Copy the checkout, let its Dockerfile start from `base`, and make it a repository.

    The image is built here, under the name that act gives to `uses: ./`, since act would build
    where no package index is reached.
    """
    project = Project(folder=folder / "project", engine=engine, runner_image=base)
    for name in _files():
        target = project.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    _start_from(project.folder / "Dockerfile", base)
    engine.docker("build", "--network=host", "--tag", OWN_IMAGE, str(project.folder), timeout=900)
    commands = (["init", "-q", "-b", "main"], ["add", "-A"], [*AS_AUTHOR, "commit", "-qm", "All"])
    for command in commands:
        subprocess.run([require_tool("git"), *command], cwd=project.folder, check=True)
    return project


def _files() -> list[str]:
    command = [require_tool("git"), "-C", str(ROOT), "ls-files", "-z"]
    listed = [*command, "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, check=True, capture_output=True, text=True).stdout
    return [name for name in names.split("\0") if name and (ROOT / name).is_file()]


def _start_from(dockerfile: Path, base: str) -> None:
    text, count = re.subn(r"(?m)^ARG BASE=.*$", f"ARG BASE={base}", dockerfile.read_text())
    assert count == 1, "the Dockerfile's base must be one argument"
    dockerfile.write_text(text)
