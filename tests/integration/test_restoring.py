"""tcv restore: what is put in place, what is told instead, and what a job is handed."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.caches import add_entry, unpack_native_h100
from tests.services.command import Ended, tcv
from tests.services.interpreters import OLDEST, TRITON, interpreter, require_python
from tests.services.runner_log import read_file_command


@pytest.fixture
def image(tmp_path: Path) -> str:
    """Give an image of kernels that does not say what compiled them."""
    name = f"oci:{tmp_path / 'images'}:v1"
    for number in range(3):
        add_entry(tmp_path / "cache", number)
    tcv("create", "-d", tmp_path / "cache", "-i", name).ok()
    return name


def in_job(folder: Path, *arguments: object, **environ: str) -> tuple[Ended, Mapping[str, str]]:
    """Run the command as a step; return how it ended, and its outputs with what it exported."""
    files = {name: folder / name for name in ("GITHUB_OUTPUT", "GITHUB_ENV")}
    for file in files.values():
        file.write_text("")
    given = {"GITHUB_ACTIONS": "true", **{name: str(file) for name, file in files.items()}}
    done = tcv("restore", *arguments, cwd=folder, environ={**given, **environ})
    handed = (read_file_command(file.read_text()) for file in files.values())
    outputs, exported = handed
    return done, {**outputs, **exported}


def test_kernels_are_put_in_place_and_the_folder_is_exported(image: str, tmp_path: Path) -> None:
    done, handed = in_job(tmp_path, image, "--dir", "placed")

    done.ok()
    folder = str(tmp_path / "placed")
    assert (handed["hit"], handed["entries"]) == ("true", "3")
    assert handed["cache-dir"] == handed["TRITON_CACHE_DIR"] == folder
    assert handed["digest"].startswith("sha256:")
    assert "not told" in handed["reason"]
    assert len([each for each in (tmp_path / "placed").iterdir() if each.is_dir()]) == 3


def test_without_a_folder_it_comes_where_triton_looks(image: str, tmp_path: Path) -> None:
    _, handed = in_job(tmp_path, image, TRITON_CACHE_DIR=str(tmp_path / "looked"))

    assert handed["cache-dir"] == str(tmp_path / "looked")
    assert (tmp_path / "looked").is_dir()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("oci:images:gone", "no image with the tag 'gone'"),
        ("127.0.0.1:1/nobody/listens:v1", "cannot be reached"),
    ],
)
def test_an_absent_image_is_told_and_a_failure_by_choice_only(
    image: str, tmp_path: Path, name: str, reason: str
) -> None:
    assert image
    done, handed = in_job(tmp_path, name, "--dir", "placed")

    done.ok()
    assert (handed["hit"], handed["entries"], handed["digest"]) == ("false", "0", "")
    assert reason in handed["reason"]
    assert "::error" not in done.out
    assert handed["TRITON_CACHE_DIR"] == str(tmp_path / "placed")
    strict, handed = in_job(tmp_path, name, "--fail-on-miss")
    assert strict.code == 5
    assert handed["hit"] == "false"


def test_an_index_without_the_target_is_a_miss(image: str, tmp_path: Path) -> None:
    index = f"oci:{tmp_path / 'all'}:v1"
    tcv("merge", "-i", index, image, cwd=tmp_path).ok()
    done, handed = in_job(tmp_path, index, "--target", "cuda:80")

    done.ok()
    assert handed["hit"] == "false"
    assert "nothing for cuda:80" in handed["reason"]


def test_a_disk_that_refuses_is_a_failure(image: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done, handed = in_job(tmp_path, image, "--dir", "file/cache")

    assert done.code == 5
    assert "file/cache" in done.out
    assert "hit" not in handed


def test_what_cannot_be_an_image_is_a_failure(tmp_path: Path) -> None:
    done, _ = in_job(tmp_path, "Not A Name")

    assert done.code == 2


@pytest.mark.triton
def test_a_miss_that_is_foretold_is_told_and_not_restored(tmp_path: Path) -> None:
    version, python = require_python(OLDEST)
    named = interpreter(python, version, [TRITON]).path
    image = f"oci:{tmp_path / 'images'}:v1"
    tcv("create", "-d", unpack_native_h100(tmp_path), "-i", image).ok()
    done, handed = in_job(tmp_path, image, "--dir", "placed", "--python", named)

    done.ok()
    assert handed["hit"] == "false"
    assert "Python" in handed["reason"]
    assert not (tmp_path / "placed").exists()
    strict, _ = in_job(tmp_path, image, "--python", named, "--fail-on-miss")
    assert strict.code == 6
