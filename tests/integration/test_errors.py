"""What a person sees when something is wrong: three parts, the right exit code, nothing left."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.services.command import Ended, tcv
from tests.services.interpreters import Interpreter
from tests.services.registry import Registry

METADATA = '{"hash": "%s", "target": {"backend": "cuda", "arch": 90, "warp_size": 32}}'
KEY = "A" * 52


def cache(folder: Path, metadata: str = METADATA % ("0" * 64)) -> Path:
    """Make a cache folder of one kernel."""
    entry = folder / KEY
    entry.mkdir(parents=True)
    (entry / "k.json").write_text(metadata)
    (entry / "k.cubin").write_bytes(b"\0" * 64)
    (entry / "__grp__k.json").write_text('{"child_paths": {"k.cubin": "/x/k.cubin"}}')
    return folder


def shows(ended: Ended, code: int, *parts: str) -> None:
    """Hold code and text of an error; no traceback of ours is ever shown."""
    assert ended.code == code, ended.err
    for part in parts:
        assert part in ended.err
    assert "tcv_action/" not in ended.err
    assert "error:" in ended.err
    assert "next:" in ended.err


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    ended = tcv("create", "-d", tmp_path / "gone", "-i", f"oci:{tmp_path / 'out'}")
    shows(ended, 2, str(tmp_path / "gone"))
    assert list(tmp_path.iterdir()) == []


def test_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ended = tcv("create", "-d", tmp_path / "empty", "-i", f"oci:{tmp_path / 'out'}")
    shows(ended, 3, "holds no kernel")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "metadata",
    ['{"hash": ', '{"target": {"backend": "cuda", "arch": 90, "warp_size": 32}}', "[]"],
    ids=["broken", "without hash", "no object"],
)
def test_metadata_that_cannot_be_used(metadata: str, tmp_path: Path) -> None:
    folder = cache(tmp_path / "cache", metadata)
    ended = tcv("create", "-d", folder, "-i", f"oci:{tmp_path / 'out'}")
    shows(ended, 2, f"{KEY}/k.json")
    assert not (tmp_path / "out").exists()


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    folder = cache(tmp_path / "cache")
    (folder / KEY / "k.cubin").chmod(0)
    command = [sys.executable, "-m", "tcv_action", "create", "-d", str(folder), "-i"]
    command.append(f"oci:{tmp_path / 'out'}")
    if os.geteuid() == 0:
        # Root reads everything: take its right to do so away.
        dropped = "-dac_override,-dac_read_search"
        command = ["setpriv", "--bounding-set", dropped, "--inh-caps", dropped, *command]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2, ended.stderr
    assert f"{KEY}/k.cubin" in ended.stderr


@pytest.mark.parametrize(
    "reference", ["ghcr.io/UPPER/x", "a b", "oci:", "docker://", "x:" + "t" * 129, "ftp://x/y"]
)
def test_bad_reference(reference: str, tmp_path: Path) -> None:
    shows(tcv("create", "-d", cache(tmp_path / "c"), "-i", reference, "--push"), 2, repr(reference))


def test_registry_that_is_not_there(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        name = f"127.0.0.1:{taken.getsockname()[1]}/x"
        ended = tcv("create", "-d", cache(tmp_path / "c"), "-i", name, "--push", timeout=30)
    shows(ended, 5, name.partition("/")[0])


@pytest.mark.registry
def test_registry_that_says_no(registry_with_login: Registry, tmp_path: Path) -> None:
    name = registry_with_login.name("private")
    anonymous = {"DOCKER_CONFIG": str(tmp_path)}
    ended = tcv(
        "create", "-d", cache(tmp_path / "c"), "-i", name, "--push", environ=anonymous, timeout=30
    )
    shows(ended, 5, registry_with_login.host)
    wrong = {**anonymous, "TCV_REGISTRY_PASSWORD": "not-the-password"}
    ended = tcv(
        "create", "-d", tmp_path / "c", "-i", name, "--push", "--registry-username", "tester",
        environ=wrong, timeout=30,
    )  # fmt: skip
    shows(ended, 5, registry_with_login.host)
    assert "not-the-password" not in ended.err + ended.out


@pytest.mark.registry
def test_registry_that_wants_a_sign_in_gets_it(
    registry_with_login: Registry, tmp_path: Path
) -> None:
    environ = {"TCV_REGISTRY_PASSWORD": registry_with_login.password}
    user = ("--registry-username", registry_with_login.username)
    name = registry_with_login.name("mine")
    tcv("create", "-d", cache(tmp_path / "c"), "-i", name, "--push", *user, environ=environ).ok()
    tcv("inspect", name, *user, environ=environ).ok()


@pytest.mark.registry
def test_image_that_is_not_there(registry: Registry, tmp_path: Path) -> None:
    ended = tcv("extract", "-i", registry.name("nothing:here"), "-d", tmp_path / "out")
    shows(ended, 5, "nothing")
    assert not (tmp_path / "out").exists()


def test_full_disk(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk: run the tests as root")
    folder = cache(tmp_path / "cache")
    (folder / KEY / "k.cubin").write_bytes(os.urandom(2_000_000))
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], check=True)
    try:
        ended = tcv("create", "-d", folder, "-i", f"oci:{small / 'out'}:v1")
        shows(ended, 5, "disk is full")
        tcv("create", "-d", folder, "-i", f"oci:{tmp_path / 'big'}:v1").ok()
        ended = tcv("extract", "-i", f"oci:{tmp_path / 'big'}:v1", "-d", small / "cache")
        shows(ended, 5, "disk is full")
        assert not (small / "cache").exists()
    finally:
        subprocess.run(["umount", small], check=True)


def test_script_that_is_not_there(tmp_path: Path) -> None:
    ended = tcv("run", "--dry-run", "--target", "cuda:90", "gone.py", cwd=tmp_path)
    assert ended.code == 2, ended.err
    assert "'gone.py'" in ended.err


def test_options_that_do_not_go_together_are_named_at_once(tmp_path: Path) -> None:
    ended = tcv("run", cwd=tmp_path)
    shows(ended, 2, "--cache-dir", "--image")


def test_python_without_triton(tmp_path: Path) -> None:
    script = tmp_path / "s.py"
    script.write_text("import triton\n")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    ended = tcv(
        "run", "--dry-run", "--target", "cuda:90", "--python", tmp_path / "bare/bin/python",
        script, cwd=tmp_path,
    )  # fmt: skip
    shows(ended, 4, "no Triton")


@pytest.mark.triton
@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        ("import triton\n", 3, "launched no Triton kernel"),
        ("import triton\nraise SystemExit(3)\n", 4, "exit code 3"),
        ("import triton\n1 / 0\n", 4, "s.py:2"),
        ("import triton\ndef (\n", 4, "SyntaxError"),
    ],
    ids=["launches nothing", "exits", "raises", "does not parse"],
)
def test_script_that_fails(
    source: str, code: int, said: str, python_with_triton: Interpreter, tmp_path: Path
) -> None:
    script = tmp_path / "s.py"
    script.write_text(source)
    ended = tcv(
        "run", "--dry-run", "--target", "cuda:90", "--python", python_with_triton.path, script,
        cwd=tmp_path,
    )  # fmt: skip
    shows(ended, code, said)
    written = sorted(path.name for path in (tmp_path / "tcv-out").iterdir())
    assert written == ["outputs.json", "page.html", "summary.md"]
    summary = (tmp_path / "tcv-out" / "summary.md").read_text()
    assert "warm up" in summary
    assert f"exit code {code}" in summary


def test_wrong_input_of_the_action_fails_no_other_command(tmp_path: Path) -> None:
    wrong = {"INPUT_DRY-RUN": "perhaps"}
    assert "version" in tcv("--version", environ=wrong).ok().out
    shows(tcv("run", cwd=tmp_path, environ=wrong), 2, "dry-run: 'perhaps'")


def test_an_empty_path_is_an_unset_variable(tmp_path: Path) -> None:
    image = f"oci:{tmp_path / 'out'}:v1"
    tcv("create", "-d", cache(tmp_path / "cache"), "-i", image).ok()
    ended = tcv("extract", "-i", image, "-d", "", "--no-check", cwd=tmp_path)
    assert ended.code == 2
    assert "It is empty" in ended.err
    assert not (tmp_path / KEY).exists()


def test_destination_with_a_name_that_no_disk_can_hold(tmp_path: Path) -> None:
    image = f"oci:{tmp_path / 'out'}:v1"
    tcv("create", "-d", cache(tmp_path / "cache"), "-i", image).ok()
    ended = tcv("extract", "-i", image, "-d", tmp_path / ("n" * 300), "--no-check")
    shows(ended, 5, "File name too long")


def test_binaries_that_cannot_be_read_when_they_are_compared(tmp_path: Path) -> None:
    folder = cache(tmp_path / "cache")
    binary = folder / KEY / "k.cubin"
    command = [sys.executable, "-m", "tcv_action", "diff", str(folder), str(folder)]
    binary.chmod(0)
    if os.geteuid() == 0:
        dropped = "-dac_override,-dac_read_search"
        command = ["setpriv", "--bounding-set", dropped, "--inh-caps", dropped, *command]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2, ended.stderr
    assert f"{KEY}/k.cubin" in ended.stderr


def test_relocating_what_is_no_cache(tmp_path: Path) -> None:
    shows(tcv("relocate", "-d", tmp_path), 3, "holds no kernel")


@pytest.mark.parametrize("place", ["relative", "/a/../b", "/a\nb", ".triton/cacheXYZ"])
def test_mount_path_that_is_none(place: str, tmp_path: Path) -> None:
    folder = cache(tmp_path / "cache")
    shows(tcv("relocate", "-d", folder, "--mount-path", place), 2, "mount path")
