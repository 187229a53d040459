"""The original tools' flags at the root of the command line."""

import json
import sys
from pathlib import Path

import pytest
from tests.caches import HIP, add_entry, small_cache
from tests.framework_caches import add_vllm_aot
from tests.services.command import Ended, tcv

from tcv_action.commands.flags import BUILDERS, as_click_reads
from tcv_action.oci.layout import Layout
from tcv_action.oci.manifest import open_image
from tcv_action.stores.local import Builder

METADATA = "cache.triton.image/metadata"
FLAGS = (
    *("-c, --create", "-e, --extract", "-i, --image", "-d, --dir", "-l, --log-level"),
    *("-b, --baremetal", "--no-gpu", "--builder [buildah|docker]", "--check-compat"),
    *("--gpu-info", "--stub", "--version", "-h, --help"),
)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return small_cache(tmp_path / "cache")


@pytest.fixture
def image(cache: Path, tmp_path: Path) -> str:
    name = f"oci:{tmp_path / 'images'}:v1"
    tcv("-c", "-i", name, "-d", cache).ok()
    return name


def labels(folder: Path) -> dict[str, str]:
    layout = Layout.open(folder)
    descriptor = layout.find("v1")
    config = json.loads(open_image(layout.read_bytes(descriptor), descriptor, layout).config)
    found: dict[str, str] = config["config"]["Labels"]
    return found


def refused(ended: Ended, code: int, *parts: str) -> None:
    assert ended.code == code, ended.err
    for part in parts:
        assert part in ended.err


def test_the_help_names_every_flag_and_verb() -> None:
    shown = tcv("-h").ok().out

    assert [flag for flag in FLAGS if flag not in shown] == []
    assert "  create " in shown
    alone = tcv()
    assert "--create" in alone.out + alone.err


def test_the_document_has_every_flag() -> None:
    text = (Path(__file__).parents[3] / "docs/migrating.md").read_text()
    names = {name for flag in FLAGS for name in flag.partition(" [")[0].split(", ")}

    assert [name for name in sorted(names) if f"`{name}" not in text] == []


def test_the_builders_are_the_local_stores() -> None:
    assert set(BUILDERS) == {one.value for one in Builder}


def test_create_then_extract(image: str, cache: Path, tmp_path: Path) -> None:
    tcv("-e", "-i", image, "-d", tmp_path / "out").ok()

    names = [
        sorted(path.name for path in folder.rglob("*")) for folder in (cache, tmp_path / "out")
    ]
    assert names[0] == names[1]


def test_long_names_and_pflags_spellings(cache: Path, tmp_path: Path) -> None:
    name = f"oci:{tmp_path / 'images'}:v1"

    tcv("--create=true", "--no-gpu=false", f"-i={name}", f"--dir={cache}").ok()
    tcv("--extract", f"--image={name}", f"-d={tmp_path / 'out'}", "--no-gpu=T").ok()
    tcv("-ei", name, f"-d{tmp_path / 'second'}").ok()

    assert (tmp_path / "out").is_dir()
    assert (tmp_path / "second").is_dir()


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (["-c=true", "-i=a=b"], ["-c", "-i", "a=b"]),
        (["--create=0", "--stub=FALSE"], []),
        (["--create=maybe"], ["--create=maybe"]),
        (["create", "-d=x", "--push=true"], ["create", "-d=x", "--push=true"]),
        (["-l=debug", "run", "s.py", "-x=1"], ["-l", "debug", "run", "s.py", "-x=1"]),
        (["--", "-c=true"], ["--", "-c=true"]),
    ],
)
def test_only_what_stands_before_a_verb_is_rewritten(given: list[str], read: list[str]) -> None:
    assert as_click_reads(given, ["create", "run"]) == read


def test_the_usual_folder_is_the_one_that_triton_uses(image: str, tmp_path: Path) -> None:
    tcv("-e", "-i", image, environ={"TRITON_CACHE_DIR": str(tmp_path / "named")}).ok()
    tcv("-e", "-i", image, environ={"TRITON_CACHE_DIR": "", "HOME": str(tmp_path / "home")}).ok()

    assert list((tmp_path / "named").iterdir())
    assert list((tmp_path / "home/.triton/cache").iterdir())


