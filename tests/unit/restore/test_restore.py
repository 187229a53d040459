"""Restoring good images: of ours and of other tools, into all kinds of destinations."""

import fcntl
import json
import os
from pathlib import Path

import pytest
import zstandard
from tests.archives import (
    ROOT,
    Layer,
    archive,
    digest,
    entry_members,
    gzip_layer,
    image_of,
    labels,
    manifest_member,
    member,
)
from tests.caches import HIP, add_entry, add_helper, key_of, small_cache, unpack_native_h100

from tcv_action.errors import InputError, NothingToPackageError
from tcv_action.image import Contents, Contract, PackOptions, Variant, pack, read_contract
from tcv_action.oci.image import OciImage
from tcv_action.oci.layout import Layout
from tcv_action.oci.media_types import (
    DOCKER_LAYER_GZIP,
    OCI_LAYER,
    OCI_LAYER_ZSTD,
    MediaTypes,
)
from tcv_action.restore import restore
from tcv_action.triton.groups import PORTABLE, PathStyle
from tcv_action.triton.reader import read_cache
from tcv_action.triton.target import Target

CUDA_90 = Target("cuda", "90", 32)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout.create(tmp_path / "layout")


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "destination"


def packed(layout: Layout, cache: Path, options: PackOptions | None = None) -> OciImage:
    return pack(read_cache(cache), None, layout, options=options or PackOptions())


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def children(folder: Path, key: str) -> dict[str, str]:
    (group,) = (folder / key).glob("__grp__*.json")
    paths = json.loads(group.read_bytes())["child_paths"]
    assert isinstance(paths, dict)
    return paths


def assert_hits(folder: Path) -> None:
    """Assert what Triton asks for: every child of every group file is where the file says."""
    for group in folder.glob("*/__grp__*.json"):
        for name, path in json.loads(group.read_bytes())["child_paths"].items():
            assert Path(path) == folder.resolve() / group.parent.name / name
            assert Path(path).is_file()


@pytest.mark.parametrize(
    "options",
    [
        PackOptions(media_types=media_types, variant=variant, contract=contract, path_style=style)
        for media_types in MediaTypes
        for variant in Variant
        for contract in Contract
        for style in (PORTABLE, PathStyle.parse("baked:/elsewhere/cache"))
    ],
    ids=lambda options: (
        f"{options.media_types}-{options.variant}-{options.contract}-{options.path_style}"
    ),
)
def test_a_real_cache_comes_back_and_would_hit(
    tmp_path: Path, layout: Layout, destination: Path, options: PackOptions
) -> None:
    cache = unpack_native_h100(tmp_path)
    image = packed(layout, cache, options)

    restored = restore(image, destination)

    assert (restored.entries, restored.kept, restored.skipped) == (31, 0, ())
    assert_hits(destination)
    before, after = contents(cache), contents(destination)
    assert before.keys() == after.keys()
    assert restored.files == len(after)
    assert restored.bytes == read_contract(image).cache_size_bytes
    assert all(before[name] == after[name] for name in before if "__grp__" not in name)


def test_modes_come_back_less_the_umask(tmp_path: Path, layout: Layout, destination: Path) -> None:
    cache = small_cache(tmp_path / "cache")
    (library,) = cache.glob("*/*.so")
    library.chmod(0o755)

    image = packed(layout, cache)
    before = os.umask(0o027)
    try:
        restore(image, destination)
    finally:
        os.umask(before)

    modes = {path.suffix: path.stat().st_mode & 0o777 for path in destination.rglob("*.*")}
    assert (modes[".so"], modes[".cubin"]) == (0o750, 0o640)
    assert (destination / library.parent.name).stat().st_mode & 0o777 == 0o750


def test_one_target_of_several_is_restored_with_the_helpers(
    tmp_path: Path, layout: Layout, destination: Path
) -> None:
    add_entry(tmp_path / "cache", 1)
    add_entry(tmp_path / "cache", 2, target=HIP)
    helper = add_helper(tmp_path / "cache")
    image = packed(layout, tmp_path / "cache")

    restored = restore(image, destination, target=CUDA_90)

    assert restored.entries == 1
    assert {path.name for path in destination.iterdir()} == {key_of(1), helper.name}


