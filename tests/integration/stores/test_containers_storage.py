"""buildah's, podman's and skopeo's storage, by each of them, and what it gives to the others."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from tests.images import FILES, LABELS, layer_bytes, sample_image, tarball

from tcv_action.errors import StoreError
from tcv_action.oci.image import OciImage
from tcv_action.oci.media_types import Compression, MediaTypes, layer_compression
from tcv_action.oci.reference import Reference
from tcv_action.stores.access import RegistryAccess
from tcv_action.stores.containers_storage import ContainersStorage
from tcv_action.stores.local import Builder, find_image, local_place

pytestmark = pytest.mark.tools

NAMED = Reference.parse("containers-storage:ghcr.io/o/r:v1-ID")


@pytest.fixture
def storage(tmp_path: Path) -> Mapping[str, str]:
    """An environment with a storage of its own."""
    config = tmp_path / "storage.conf"
    config.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/root"\nrunroot = "{tmp_path}/run"\n'
    )
    return {**os.environ, "CONTAINERS_STORAGE_CONF": str(config)}


@pytest.fixture(params=["buildah", "podman", "skopeo"])
def only(
    request: pytest.FixtureRequest,
    storage: Mapping[str, str],
    tool: Callable[[str], str],
    tmp_path: Path,
) -> Mapping[str, str]:
    """An environment in which only that program is installed."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / request.param).symlink_to(tool(request.param))
    (programs / "runc").symlink_to(tool("runc"))
    return {**storage, "PATH": str(programs)}


def test_an_image_is_loaded_and_read_back(only: Mapping[str, str], image: OciImage) -> None:
    store = ContainersStorage(only)

    assert store.write(image, NAMED).uploaded_bytes > 0
    assert store.write(image, NAMED).uploaded_bytes == 0
    assert store.has(NAMED)
    read = store.read(NAMED)

    assert read.config == image.config
    assert read.descriptor.media_type == image.descriptor.media_type
    # What came out is unpacked, and its media type says so.
    assert layer_compression(read.layers[0].media_type) is Compression.NONE
    assert layer_bytes(read) == tarball(FILES)


def test_the_storage_keeps_the_digest(
    storage: Mapping[str, str], image: OciImage, tool: Callable[[str], str]
) -> None:
    ContainersStorage(storage).write(image, NAMED)

    command = [tool("skopeo"), "inspect", str(NAMED)]
    seen = json.loads(subprocess.run(command, check=True, capture_output=True, env=storage).stdout)

    assert seen["Digest"] == image.digest
    assert seen["Labels"] == LABELS


def test_a_second_name_and_a_second_image(
    only: Mapping[str, str], image: OciImage, tmp_path: Path
) -> None:
    store = ContainersStorage(only)
    other = sample_image(tmp_path / "other", files={"other": b"1"})

    store.write(image, NAMED)
    store.write(image, NAMED.with_tag("two"))
    store.write(other, NAMED)

    assert store.read(NAMED).config == other.config
    assert store.read(NAMED.with_tag("two")).config == image.config


def test_nothing_stays_behind(
    only: Mapping[str, str], oci_image: OciImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    store = ContainersStorage(only)

    store.write(oci_image, NAMED)
    read = store.read(NAMED)
    layer_bytes(read)
    del read

    assert list(scratch.iterdir()) == []


def test_an_unknown_name_is_refused(only: Mapping[str, str]) -> None:
    store = ContainersStorage(only)

    assert not store.has(NAMED)
    with pytest.raises(StoreError, match=r"no image 'ghcr\.io/o/r:v1-ID'"):
        store.read(NAMED)


def test_a_program_that_fails_is_quoted(
    storage: Mapping[str, str], oci_image: OciImage, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "root", ignore_errors=True)
    (tmp_path / "root").write_text("in the way")

    with pytest.raises(StoreError, match=r"failed: .*root"):
        ContainersStorage(storage).write(oci_image, NAMED)


def test_without_a_program_there_is_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no buildah, podman or skopeo") as caught:
        ContainersStorage({"PATH": str(tmp_path)})

    assert "oci:" in caught.value.next_step


def test_a_plain_name_is_found_here_where_docker_has_none(
    storage: Mapping[str, str], oci_image: OciImage, tmp_path: Path
) -> None:
    ContainersStorage(storage).write(oci_image, NAMED)
    environment = {**storage, "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    access = RegistryAccess(environment=environment)

    assert find_image(Reference.parse(NAMED.image), access)[1] == NAMED


def test_buildah_is_favoured_for_a_plain_name(storage: Mapping[str, str]) -> None:
    for builder in (None, Builder.BUILDAH):
        place = local_place(Reference.parse("o/r:t"), storage, builder)
        assert str(place) == "containers-storage:docker.io/o/r:t"


@pytest.mark.parametrize("row", list(MediaTypes))
def test_buildah_mounts_what_was_loaded(
    storage: Mapping[str, str], tool: Callable[[str], str], tmp_path: Path, row: MediaTypes
) -> None:
    image = sample_image(tmp_path / "source", row)
    ContainersStorage(storage).write(image, NAMED)

    def buildah(*words: str) -> str:
        command = [tool("buildah"), *words]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=storage)
        return done.stdout.strip()

    folder = Path(buildah("mount", buildah("from", NAMED.image)))

    for name, content in FILES.items():
        assert (folder / name).read_bytes() == content
        assert (folder / name).stat().st_mode & 0o777 == 0o644