def test_source_date_epoch_is_kept(cache: Path, tmp_path: Path) -> None:
    name = f"oci:{tmp_path / 'images'}:v1"
    tcv("-c", "-i", name, "-d", cache, environ={"SOURCE_DATE_EPOCH": "60"}).ok()
    wrong = tcv("-c", "-i", name, "-d", cache, environ={"SOURCE_DATE_EPOCH": "noon"})

    blobs = [path.read_bytes() for path in (tmp_path / "images/blobs/sha256").iterdir()]
    assert any(b"1970-01-01T00:01:00Z" in blob for blob in blobs)
    refused(wrong, 2, "'noon'")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["-c", "-e", "-i", "x", "-d", "y"], ["--create, --extract"]),
        (["-i", "x"], ["given: none"]),
        (["-c", "-i", "x"], ["No cache folder"]),
        (["-c", "-d", "y"], ["No image"]),
        (["-e"], ["No image"]),
        (["--check-compat"], ["No image"]),
        (["--check-compat", "--no-gpu", "-i", "x"], ["--no-gpu does not go with --check-compat"]),
        (["--gpu-info", "--no-gpu"], ["--no-gpu does not go with --gpu-info"]),
        (["-c", "-i", "x/UPPER", "-d", "."], ["'x/UPPER'"]),
        (["-c", "-i", "x", "-d", "y", "--builder", "kaniko"], ["kaniko"]),
        (["-e", "-i", "x", "-l", "loud"], ["loud"]),
        (["--gpu-info", "extra"], ["extra"]),
        (["-b", "create", "-d", "y", "-i", "x"], ["--baremetal", "'create'"]),
        (["--push", "-i", "x"], ["tcv create", "--push"]),
        (["--pull", "--verify", "-i", "x"], ["tcv extract"]),
        (["-s", "-i", "x"], ["cosign sign"]),
        (["--verify", "-i", "x"], ["cosign verify"]),
    ],
)
def test_what_cannot_be_is_refused_and_named(arguments: list[str], parts: list[str]) -> None:
    refused(tcv(*arguments), 2, *parts)


def test_an_absent_folder_is_named(tmp_path: Path) -> None:
    ended = tcv("-c", "-i", f"oci:{tmp_path / 'images'}", "-d", tmp_path / "gone")

    refused(ended, 2, str(tmp_path / "gone"))
    assert list(tmp_path.iterdir()) == []


def test_a_name_without_a_local_store_is_offered_other_places(cache: Path, tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    for choice in ((), ("--builder", "buildah"), ("--builder", "docker")):
        ended = tcv("-c", "-i", "quay.io/x/y:z", "-d", cache, *choice, environ=environ)
        refused(ended, 5, "'quay.io/x/y:z'", "oci:", "--push")


def test_the_made_up_gpus_are_shown() -> None:
    assert tcv("--gpu-info", "--stub").ok().out.splitlines() == [
        "GPU Fleet:",
        "  - GPU Type: STUBBED Aldebaran/MI200 [Instinct MI210]",
        "    Driver Version: 6.12.10-100.fc40.x86_64",
        "    IDs: [0 1]",
    ]
    nvidia = tcv("--gpu-info", "--stub", environ={"MCV_STUB_PROFILE": "nvidia"})
    assert "A100" in nvidia.ok().out
    refused(tcv("--gpu-info", "--stub", environ={"MCV_STUB_PROFILE": "gaudi"}), 2, "'gaudi'", "amd")


def test_a_vllm_cache_that_names_no_gpu_is_for_the_gpus_here(tmp_path: Path) -> None:
    add_vllm_aot(tmp_path / "cache")
    arguments = ("-c", "-d", tmp_path / "cache", "-i", f"oci:{tmp_path / 'images'}:v1")

    refused(tcv(*arguments, "--no-gpu", "--stub"), 2, "cannot be told")
    assert "1 entry for hip:gfx90a" in tcv(*arguments, "--stub").ok().out


def test_the_gpu_decides_about_compatibility(image: str, tmp_path: Path) -> None:
    add_entry(tmp_path / "hip", target=HIP | {"arch": "gfx90a"})
    other = f"oci:{tmp_path / 'images'}:hip"
    tcv("-c", "-i", other, "-d", tmp_path / "hip").ok()

    assert "Overall" in tcv("--check-compat", "--stub", "-i", other).ok().out
    refused(tcv("--check-compat", "--stub", "-i", image), 6, "another vendor")
    refused(tcv("-e", "--stub", "-i", image, "-d", tmp_path / "out"), 6, "another vendor")
    assert not (tmp_path / "out").exists()
    tcv("-e", "--stub", "--no-gpu", "-i", image, "-d", tmp_path / "out").ok()


def test_the_log_level_stands_before_a_verb_or_behind_it(image: str) -> None:
    assert "DEBUG" not in tcv("inspect", image).ok().err
    before, behind = tcv("-l", "debug", "gpus").ok(), tcv("gpus", "-l", "debug").ok()
    assert before.out == behind.out


def test_python3_is_asked_once_whatever_the_entries(cache: Path, tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python3"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\necho asked >> {tmp_path}/asked\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)

    environ = {"PATH": f"{python.parent}:/usr/bin:/bin"}
    tcv("-c", "-i", f"oci:{tmp_path / 'images'}:v1", "-d", cache, environ=environ).ok()

    assert (tmp_path / "asked").read_text() == "asked\n"
    assert len(json.loads(labels(tmp_path / "images")[METADATA])) == 3
