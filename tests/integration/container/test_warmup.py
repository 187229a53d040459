"""A script in a container of a real docker engine: its kernels come out, and nothing stays."""

import gc
import os
from dataclasses import replace
from pathlib import Path

import pytest
from tests.integration.container.conftest import OWNER, containers, inspected
from tests.services.docker_engine import DockerEngine

from tcv_action.container import ContainerOptions, running_container
from tcv_action.container.engine import Engine
from tcv_action.errors import StoreError, WarmupError
from tcv_action.image import PackOptions, pack
from tcv_action.oci.layout import Layout
from tcv_action.restore import restore
from tcv_action.triton.reader import read_cache
from tcv_action.triton.replay import replay
from tcv_action.triton.script import Script
from tcv_action.triton.target import Target
from tcv_action.triton.warmup import Warmup, warm_up, warm_up_all

pytestmark = [pytest.mark.docker, pytest.mark.triton]

H100 = Target("cuda", "90", 32)
MI300 = Target("hip", "gfx942", 64)


def script(workspace: Path, name: str = "warm.py") -> Script:
    return Script(argv=(name,), cwd=workspace, environment={"COLOUR": "blue"})


def warmed(engine: Engine, options: ContainerOptions, cache: Path, lines: list[str]) -> Warmup:
    with running_container(engine, options) as place:
        return warm_up(
            script(options.workspace),
            H100,
            cache,
            interpreter=place,
            timeout=300,
            on_output=lines.append,
            gpu=False,
        )


def test_kernels_come_out_with_the_workspaces_owner_and_the_container_is_gone(
    docker_engine: DockerEngine, engine: Engine, options: ContainerOptions, tmp_path: Path
) -> None:
    lines: list[str] = []
    warmup = warmed(engine, options, tmp_path / "cache", lines)
    assert lines == ["in True blue"]
    assert [request.hit for request in warmup.requests] == [False, False]
    assert warmup.environment.triton_version == "3.6.0"
    cache = read_cache(tmp_path / "cache")
    assert {entry.hash for entry in cache.entries} == {item.hash for item in warmup.requests}
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in cache.root.rglob("*")}
    assert owners == {OWNER}
    assert containers(docker_engine) == []


def test_the_workspace_is_left_as_it_was(
    engine: Engine, options: ContainerOptions, tmp_path: Path
) -> None:
    warmed(engine, options, tmp_path / "cache", [])
    assert [path.name for path in options.workspace.rglob("*")] == ["warm.py"]


def test_several_targets_are_compiled_at_once_in_one_container(
    engine: Engine, options: ContainerOptions, tmp_path: Path
) -> None:
    folders = {H100: tmp_path / "h100", MI300: tmp_path / "mi300"}
    with running_container(engine, options) as place:
        warmups = warm_up_all(
            script(options.workspace),
            folders,
            interpreter=place,
            timeout=300,
            on_output=lambda *_: None,
            workers=2,
        )
    assert [len(warmup.requests) for warmup in warmups] == [2, 2]
    assert read_cache(folders[MI300]).targets == (MI300,)


@pytest.mark.parametrize("inside", [True, False], ids=["in the workspace", "elsewhere"])
def test_a_restored_cache_hits_in_a_fresh_container(
    engine: Engine, options: ContainerOptions, tmp_path: Path, *, inside: bool
) -> None:
    warmed(engine, options, tmp_path / "cache", [])
    layout = Layout.create(tmp_path / "layout")
    image = pack(read_cache(tmp_path / "cache"), H100, layout, options=PackOptions())
    restored = (options.workspace if inside else tmp_path) / "restored"
    restore(image, restored)
    with running_container(engine, options) as place:
        proof = replay(
            script(options.workspace),
            H100,
            restored,
            interpreter=place,
            timeout=300,
            on_output=print,
            gpu=False,
        )
    assert (proof.hits, proof.total) == (2, 2)


def test_one_run_does_not_answer_the_next_in_the_same_container(
    engine: Engine, options: ContainerOptions, tmp_path: Path
) -> None:
    with running_container(engine, options) as place:
        for cache in (tmp_path / "one", tmp_path / "two"):
            warmup = warm_up(
                script(options.workspace),
                H100,
                cache,
                interpreter=place,
                timeout=300,
                on_output=print,
                gpu=False,
            )
            assert not any(request.hit for request in warmup.requests)


def test_the_probe_is_mounted_read_only_and_the_entrypoint_replaced(
    docker_engine: DockerEngine, engine: Engine, options: ContainerOptions
) -> None:
    with running_container(engine, options):
        container = inspected(docker_engine)
    mounts = {mount["Destination"]: mount["RW"] for mount in container["Mounts"]}  # type: ignore[attr-defined]
    assert mounts == {
        str(options.workspace): True,
        "/run/tcv-probe/sitecustomize.py": False,
    }
    assert container["Path"] == "python3"


def test_setup_commands_run_first_in_the_same_container(
    engine: Engine, options: ContainerOptions, tmp_path: Path
) -> None:
    lines: list[str] = []
    (options.workspace / "needs.py").write_text(
        "import painted\n" + (options.workspace / "warm.py").read_text()
    )
    with running_container(engine, options) as place:
        place.set_up(
            "echo one; echo 'COLOUR = 1' > /usr/lib/python3/dist-packages/painted.py",
            on_output=lines.append,
        )
        place.set_up("pwd", on_output=lines.append)
        warm_up(
            script(options.workspace, "needs.py"),
            H100,
            tmp_path / "cache",
            interpreter=place,
            timeout=300,
            on_output=lines.append,
            gpu=False,
        )
    assert lines == ["one", str(options.workspace), "in True blue"]


