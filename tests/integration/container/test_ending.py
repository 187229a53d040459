"""Whatever ends our process, its container is gone soon after."""

import signal
import subprocess
import sys

import pytest
from tests.integration.container.conftest import containers, wait_until
from tests.services.docker_engine import DockerEngine

from tcv_action.container import ContainerOptions

pytestmark = [pytest.mark.docker, pytest.mark.triton]

# What the command line does: SIGTERM becomes an interrupt, the rest is the context manager's.
PROGRAM = """
import signal, sys
from pathlib import Path
from tcv_action.container import ContainerOptions, running_container
from tcv_action.container.engine import Engine
from tcv_action.triton.script import Script
from tcv_action.triton.target import Target
from tcv_action.triton.warmup import warm_up

def interrupt(*_):
    raise KeyboardInterrupt

signal.signal(signal.SIGTERM, interrupt)
host, image, workspace, setup = sys.argv[1:]
options = ContainerOptions(image=image, workspace=Path(workspace), network="none")
say = lambda line: print(line, flush=True)
with running_container(Engine(host), options) as place:
    if setup:
        place.set_up(setup, on_output=say)
    warm_up(
        Script(argv=("hang.py",), cwd=Path(workspace)),
        Target.parse("cuda:90"),
        Path(workspace, "cache"),
        interpreter=place,
        timeout=300,
        on_output=say,
        gpu=False,
    )
"""


@pytest.mark.parametrize("setup", ["", "echo up; sleep 4321"], ids=["script", "setup"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_leaves_no_container(
    docker_engine: DockerEngine, options: ContainerOptions, number: signal.Signals, setup: str
) -> None:
    (options.workspace / "hang.py").write_text(
        "import time\nprint('up', flush=True)\ntime.sleep(4321)\n"
    )
    arguments = [docker_engine.host, options.image, str(options.workspace), setup]
    command = [sys.executable, "-c", PROGRAM, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        assert len(containers(docker_engine)) == 1
        process.send_signal(number)
        process.communicate(timeout=60)
    assert process.returncode != 0
    wait_until(lambda: containers(docker_engine) == [])
    if number is not signal.SIGKILL:
        assert not (options.workspace / "cache").exists()
