"""Scripts of the original tools' users, against a real docker engine, buildah's storage, a registry."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.caches import CUDA, add_entry
from tests.services.command import tcv
from tests.services.docker_engine import DockerEngine
from tests.services.interpreters import OLDEST, TRITON, Interpreter, interpreter, require_python
from tests.services.registry import Registry

METADATA = "cache.triton.image/metadata"
SUMMARY = {"targets": [{"backend": "cuda", "arch": "90", "warp_size": 32}]}


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache that is no other test's: the engine keeps what it was given."""
    for number in range(3):
        add_entry(tmp_path / "cache", number, name=f"kernel_{number}")
    add_entry(tmp_path / "cache", hash(tmp_path), name=tmp_path.name)
    return tmp_path / "cache"


@pytest.fixture
def storage(tmp_path: Path, tool: Callable[[str], str]) -> Mapping[str, str]:
    """An environment with a storage of its own for buildah, and no docker engine."""
    tool("buildah")
    config = tmp_path / "storage.conf"
    config.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/root"\nrunroot = "{tmp_path}/run"\n'
    )
    return {
        "CONTAINERS_STORAGE_CONF": str(config),
        "DOCKER_HOST": f"unix://{tmp_path}/none.sock",
    }


@pytest.fixture
def docker_alone(docker_engine: DockerEngine, tmp_path: Path) -> Mapping[str, str]:
    """An environment with a docker engine, and none of buildah, podman and skopeo."""
    (tmp_path / "bin").mkdir()
    for program in ("sh", "env"):
        (tmp_path / "bin" / program).symlink_to(shutil.which(program) or program)
    return {**docker_engine.environment, "PATH": str(tmp_path / "bin")}


@pytest.fixture(scope="module")
def triton() -> Interpreter:
    version, python = require_python(OLDEST)
    return interpreter(python, version, [TRITON])


def same_content(one: Path, two: Path) -> bool:
    """Compare every file, but for the group files, which name the folder they lie in."""

    def files(folder: Path) -> dict[str, tuple[bytes, int]]:
        return {
            str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode & 0o777)
            for path in folder.rglob("*")
            if path.is_file() and not path.name.startswith("__grp__")
        }

    return files(one) == files(two) != {}


def skopeo(
    tool: Callable[[str], str], *words: str, environ: Mapping[str, str] | None = None
) -> Any:
    command = [tool("skopeo"), "inspect", *words]
    done = subprocess.run(
        command, check=True, capture_output=True, env={**os.environ, **(environ or {})}
    )
    return json.loads(done.stdout)


@pytest.mark.docker
@pytest.mark.tools
def test_docker_takes_the_image_and_gives_it_back(
    docker_alone: Mapping[str, str],
    docker_engine: DockerEngine,
    tool: Callable[[str], str],
    cache: Path,
    tmp_path: Path,
) -> None:
    name = "quay.io/mtahhan/01-vector-add-cache:docker"

    created = tcv("-c", "-i", name, "-d", cache, environ=docker_alone).ok()
    assert created.out.startswith(f"docker-daemon:{name}  sha256:")
    (seen,) = json.loads(docker_engine.docker("inspect", name).stdout)
    assert len(seen["RootFS"]["Layers"]) == 1

    labels = skopeo(tool, f"--daemon-host={docker_engine.host}", f"docker-daemon:{name}")["Labels"]
    assert json.loads(labels["cache.triton.image/summary"]) == SUMMARY
    assert labels["org.opencontainers.image.title"] == "01-vector-add-cache"
    assert {record["arch"] for record in json.loads(labels[METADATA])} == {"90"}

    home = {**docker_alone, "HOME": str(tmp_path / "home"), "TRITON_CACHE_DIR": ""}
    tcv("-e", "-i", name, environ=home).ok()
    assert same_content(cache, tmp_path / "home/.triton/cache")