def test_a_setup_command_that_fails_is_named_with_its_last_words(
    docker_engine: DockerEngine, engine: Engine, options: ContainerOptions
) -> None:
    with (
        pytest.raises(WarmupError, match=r"exit 3' ended with exit code 3(.|\n)*no such package"),
        running_container(engine, options) as place,
    ):
        place.set_up("echo no such package >&2; exit 3", on_output=print)
    assert containers(docker_engine) == []


def test_the_interpreter_of_the_image_describes_itself(
    engine: Engine, options: ContainerOptions
) -> None:
    with running_container(engine, options) as place:
        environment, gpu = place.describe()
    assert environment.triton_version == "3.6.0"
    assert environment.triton_key
    assert gpu is None


def test_an_image_without_triton_says_so(
    engine: Engine, options: ContainerOptions, base_image: str
) -> None:
    with (
        pytest.raises(WarmupError, match=f"no Triton in the Python 'python3 in {base_image}'"),
        running_container(engine, replace(options, image=base_image)) as place,
    ):
        place.describe()


def test_a_script_that_fails_is_told_with_its_line(
    engine: Engine, options: ContainerOptions, tmp_path: Path
) -> None:
    (options.workspace / "bad.py").write_text("import triton\nraise SystemError('broken')\n")
    with (
        running_container(engine, options) as place,
        pytest.raises(WarmupError, match=r"bad\.py:2 with SystemError: broken"),
    ):
        warm_up(
            script(options.workspace, "bad.py"),
            H100,
            tmp_path / "cache",
            interpreter=place,
            timeout=300,
            on_output=print,
            gpu=False,
        )


def test_a_script_that_hangs_is_killed_with_all_that_it_started(
    docker_engine: DockerEngine, engine: Engine, options: ContainerOptions, tmp_path: Path
) -> None:
    (options.workspace / "hang.py").write_text(
        "import subprocess, time\nsubprocess.Popen(['sleep', '4321'])\nprint('up', flush=True)\n"
        "time.sleep(4321)\n"
    )
    lines: list[str] = []
    with running_container(engine, options) as place:
        with pytest.raises(WarmupError, match="did not end within 2 s"):
            warm_up(
                script(options.workspace, "hang.py"),
                H100,
                tmp_path / "cache",
                interpreter=place,
                timeout=2,
                on_output=lines.append,
                gpu=False,
            )
        (container,) = containers(docker_engine)
        running = docker_engine.docker("top", container, "-eo", "pid,args").stdout
    assert lines == ["up"]
    assert b"4321" not in running
    assert not (tmp_path / "cache").exists()


def test_a_process_left_behind_does_not_hold_up_the_end(
    engine: Engine, options: ContainerOptions, tmp_path: Path
) -> None:
    (options.workspace / "daemon.py").write_text(
        "import subprocess\nsubprocess.Popen(['sleep', '4321'])\n"
        + (options.workspace / "warm.py").read_text()
    )
    with running_container(engine, options) as place:
        warmup = warm_up(
            script(options.workspace, "daemon.py"),
            H100,
            tmp_path / "cache",
            interpreter=place,
            timeout=300,
            on_output=print,
            gpu=False,
        )
    assert warmup.seconds < 300


def test_our_secrets_do_not_enter_the_container(
    engine: Engine, options: ContainerOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghs_secret")
    (options.workspace / "show.py").write_text(
        "import os\nprint(sorted(os.environ.values()))\n"
        + (options.workspace / "warm.py").read_text()
    )
    lines: list[str] = []
    with running_container(engine, options) as place:
        warm_up(
            script(options.workspace, "show.py"),
            H100,
            tmp_path / "cache",
            interpreter=place,
            timeout=300,
            on_output=lines.append,
            gpu=False,
        )
    assert "ghs_secret" not in lines[0]
    assert os.environ["GITHUB_TOKEN"] == "ghs_secret"


def test_an_image_that_runs_as_someone_else_works_as_well(
    docker_engine: DockerEngine, engine: Engine, options: ContainerOptions, tmp_path: Path
) -> None:
    container = docker_engine.docker("create", options.image, "true").stdout.decode().strip()
    change = ["--change", "USER 4711:4711", "--change", "ENV HOME=/tmp"]
    docker_engine.docker("commit", *change, container, "local/someone:1")
    docker_engine.docker("rm", container)
    warmup = warmed(engine, replace(options, image="local/someone:1"), tmp_path / "cache", [])
    assert len(warmup.requests) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": "127.0.0.1:1/no/such:1"}, "could not find the image '127.0.0.1:1/no/such:1'"),
        ({"python": "python9"}, "could not start a container"),
        ({"gpu": "nvidia"}, "container toolkit"),
    ],
)
def test_what_the_engine_refuses_is_said_and_nothing_stays(
    docker_engine: DockerEngine,
    engine: Engine,
    options: ContainerOptions,
    change: dict[str, str],
    message: str,
) -> None:
    with (
        pytest.raises(StoreError, match=message),
        running_container(engine, replace(options, **change)),  # type: ignore[arg-type]
    ):
        pass
    assert containers(docker_engine) == []


# The docker package leaves a socket open that it could not connect.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_engine_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="could not reach the docker engine"):
        Engine(f"unix://{tmp_path}/docker.sock")
    gc.collect()
