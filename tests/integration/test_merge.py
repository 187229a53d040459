"""The images of a matrix become one index, from references or from results."""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from tests.archives import archive, entry_members, gzip_layer, image_of, manifest_member
from tests.services.command import tcv
from tests.services.registry import Registry

from tcv_action.oci.layout import Layout

NATIVE = Path(__file__).parents[1] / "data" / "native-h100.tar.gz"
METADATA = {"hash": "0" * 64, "target": {"backend": "hip", "arch": "gfx942", "warp_size": 64}}


@pytest.fixture
def caches(tmp_path: Path) -> dict[str, Path]:
    """Give a cache folder for cuda:90, of a real GPU, and a small one for hip:gfx942."""
    with tarfile.open(NATIVE) as archive:
        archive.extractall(tmp_path / "native", filter="data")
    (cuda,) = (tmp_path / "native").iterdir()
    entry = tmp_path / "hip" / ("B" * 52)
    entry.mkdir(parents=True)
    (entry / "k.json").write_text(json.dumps(METADATA))
    (entry / "k.hsaco").write_bytes(b"\0" * 64)
    (entry / "__grp__k.json").write_text('{"child_paths": {"k.hsaco": "/x/k.hsaco"}}')
    return {"cuda:90": cuda, "hip:gfx942": tmp_path / "hip"}


def leg(target: str, cache: Path, name: str, folder: Path, **environ: str) -> Path:
    output = folder / target.replace(":", "-")
    tcv("run", "--cache-dir", cache, "--image", name, "-o", output, environ=environ).ok()
    return output


@pytest.mark.registry
def test_results_of_legs_become_an_index(
    registry: Registry, caches: dict[str, Path], tmp_path: Path
) -> None:
    name = registry.name("merged")
    legs = [leg(target, cache, f"{name}:v1", tmp_path) for target, cache in caches.items()]
    merged = tcv("merge", "-i", f"{name}:v1", *legs, "--json", cwd=tmp_path).ok().json
    assert [row["target"] for row in merged["targets"]] == ["cuda:90", "hip:gfx942"]
    assert merged["tags"] == ["v1-cuda-sm90", "v1-hip-gfx942", "v1"]
    shown = tcv("inspect", f"{name}:v1", "--json").ok().json
    assert shown["digest"] == merged["digest"]
    assert [one["targets"] for one in shown["images"]] == [["cuda:90"], ["hip:gfx942"]]
    for target, count in (("cuda:90", 31), ("hip:gfx942", 1)):
        back = tmp_path / "back" / target
        restored = tcv("extract", "-i", f"{name}:v1", "-t", target, "-d", back, "--json").ok()
        assert restored.json["entries"] == count
    missing = tcv("extract", "-i", f"{name}:v1", "-t", "cuda:80", "-d", tmp_path / "none")
    assert missing.code == 6
    assert "cuda:90, hip:gfx942" in missing.err


def test_images_from_layouts_become_an_index_in_a_layout(
    caches: dict[str, Path], tmp_path: Path
) -> None:
    names = []
    for target, cache in caches.items():
        names.append(f"oci:{tmp_path / 'parts'}:{target.partition(':')[0]}")
        tcv("create", "-d", cache, "-i", names[-1]).ok()
    tcv("merge", "-i", f"oci:{tmp_path / 'all'}:v1", *names, cwd=tmp_path).ok()
    index = json.loads((tmp_path / "all" / "index.json").read_text())["manifests"][0]
    blob = tmp_path / "all" / "blobs" / "sha256" / index["digest"].removeprefix("sha256:")
    entries = json.loads(blob.read_text())["manifests"]
    assert [one["annotations"]["cache.triton.image/arch"] for one in entries] == ["90", "gfx942"]
    assert all(one["platform"] == {"architecture": "amd64", "os": "linux"} for one in entries)