def test_a_target_that_is_not_there_leaves_no_folder(
    tmp_path: Path, layout: Layout, destination: Path
) -> None:
    image = packed(layout, small_cache(tmp_path / "cache"))

    with pytest.raises(NothingToPackageError):
        restore(image, destination, target=Target("hip", "gfx942", 64))
    assert not destination.exists()


def test_binary_contents_are_what_the_loader_needs(
    tmp_path: Path, layout: Layout, destination: Path
) -> None:
    cache = unpack_native_h100(tmp_path)

    restore(packed(layout, cache, PackOptions(contents=Contents.BINARY)), destination)

    assert {path.suffix for path in destination.rglob("*.*")} == {".cubin", ".json", ".so"}
    assert_hits(destination)


def test_restoring_twice_keeps_what_is_there(
    tmp_path: Path, layout: Layout, destination: Path
) -> None:
    image = packed(layout, small_cache(tmp_path / "cache"))
    restore(image, destination)
    marks = {path: path.stat().st_ino for path in destination.rglob("*")}

    again = restore(image, destination)

    assert again.kept == 4
    assert marks == {path: path.stat().st_ino for path in destination.rglob("*")}


def test_what_else_lies_in_the_destination_stays(
    tmp_path: Path, layout: Layout, destination: Path
) -> None:
    other = add_entry(destination, 99, written_in=str(destination))
    (destination / "notes.txt").write_text("mine")
    before = contents(destination)

    restore(packed(layout, small_cache(tmp_path / "cache")), destination)

    after = contents(destination)
    assert other.is_dir()
    assert before.items() <= after.items()


def _moved(entry: Path) -> None:
    """Nothing to do: the group file of a fresh entry names another folder already."""


def _without_group_file(entry: Path) -> None:
    next(entry.glob("__grp__*")).unlink()


def _without_binary(entry: Path) -> None:
    next(entry.glob("*.cubin")).unlink()


def _half_written(entry: Path) -> None:
    next(entry.glob("kernel*.json")).write_text("{")


def _empty(entry: Path) -> None:
    for path in entry.iterdir():
        path.unlink()


@pytest.mark.parametrize(
    "damage", [_moved, _without_group_file, _without_binary, _half_written, _empty]
)
def test_an_entry_that_could_not_hit_is_mended_and_loses_no_file(
    tmp_path: Path, layout: Layout, destination: Path, damage: object
) -> None:
    image = packed(layout, small_cache(tmp_path / "cache"))
    broken = add_entry(destination, 0, name="kernel_0")
    assert callable(damage)
    damage(broken)
    (broken / "extra.txt").write_text("mine")

    restored = restore(image, destination)

    assert restored.kept == 0
    assert (broken / "extra.txt").read_text() == "mine"
    assert_hits(destination)
    assert len(read_cache(destination).entries) == 3


@pytest.mark.parametrize("kind", ["link", "file"])
def test_a_link_or_file_in_an_entry_s_place_is_refused_and_not_followed(
    tmp_path: Path, layout: Layout, destination: Path, kind: str
) -> None:
    image = packed(layout, small_cache(tmp_path / "cache"))
    (tmp_path / "elsewhere").mkdir()
    destination.mkdir()
    if kind == "link":
        (destination / key_of(1)).symlink_to(tmp_path / "elsewhere")
    else:
        (destination / key_of(1)).touch()

    with pytest.raises(InputError, match=f"'{key_of(1)}' is not a folder"):
        restore(image, destination)
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert [path.name for path in destination.iterdir()] == [key_of(1)]


def test_links_inside_a_broken_entry_are_replaced_not_followed(
    tmp_path: Path, layout: Layout, destination: Path
) -> None:
    image = packed(layout, small_cache(tmp_path / "cache"))
    victim = tmp_path / "victim"
    victim.write_text("precious")
    broken = add_entry(destination, 0, name="kernel_0", written_in=str(destination))
    (broken / "kernel_0.cubin").unlink()
    (broken / "kernel_0.cubin").symlink_to(victim)

    restore(image, destination)

    assert victim.read_text() == "precious"
    assert not (broken / "kernel_0.cubin").is_symlink()