@pytest.mark.tools
def test_buildahs_storage_takes_the_image_and_gives_it_back(
    storage: Mapping[str, str], tool: Callable[[str], str], cache: Path, tmp_path: Path
) -> None:
    name = "quay.io/mtahhan/01-vector-add-cache"

    created = tcv("-c", "-i", name, "-d", cache, environ=storage).ok()
    assert created.out.startswith(f"containers-storage:{name}:latest  sha256:")
    image = skopeo(tool, f"containers-storage:{name}:latest", environ=storage)
    assert image["Digest"] in created.out
    assert len(image["Layers"]) == 1
    records = json.loads(image["Labels"][METADATA])
    assert len(records) == 4
    assert records[0].keys() >= {"hash", "backend", "arch", "warp_size", "dummy_key"}

    environ = {**storage, "TRITON_CACHE_DIR": str(tmp_path / "named")}
    tcv("--extract", "--image", name, environ=environ).ok()
    assert same_content(cache, tmp_path / "named")


@pytest.mark.docker
@pytest.mark.tools
def test_buildah_is_favoured_and_the_builder_chooses(
    docker_engine: DockerEngine, storage: Mapping[str, str], cache: Path
) -> None:
    both = {**storage, **docker_engine.environment}

    favoured = tcv("-c", "-i", "quay.io/x/y:both", "-d", cache, environ=both).ok()
    chosen = tcv("-c", "-i", "quay.io/x/y:both", "-d", cache, "--builder=docker", environ=both).ok()
    named = tcv("-c", "-i", "quay.io/x/y:two", "-d", cache, "--builder", "buildah", environ=both)

    assert favoured.out.startswith("containers-storage:quay.io/x/y:both")
    assert chosen.out.startswith("docker-daemon:quay.io/x/y:both")
    assert named.ok().out.startswith("containers-storage:quay.io/x/y:two")


@pytest.mark.docker
@pytest.mark.tools
def test_a_plain_name_is_read_from_docker_then_from_the_storage(
    docker_engine: DockerEngine, storage: Mapping[str, str], cache: Path, tmp_path: Path
) -> None:
    both = {**storage, **docker_engine.environment}
    other = tmp_path / "other"
    add_entry(other, 0, name="kernel_0")
    name = f"quay.io/x/order:{tmp_path.name}".lower()

    tcv("create", "-d", other, "-i", name, environ=both).ok()
    stored = tcv("inspect", name, "--json", environ=both).ok().json
    tcv("create", "-d", cache, "-i", name, "--builder", "docker", environ=both).ok()
    docked = tcv("inspect", name, "--json", environ=both).ok().json

    assert (stored["reference"], stored["entry_count"]) == (f"containers-storage:{name}", 1)
    assert (docked["reference"], docked["entry_count"]) == (f"docker-daemon:{name}", 4)
    assert tcv("check", name, environ=both).ok().out.endswith("Overall: cannot tell\n")
    assert "3 added" in tcv("diff", other, name, environ=both).ok().out


@pytest.mark.docker
@pytest.mark.tools
def test_a_script_that_hands_the_image_on_as_an_archive(
    docker_engine: DockerEngine,
    storage: Mapping[str, str],
    tool: Callable[[str], str],
    cache: Path,
    tmp_path: Path,
) -> None:
    name = "quay.io/gkm/vector-add-cache:rocm"
    (tmp_path / "tcv").write_text(f'#!/bin/sh\nexec {sys.executable} -m tcv_action "$@"\n')
    (tmp_path / "tcv").chmod(0o755)
    folders = (str(tmp_path), str(Path(tool("buildah")).parent), os.environ["PATH"])
    subprocess.run(
        ["sh", "-eu", "-c", SCRIPT, "script", name, str(cache)],
        cwd=tmp_path,
        env={**os.environ, **storage, "PATH": os.pathsep.join(folders)},
        check=True,
    )

    docker_engine.docker("load", "-i", str(tmp_path / "image.tar"))
    alone = {**storage, **docker_engine.environment, "CONTAINERS_STORAGE_CONF": "/nonexistent"}
    tcv("-e", "-i", name, "-d", tmp_path / "out", environ=alone).ok()
    assert same_content(cache, tmp_path / "out")