def test_two_images_of_one_target_are_refused_by_name(
    caches: dict[str, Path], tmp_path: Path
) -> None:
    name = f"oci:{tmp_path / 'parts'}:v1"
    tcv("create", "-d", caches["cuda:90"], "-i", name).ok()
    refused = tcv("merge", "-i", f"oci:{tmp_path / 'all'}:v1", name, name, cwd=tmp_path)
    assert refused.code == 2
    assert "'cuda:90'" in refused.err
    assert not (tmp_path / "all").exists()


@pytest.mark.registry
def test_legs_of_two_commits_are_refused_by_name(
    registry: Registry, caches: dict[str, Path], tmp_path: Path
) -> None:
    name = registry.name("commits")
    legs = [
        leg(target, cache, f"{name}:v1", tmp_path, GITHUB_SHA=commit * 40)
        for (target, cache), commit in zip(caches.items(), "ab", strict=True)
    ]
    refused = tcv("merge", "-i", f"{name}:v1", *legs, cwd=tmp_path)
    assert refused.code == 2
    assert "a" * 40 in refused.err
    assert "b" * 40 in refused.err


@pytest.mark.registry
def test_failed_leg_is_shown_and_sinks_the_others_only_by_choice(
    registry: Registry, caches: dict[str, Path], tmp_path: Path
) -> None:
    name = registry.name("partly")
    good = leg("cuda:90", caches["cuda:90"], f"{name}:v1", tmp_path)
    bad = tmp_path / "bad"
    gone = tmp_path / "gone.py"
    gone.write_text("1 / 0\n")
    failed = tcv("run", "--image", name, "-t", "hip:gfx942", "-o", bad, gone)
    assert failed.code == 4
    strict = tcv("merge", "-i", f"{name}:v1", good, bad, cwd=tmp_path)
    assert strict.code == 4
    assert tcv("inspect", f"{name}:v1").code == 5
    lenient = tcv("merge", "-i", f"{name}:v1", good, bad, "--allow-failed", cwd=tmp_path).ok()
    assert "hip:gfx942" in lenient.out
    summary = (tmp_path / "tcv-out" / "summary.md").read_text()
    assert "warm up** failed (exit code 4)" in summary


def merged_result(caches: dict[str, Path], folder: Path) -> dict[str, Any]:
    """Return the result of a merge of one image in a layout, as outputs.json has it."""
    name = f"oci:{folder / 'parts'}:v1"
    tcv("create", "-d", caches["cuda:90"], "-i", name).ok()
    made = tcv("merge", "-i", f"oci:{folder / 'one'}:v1", name, "--json", cwd=folder).ok()
    result: dict[str, Any] = made.json
    return result


@pytest.mark.parametrize("digest", ["sha256:feed", "../../other", f"sha256:{'0' * 64}"])
def test_another_image_than_the_results_digest_names_is_not_merged(
    caches: dict[str, Path], tmp_path: Path, digest: str
) -> None:
    result = merged_result(caches, tmp_path)
    result["targets"][0]["digest"] = digest
    (tmp_path / "outputs.json").write_text(json.dumps(result))
    refused = tcv("merge", "-i", f"oci:{tmp_path / 'all'}:v1", tmp_path, cwd=tmp_path)
    assert refused.code in {2, 5}
    assert repr(digest) in refused.err
    assert not (tmp_path / "all").exists()


def test_image_that_names_no_target_is_refused(tmp_path: Path) -> None:
    layout = Layout.create(tmp_path / "parts")
    layer = gzip_layer(archive([*entry_members(), manifest_member()]))
    nameless = {
        "cache.triton.image/summary": '{"targets":[]}',
        "cache.triton.image/entry-count": "1",
    }
    layout.add(image_of(layout, [layer], nameless).descriptor, ["v1"])
    parts = f"oci:{tmp_path / 'parts'}:v1"
    refused = tcv("merge", "-i", f"oci:{tmp_path / 'all'}:v1", parts, cwd=tmp_path)
    assert refused.code == 2
    assert f"{parts!r} names no target" in refused.err