def test_a_destination_behind_a_link_gets_its_real_paths(
    tmp_path: Path, layout: Layout, destination: Path
) -> None:
    image = packed(layout, small_cache(tmp_path / "cache"))
    (tmp_path / "link").symlink_to(destination)
    destination.mkdir()

    restored = restore(image, tmp_path / "link")

    assert restored.destination == destination
    assert_hits(destination)


def test_a_destination_that_is_a_file_is_refused(
    tmp_path: Path, layout: Layout, destination: Path
) -> None:
    image = packed(layout, small_cache(tmp_path / "cache"))
    destination.write_text("mine")

    with pytest.raises(InputError, match="is not a folder"):
        restore(image, destination)
    assert destination.read_text() == "mine"


def test_a_folder_that_a_killed_restore_left_is_removed_and_a_living_one_is_not(
    tmp_path: Path, layout: Layout, destination: Path
) -> None:
    image = packed(layout, small_cache(tmp_path / "cache"))
    (destination / ".tcv-restore-dead" / "KEY").mkdir(parents=True)
    (destination / ".tcv-restore-alive").mkdir()
    alive = os.open(destination / ".tcv-restore-alive", os.O_RDONLY)
    fcntl.flock(alive, fcntl.LOCK_EX)
    try:
        restore(image, destination)
    finally:
        os.close(alive)

    assert [path.name for path in destination.glob(".tcv*")] == [".tcv-restore-alive"]


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("media_type", ["docker", "oci", "plain", "zstd"])
def test_images_of_other_tools_are_restored(
    layout: Layout, destination: Path, bare: bool, media_type: str
) -> None:
    tar = archive([*entry_members(), manifest_member(bare=bare)])
    layer = {
        "docker": gzip_layer(tar, DOCKER_LAYER_GZIP),
        "oci": gzip_layer(tar),
        "plain": Layer(data=tar, diff_id=digest(tar), media_type=OCI_LAYER),
        "zstd": Layer(data=zstandard.compress(tar), diff_id=digest(tar), media_type=OCI_LAYER_ZSTD),
    }[media_type]

    restored = restore(image_of(layout, [layer], labels()), destination)

    assert restored.entries == 1
    assert_hits(destination)


def test_names_may_begin_with_a_dot(layout: Layout, destination: Path) -> None:
    tar = archive([*entry_members(root=f"./{ROOT}"), manifest_member()])

    assert restore(image_of(layout, [gzip_layer(tar)], labels()), destination).entries == 1


def test_every_layer_is_read_and_a_later_one_wins(layout: Layout, destination: Path) -> None:
    first, second = entry_members(0), entry_members(1)
    tars = [archive(first), archive([*second, first[0]]), archive([manifest_member((0, 1))])]

    restored = restore(
        image_of(layout, [gzip_layer(tar) for tar in tars], labels(entries=2)), destination
    )

    assert restored.entries == 2
    assert set(children(destination, key_of(0))) == {"k.cubin", "k.json"}


def test_the_size_that_the_label_names_is_what_the_last_layer_leaves(
    layout: Layout, destination: Path
) -> None:
    members = entry_members()
    first = gzip_layer(archive([*members, manifest_member()]))
    second = gzip_layer(archive([member(f"{ROOT}/{key_of(0)}/k.cubin", b"CUBIN")]))
    size = sum(int(one[124:135], 8) for one in members)

    restored = restore(image_of(layout, [first, second], labels(size=size)), destination)

    assert restored.bytes == size
    assert (destination / key_of(0) / "k.cubin").read_bytes() == b"CUBIN"


def test_leftovers_in_an_image_are_passed_over_and_named(layout: Layout, destination: Path) -> None:
    stray = f"{key_of(0)}/lock"
    tar = archive([*entry_members(), member(f"{ROOT}/{stray}", b"half"), manifest_member()])

    restored = restore(image_of(layout, [gzip_layer(tar)], labels()), destination)

    assert restored.skipped == (stray,)
    assert not list(destination.rglob("lock"))
