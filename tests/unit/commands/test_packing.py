"""How `tcv create` packs: every choice reaches the image."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.caches import small_cache

from tcv_action.oci.layout import Layout
from tcv_action.oci.manifest import open_image

PREFIX = "cache.triton.image/"
TCV = (sys.executable, "-m", "tcv_action")


def create(tmp_path: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    cache = tmp_path / "cache"
    if not cache.exists():
        small_cache(cache)
    image = f"oci:{tmp_path / 'images'}:kernels"
    return subprocess.run(
        [*TCV, "create", "-d", str(cache), "-i", image, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )


def made(tmp_path: Path) -> tuple[dict[str, object], dict[str, str], str]:
    """Return the manifest, the labels and the time of the image that was made."""
    layout = Layout.open(tmp_path / "images")
    descriptor = layout.find("kernels")
    image = open_image(layout.read_bytes(descriptor), descriptor, layout)
    config = json.loads(image.config)
    return json.loads(image.manifest), config["config"]["Labels"], config["created"]


@pytest.mark.parametrize("media_types", ["oci", "docker"])
@pytest.mark.parametrize("variant", ["compat", "oci"])
def test_media_types_and_variant(tmp_path: Path, media_types: str, variant: str) -> None:
    run = create(tmp_path, "--media-types", media_types, "--variant", variant)

    assert run.returncode == 0, run.stderr
    manifest, _, _ = made(tmp_path)
    assert ("docker" in str(manifest["mediaType"])) is (media_types == "docker")
    assert ("content.layer" in str(manifest["layers"])) is (variant == "oci")


def test_contract_style_contents_labels_and_annotations(tmp_path: Path) -> None:
    run = create(
        tmp_path,
        *("--contract", "tcv", "--path-style", "baked:/models", "--contents", "binary"),
        *("--label", "team=kernels", "--annotation", "note=a=b"),
    )

    assert run.returncode == 0, run.stderr
    manifest, labels, created = made(tmp_path)
    assert labels[f"{PREFIX}summary"].startswith('{"variant":"multi","entry_count":3,')
    assert labels[f"{PREFIX}path-style"] == "baked:/models"
    assert labels[f"{PREFIX}contents"] == "binary"
    assert labels["team"] == "kernels"
    assert manifest["annotations"] == {f"{PREFIX}variant": "compat", "note": "a=b"}
    assert created == "1970-01-01T00:00:00Z"


def test_the_time_is_asked_for_by_option_or_by_source_date_epoch(tmp_path: Path) -> None:
    assert create(tmp_path, SOURCE_DATE_EPOCH="1700000000").returncode == 0
    assert made(tmp_path)[2] == "2023-11-14T22:13:20Z"

    assert create(tmp_path, "--created", "60", SOURCE_DATE_EPOCH="1700000000").returncode == 0
    assert made(tmp_path)[2] == "1970-01-01T00:01:00Z"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--label", "team"], "'team'"),
        (["--annotation", "=x"], "'=x'"),
        (["--label", f"{PREFIX}entry-count=9"], "entry-count"),
        (["--annotation", f"{PREFIX}variant=oci"], f"'{PREFIX}variant'"),
        (["--label", "team=\udcff"], r"'team=\udcff'"),
        (["--annotation", "te\udcffam=x"], r"'te\udcffam=x'"),
        (["--path-style", "baked:/\udcff"], r"'baked:/\udcff'"),
        (["--path-style", "absolute"], "'absolute'"),
        (["--created", "-5"], "-5"),
        (["--contract", "gkm"], "'gkm'"),
        (["--contents", "ir"], "'ir'"),
        (["--target", "cuda:abc"], "'cuda:abc'"),
    ],
)
def test_a_choice_that_cannot_be_is_bad_input_and_named(
    tmp_path: Path, arguments: list[str], named: str
) -> None:
    run = create(tmp_path, *arguments)

    assert run.returncode == 2
    assert named in run.stderr
    assert not (tmp_path / "images").exists()


@pytest.mark.parametrize(
    "surroundings",
    [
        {"LC_ALL": "tr_TR.UTF-8"},
        {"LC_ALL": "C", "PYTHONUTF8": "0"},
        {"TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "1", "HOME": "/nonexistent"},
    ],
)
def test_the_surroundings_do_not_show_in_the_digest(
    tmp_path: Path, surroundings: dict[str, str]
) -> None:
    digests = set()
    for place, environment in (("one", {}), ("two", surroundings)):
        run = create(tmp_path / place, "--json", **environment)
        assert run.returncode == 0, run.stderr
        digests.add(json.loads(run.stdout)["digest"])

    assert len(digests) == 1


def test_the_umask_does_not_show_in_the_digest(tmp_path: Path) -> None:
    digests = set()
    for place, mask in (("one", 0o022), ("two", 0o077)):
        before = os.umask(mask)
        try:
            run = create(tmp_path / place, "--json")
        finally:
            os.umask(before)
        digests.add(json.loads(run.stdout)["digest"])

    assert len(digests) == 1
