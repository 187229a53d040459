"""Images of ours, read with tools that are not ours."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.caches import unpack_native_h100

from tcv_action.image import PackOptions, pack, read_contract
from tcv_action.oci.image import OciImage
from tcv_action.oci.layout import Layout
from tcv_action.triton.reader import read_cache

pytestmark = pytest.mark.tools
Tool = Callable[[str], str]


@pytest.fixture
def image(tmp_path: Path) -> OciImage:
    """Pack the real cache; a layout with docker's media types is read by no tool but ours."""
    layout = Layout.create(tmp_path / "layout")
    cache = read_cache(unpack_native_h100(tmp_path))
    image = pack(cache, None, layout, options=PackOptions(title="suite"))
    layout.add(image.descriptor, ["suite"])
    return image


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_skopeo_shows_the_labels_and_copies_every_blob(
    tool: Tool, tmp_path: Path, image: OciImage
) -> None:
    source = f"oci:{tmp_path / 'layout'}:suite"

    shown = json.loads(run(tool("skopeo"), "inspect", source))
    run(tool("skopeo"), "copy", "--preserve-digests", source, f"dir:{tmp_path / 'copy'}")

    assert shown["Labels"] == read_contract(image).labels
    assert (shown["Architecture"], shown["Os"]) == ("amd64", "linux")
    assert (tmp_path / "copy" / "manifest.json").read_bytes() == image.manifest


@pytest.mark.usefixtures("image")
def test_umoci_unpacks_the_cache_byte_for_byte(tool: Tool, tmp_path: Path) -> None:
    run(tool("umoci"), "unpack", "--image", f"{tmp_path / 'layout'}:suite", str(tmp_path / "out"))

    unpacked = tmp_path / "out" / "rootfs" / "io.triton.cache"
    original = tmp_path / "native.gone"
    files = [path.relative_to(original) for path in original.rglob("*") if path.is_file()]
    assert len(files) == 253
    for file in files:
        if not file.name.startswith("__grp__"):
            assert (unpacked / file).read_bytes() == (original / file).read_bytes()
            assert (unpacked / file).stat().st_mode & 0o777 == 0o644


def test_gnu_tar_and_gzip_find_no_fault(tool: Tool, tmp_path: Path, image: OciImage) -> None:
    (layer,) = image.layers
    blob = Layout.open(tmp_path / "layout").blob_path(layer)

    with blob.open("rb") as stream:
        subprocess.run([tool("gzip"), "--test"], stdin=stream, check=True)
    listed = run(tool("tar"), "--list", "--verbose", "--gzip", "--file", str(blob)).splitlines()

    assert len(listed) == 253 + 1 + 36 + 2
    assert all(" 0/0 " in line for line in listed)
    assert listed[0].endswith(" io.triton.cache/")
    assert listed[-1].endswith(" io.triton.manifest/manifest.json")