# After mcv's README, "Using MCV image to build cache images".
SCRIPT = """
tcv -c -i "$1" -d "$2" -l info --no-gpu &&
buildah push "containers-storage:$1" "docker-archive:image.tar:$1"
"""


@pytest.mark.registry
def test_a_plain_name_that_is_nowhere_else_is_read_from_the_registry(
    registry: Registry, storage: Mapping[str, str], cache: Path, tmp_path: Path
) -> None:
    name = registry.name("original/kernels")

    tcv("create", "-d", cache, "-i", f"{name}:v1", "--push", environ=storage).ok()
    tcv("-e", "-i", f"{name}:v1", "-d", tmp_path / "out", environ=storage).ok()
    missing = tcv("-e", "-i", f"{name}:v2", "-d", tmp_path / "none", environ=storage)

    assert same_content(cache, tmp_path / "out")
    assert missing.code == 5
    assert "v2" in missing.err
    assert not (tmp_path / "none").exists()


@pytest.mark.triton
@pytest.mark.parametrize("entries", [4, 400], ids=["in labels", "in the layer"])
def test_the_dummy_keys_are_those_of_python3_and_baremetal_compares_them(
    triton: Interpreter, entries: int, cache: Path, tmp_path: Path
) -> None:
    for number in range(4, entries):
        add_entry(cache, number)
    name = f"oci:{tmp_path / 'images'}:v1"
    here = {"PATH": f"{triton.path.parent}:/usr/bin:/bin"}
    tcv("-c", "-i", name, "-d", cache, environ=here).ok()
    alone = {"PATH": "/nonexistent"}
    without = f"oci:{tmp_path / 'images'}:v2"
    tcv("-c", "-i", without, "-d", cache, environ=alone).ok()

    agreed = tcv("-e", "-b", "-i", name, "-d", tmp_path / "one", environ=here)
    other = tcv(
        *("-e", "-b", "-i", name, "-d", tmp_path / "two"),
        environ={**here, "DISABLE_LLVM_OPT": "1"},
    )
    untold = tcv("--check-compat", "-b", "-i", without, environ=here)
    refused = tcv("-e", "-b", "-i", name, "-d", tmp_path / "two", environ=alone)

    labels = tcv("inspect", name, "--json").ok().json["labels"]
    assert (METADATA in labels) is (entries == 4)
    assert agreed.code == 0, agreed.err
    assert other.code == 6
    assert "dummy keys" in other.err
    assert untold.code == 6  # no GPU here
    assert ("the tool that built the image had no Triton" in untold.out) is (entries == 4)
    assert refused.code == 4
    assert not (tmp_path / "two").exists()


@pytest.mark.triton
def test_a_dummy_key_is_the_one_that_the_original_computes(
    triton: Interpreter, tmp_path: Path
) -> None:
    add_entry(tmp_path / "cache", target=CUDA)
    name = f"oci:{tmp_path / 'images'}:v1"
    tcv(
        *("-c", "-i", name, "-d", tmp_path / "cache"),
        environ={"PATH": f"{triton.path.parent}:/usr/bin:/bin"},
    ).ok()
    computed = subprocess.run(
        [triton.path, "-c", ORIGINAL], check=True, capture_output=True, text=True
    ).stdout.strip()

    (record,) = json.loads(tcv("inspect", name, "--json").ok().json["labels"][METADATA])
    assert record["dummy_key"] == computed


# What mcv's Go and the Python programs inside it do, for one entry.
ORIGINAL = """
import hashlib, json
from triton.runtime.cache import triton_key
from triton._C.libtriton import get_cache_invalidating_env_vars

def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()

def compact(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"))

options = {"debug": False, "num_stages": 3, "num_warps": 4, "ptx": 0}
parts = [
    triton_key(),
    digest("dummy_source_content"),
    digest("cuda-90-32"),
    digest(compact(options)),
    digest(compact(get_cache_invalidating_env_vars())),
]
print(digest("-".join(parts)))
"""
