"""A Python inside a container as the place where scripts run."""

import json
import secrets
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tcv_action.container.engine import Engine
from tcv_action.container.follow import Lines, follow
from tcv_action.container.transfer import Owner, give_away, packed, unpack_new
from tcv_action.errors import WarmupError
from tcv_action.triton.environment import Environment
from tcv_action.triton.interpreter import read_description
from tcv_action.triton.process import Finished, Stop
from tcv_action.triton.relocate import relocate
from tcv_action.triton.script import Script
from tcv_action.triton.target import Target

PROBE_FOLDER = "/run/tcv-probe"
PROBE_FILE = f"{PROBE_FOLDER}/sitecustomize.py"
"""Where the probe is mounted, read-only, under the name that Python loads at its start."""

_DESCRIBE_SECONDS = 120.0
_GRACE_SECONDS = 3.0

# The process leads a group of its own, so that it can be killed with all that it started; runc has
# made it so already, others may not.
_LAUNCH = (
    "import os, sys\n"
    "if os.getpgrp() != os.getpid():\n"
    "    os.setsid()\n"
    "open(sys.argv[1], 'w').write(str(os.getpid()))\n"
    "os.execvp(sys.argv[2], sys.argv[2:])\n"
)
_KILL = "import os, sys\nos.killpg(int(open(sys.argv[1]).read()), int(sys.argv[2]))\n"
# What one run left behind must not answer the next one.
_REMOVE = "import shutil, sys\nshutil.rmtree(sys.argv[1], ignore_errors=True)\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerPlace:
    """The Python `python` of a running container; a `Place`.

    `user` is who its processes run as, `environment` what the image sets. What comes out of the
    container belongs to `owner` on our side, or to us where that is None. `workspace` is the folder
    that both sides see.
    """

    engine: Engine
    container: str
    image: str
    python: str
    user: Owner
    environment: Mapping[str, str] = field(repr=False)
    owner: Owner | None
    workspace: Path

    def set_up(self, command: str, *, on_output: Callable[[str], None]) -> None:
        """Run a shell command in the workspace, before anything is measured.

        Raises WarmupError where it fails, StoreError where the engine does.
        """
        process, stream = self.engine.execute(
            self.container, ["sh", "-c", command], folder=self.workspace
        )
        lines = Lines(on_output)

        def has_ended() -> bool:
            return self.engine.exit_code(process) is not None

        follow(stream, lines, has_ended=has_ended, stop=None, timeout=None)
        stream.close()
        code = self._wait(process)
        if code:
            what = f"The setup command {command!r} ended with exit code {code}."
            raise WarmupError(
                what,
                cause="Its last lines:\n" + "\n".join(f"  {line}" for line in lines.last),
                next_step="Run it in the image by hand, and mend what it says.",
            )

    def run(
        self,
        script: Script,
        variables: Mapping[str, str],
        *,
        on_output: Callable[[str], None],
        timeout: float | None = None,
        stop: Stop | None = None,
    ) -> Finished:
        """Run a script in the container, the cache folder copied in before and out after.

        The container has the probe, the cache and the record at paths of its own. Raises
        StoreError where the engine fails.
        """
        work = f"/tmp/tcv-{secrets.token_hex(8)}"  # noqa: S108
        orders = json.loads(variables["TCV_PROBE"])
        cache, record = Path(variables["TRITON_CACHE_DIR"]), Path(orders["record"])
        there = {"record": f"{work}/record/{record.name}", "cache": f"{work}/cache"}
        paths = (
            PROBE_FOLDER,
            script.environment.get("PYTHONPATH"),
            self.environment.get("PYTHONPATH"),
        )
        environment = {
            "PYTHONDONTWRITEBYTECODE": "1",  # the workspace is not ours to litter
            **script.environment,
            **variables,
            "PYTHONPATH": ":".join(path for path in paths if path),
            "TRITON_CACHE_DIR": there["cache"],
            "TCV_PROBE": json.dumps({**orders, **there}),
        }
        self._put(cache, work)
        finished = self._execute(
            script, environment, f"{work}/pid", on_output=on_output, timeout=timeout, stop=stop
        )
        self._fetch(f"{work}/cache", cache)
        relocate(cache)
        if self.owner is not None:
            give_away(cache, self.owner)
        self._fetch(f"{work}/record", record.parent)
        self._call(_REMOVE, work)
        return finished

    def describe(self) -> tuple[Environment, Target | None]:
        """Return what Triton's keys depend on in the container, and the GPU that Triton finds there.

        Raises WarmupError where its Python has no Triton, StoreError where the engine fails.
        """
        lines: list[str] = []
        pid = f"/tmp/tcv-{secrets.token_hex(8)}"  # noqa: S108
        script = Script(argv=(PROBE_FILE,), cwd=Path("/"))
        finished = self._execute(
            script, {}, pid, on_output=lines.append, timeout=_DESCRIBE_SECONDS, stop=None
        )
        return read_description(lines, finished, str(self))

    def __str__(self) -> str:
        """Name Python and image."""
        return f"{self.python} in {self.image}"

    def _put(self, cache: Path, work: str) -> None:
        with packed(cache, work, self.user) as archive:
            self.engine.put(self.container, archive)

    def _fetch(self, inside: str, folder: Path) -> None:
        chunks = self.engine.get(self.container, inside)
        if chunks is not None and folder.is_dir():
            unpack_new(chunks, folder)

    def _execute(
        self,
        script: Script,
        environment: Mapping[str, str],
        pid_file: str,
        *,
        on_output: Callable[[str], None],
        timeout: float | None,
        stop: Stop | None,
    ) -> Finished:
        began = time.monotonic()
        command = script.argv if script.is_command else (self.python, *script.argv)
        process, stream = self.engine.execute(
            self.container,
            [self.python, "-I", "-S", "-c", _LAUNCH, pid_file, *command],
            environment=environment,
            folder=script.cwd,
        )
        lines = Lines(on_output)

        def has_ended() -> bool:
            return self.engine.exit_code(process) is not None

        stopped = follow(stream, lines, has_ended=has_ended, stop=stop, timeout=timeout)
        if stopped:
            self._call(_KILL, pid_file, str(int(signal.SIGTERM)))
            follow(stream, lines, has_ended=has_ended, stop=None, timeout=_GRACE_SECONDS)
        self._call(_KILL, pid_file, str(int(signal.SIGKILL)))
        code = self._wait(process)
        stream.close()
        return Finished(
            exit_code=code,
            seconds=time.monotonic() - began,
            last_lines=tuple(lines.last),
            stopped=stopped,
        )

    def _call(self, program: str, *arguments: str) -> None:
        """Run a small program of ours; that there may be nothing to do for it is no failure."""
        command = [self.python, "-I", "-S", "-c", program, *arguments]
        _, stream = self.engine.execute(self.container, command)
        stream.read_all()
        stream.close()

    def _wait(self, process: str) -> int:
        while (code := self.engine.exit_code(process)) is None:
            time.sleep(0.01)
        return code
