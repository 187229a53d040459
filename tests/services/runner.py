"""A docker container action started as GitHub's runner starts it.

Source: the runner's `ContainerActionHandler.cs` and `DockerCommandManager.cs`: the flags, their
order, the mounts, the environment by name, HOME. Two things differ: the docker socket is that of
the tests' engine, and the network is the host's, where the tests' registries listen.
"""

import json
import os
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.services.docker_engine import DockerEngine
from tests.services.runner_log import RunnerLog, read_file_command, read_log

FILE_COMMANDS = ("OUTPUT", "ENV", "PATH", "STATE", "STEP_SUMMARY")
SHA = "0123456789abcdef0123456789abcdef01234567"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What a step left behind: its exit code, its log as shown, its outputs and summary."""

    code: int
    raw: str
    log: RunnerLog = field(repr=False)
    outputs: Mapping[str, str]
    exported: Mapping[str, str]
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """A runner's work folder: `workspace`, and `temp` with HOME, the event and the file commands."""

    folder: Path
    engine: DockerEngine
    context: Mapping[str, str] = field(default_factory=dict)
    event: Mapping[str, object] = field(default_factory=dict)

    @property
    def workspace(self) -> Path:
        """The checkout, at /github/workspace in the container."""
        return self.folder / "work" / "project" / "project"

    @property
    def temp(self) -> Path:
        """The runner's temporary folder."""
        return self.folder / "work" / "_temp"

    def step(
        self,
        image: str,
        *,
        inputs: Mapping[str, str],
        arguments: Sequence[str] = (),
        entrypoint: str = "",
        timeout: float = 600,
    ) -> StepResult:
        """Run the action's container with these inputs and read what it left."""
        files = self._lay_out()
        environment = self._environment(inputs, files)
        command = self._command(image, environment, arguments, entrypoint)
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            env={**os.environ, **self.engine.environment, **environment},
        )
        raw = done.stdout.decode(errors="replace")
        return StepResult(
            code=done.returncode,
            raw=raw,
            log=read_log(raw),
            outputs=read_file_command(files["OUTPUT"].read_text()),
            exported=read_file_command(files["ENV"].read_text()),
            summary=files["STEP_SUMMARY"].read_text(),
        )

    def _lay_out(self) -> dict[str, Path]:
        for folder in ("_github_home", "_github_workflow", "_runner_file_commands"):
            (self.temp / folder).mkdir(parents=True, exist_ok=True)
        self.workspace.mkdir(parents=True, exist_ok=True)
        (self.temp / "_github_workflow" / "event.json").write_text(json.dumps(self.event))
        commands = self.temp / "_runner_file_commands"
        token = secrets.token_hex(16)
        files = {name: commands / f"{name.lower()}_{token}" for name in FILE_COMMANDS}
        for file in files.values():
            file.touch()
        return files

    def _environment(self, inputs: Mapping[str, str], files: Mapping[str, Path]) -> dict[str, str]:
        given = {f"INPUT_{name.upper().replace(' ', '_')}": text for name, text in inputs.items()}
        commands = {
            f"GITHUB_{name}": f"/github/file_commands/{path.name}" for name, path in files.items()
        }
        return {**given, **CONTEXT, **commands, **self.context}

    def _command(
        self,
        image: str,
        environment: Mapping[str, str],
        arguments: Sequence[str],
        entrypoint: str,
    ) -> list[str]:
        token = secrets.token_hex(3)
        name = f"{''.join(c for c in image if c.isalnum())}_{token}"
        volumes = {
            self.engine.socket: "/var/run/docker.sock",
            self.temp / "_github_home": "/github/home",
            self.temp / "_github_workflow": "/github/workflow",
            self.temp / "_runner_file_commands": "/github/file_commands",
            self.workspace: "/github/workspace",
        }
        return [
            *(self.engine.client, "run", "--name", name, "--label", token),
            *("--workdir", "/github/workspace", "--rm"),
            *(part for key in environment for part in ("-e", key)),
            *("-e", "GITHUB_ACTIONS=true", "-e", "CI=true"),
            *(("--entrypoint", entrypoint) if entrypoint else ()),
            *("--network", "host"),
            *(part for host, inside in volumes.items() for part in ("-v", f"{host}:{inside}")),
            image,
            *arguments,
        ]


CONTEXT: Mapping[str, str] = {
    "HOME": "/github/home",
    "GITHUB_JOB": "build",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_SHA": SHA,
    "GITHUB_REPOSITORY": "octo/project",
    "GITHUB_REPOSITORY_OWNER": "octo",
    "GITHUB_REPOSITORY_ID": "1",
    "GITHUB_REPOSITORY_OWNER_ID": "2",
    "GITHUB_REPOSITORY_VISIBILITY": "public",
    "GITHUB_RUN_ID": "4242",
    "GITHUB_RUN_NUMBER": "7",
    "GITHUB_RUN_ATTEMPT": "1",
    "GITHUB_RETENTION_DAYS": "90",
    "GITHUB_ACTOR": "octocat",
    "GITHUB_ACTOR_ID": "3",
    "GITHUB_TRIGGERING_ACTOR": "octocat",
    "GITHUB_WORKFLOW": "test",
    "GITHUB_WORKFLOW_REF": "octo/project/.github/workflows/test.yml@refs/heads/main",
    "GITHUB_WORKFLOW_SHA": SHA,
    "GITHUB_HEAD_REF": "",
    "GITHUB_BASE_REF": "",
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_EVENT_PATH": "/github/workflow/event.json",
    "GITHUB_SERVER_URL": "https://github.example",
    "GITHUB_API_URL": "http://127.0.0.1:9/api",
    "GITHUB_GRAPHQL_URL": "http://127.0.0.1:9/graphql",
    "GITHUB_REF_NAME": "main",
    "GITHUB_REF_PROTECTED": "false",
    "GITHUB_REF_TYPE": "branch",
    "GITHUB_WORKSPACE": "/github/workspace",
    "GITHUB_ACTION": "__self",
    "GITHUB_ACTION_REPOSITORY": "",
    "GITHUB_ACTION_REF": "",
    "RUNNER_OS": "Linux",
    "RUNNER_ARCH": "X64",
    "RUNNER_NAME": "runner-1",
    "RUNNER_ENVIRONMENT": "github-hosted",
    "RUNNER_TOOL_CACHE": "/opt/hostedtoolcache",
    "RUNNER_TEMP": "/home/runner/work/_temp",
    "RUNNER_WORKSPACE": "/home/runner/work/project",
    "ACTIONS_RUNTIME_URL": "http://127.0.0.1:9/runtime/",
    "ACTIONS_RUNTIME_TOKEN": "a-runtime-token",
    "ACTIONS_CACHE_URL": "http://127.0.0.1:9/cache/",
    "ACTIONS_RESULTS_URL": "http://127.0.0.1:9/results/",
}