def test_source_with_a_very_long_name_is_no_file(tmp_path: Path) -> None:
    source = f"localhost:1/{'a' * 300}"
    for arguments in (("merge", "-i", f"oci:{tmp_path}/all", source), ("inspect", source)):
        refused = tcv(*arguments, cwd=tmp_path)
        assert refused.code == 2
        assert "more than 255" in refused.err


def test_result_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    command = [
        sys.executable,
        "-m",
        "tcv_action",
        "merge",
        "-i",
        f"oci:{tmp_path}/all",
        "closed/leg",
    ]
    if os.geteuid() == 0:
        # Root reads everything: take its right to do so away.
        dropped = "-dac_override,-dac_read_search"
        command = ["setpriv", "--bounding-set", dropped, "--inh-caps", dropped, *command]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ended.returncode == 5
    assert "cannot read 'closed/leg': Permission denied" in ended.stderr


def test_result_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outputs.json").write_text("{}")
    refused = tcv("merge", "-i", f"oci:{tmp_path / 'all'}:v1", tmp_path, cwd=tmp_path)
    assert refused.code == 2
    assert "outputs.json" in refused.err


@pytest.mark.registry
def test_a_leg_that_left_nothing_is_shown(
    registry: Registry, caches: dict[str, Path], tmp_path: Path
) -> None:
    name = f"{registry.name('missing')}:v1"
    good = leg("cuda:90", caches["cuda:90"], name, tmp_path)
    wanted = ("-t", "cuda:90", "-t", "hip:gfx942")
    strict = tcv("merge", "-i", name, good, *wanted, cwd=tmp_path)
    assert strict.code == 1
    assert "left no result" in (tmp_path / "tcv-out" / "summary.md").read_text()
    lenient = tcv("merge", "-i", name, good, *wanted, "--allow-failed", "--json", cwd=tmp_path)
    merged = lenient.ok().json
    assert merged["result"] == "failure"
    assert merged["tags"] == ["v1-cuda-sm90", "v1"]


@pytest.mark.registry
def test_the_index_gets_the_templates_tags(
    registry: Registry, caches: dict[str, Path], tmp_path: Path
) -> None:
    name = f"{registry.name('tagged')}:v1"
    legs = [leg(target, cache, name, tmp_path) for target, cache in caches.items()]
    tags = ("--tag", "{tag}", "--tag", "newest-{backend}-{arch}")
    tcv("merge", "-i", name, *legs, *tags, cwd=tmp_path).ok()
    digests = {
        tcv("inspect", registry.name(f"tagged:{tag}"), "--json").ok().json["digest"]
        for tag in ("v1", "newest")
    }
    assert len(digests) == 1


def test_dry_runs_make_a_summary_alone(caches: dict[str, Path], tmp_path: Path) -> None:
    legs = []
    for target, cache in caches.items():
        legs.append(tmp_path / target.replace(":", "-"))
        tcv("run", "--cache-dir", cache, "--dry-run", "-o", legs[-1]).ok()
    merged = tcv("merge", "-i", "localhost:1/a:v1", *legs, "--json", cwd=tmp_path).ok().json
    assert merged["dry-run"]
    assert merged["digest"] == ""
    assert [row["target"] for row in merged["targets"]] == ["cuda:90", "hip:gfx942"]


def test_words_of_a_result_are_no_markup(tmp_path: Path) -> None:
    failure = {
        "stage": "[/b] <i>",
        "what": "[red]No.",
        "cause": "",
        "next_step": "",
        "exit_code": 4,
    }
    error = {**failure, "file": "", "line": 0}
    result = {"image": "k", "dry-run": True, "targets": [], "errors": [error]}
    (tmp_path / "outputs.json").write_text(json.dumps(result))
    merged = tcv("merge", "-i", f"oci:{tmp_path / 'all'}:v1", tmp_path, cwd=tmp_path)
    assert merged.code == 4, merged.err
    assert "failed while it was to [/b] <i>" in merged.out
    assert "[red]No." in merged.err
    assert r"\[/b\] &lt;i&gt;" in (tmp_path / "tcv-out" / "summary.md").read_text()
