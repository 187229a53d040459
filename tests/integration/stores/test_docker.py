"""A real docker engine: loading, naming, reading back, and what it says when it refuses."""

import hashlib
import json
from pathlib import Path

import pytest
from tests.images import FILES, LABELS, image_of_layer, layer_bytes, sample_image, tarball
from tests.services.docker_engine import DockerEngine

from tcv_action.errors import InputError, StoreError
from tcv_action.oci.config import ImageConfig, build_config
from tcv_action.oci.digest import describe, sha256
from tcv_action.oci.image import OciImage
from tcv_action.oci.index import IndexEntry, build_index
from tcv_action.oci.layout import Layout
from tcv_action.oci.media_types import DOCKER_LAYER, MediaTypes
from tcv_action.oci.reference import Reference
from tcv_action.stores.access import RegistryAccess
from tcv_action.stores.docker import DockerStore
from tcv_action.stores.local import Builder, find_image, local_place
from tcv_action.stores.select import open_store

pytestmark = pytest.mark.docker


@pytest.fixture
def store(docker_engine: DockerEngine) -> DockerStore:
    return DockerStore(docker_engine.environment)


@pytest.fixture
def image(request: pytest.FixtureRequest, tmp_path: Path, row: MediaTypes) -> OciImage:
    """An image that the engine has not seen in another test."""
    files = {**FILES, "test": request.node.name.encode()}
    return sample_image(tmp_path / "source", row, files=files)


@pytest.fixture
def row() -> MediaTypes:
    return MediaTypes.DOCKER


def named(image: OciImage, tag: str = "t") -> Reference:
    return Reference.parse(f"docker-daemon:tests/{image.digest[7:19]}:{tag}")


@pytest.mark.parametrize("row", list(MediaTypes))
def test_an_image_is_loaded_and_read_back(
    store: DockerStore, docker_engine: DockerEngine, image: OciImage
) -> None:
    pushed = store.write(image, named(image))

    assert pushed.uploaded_bytes > 0
    assert store.has(named(image))
    seen = json.loads(docker_engine.docker("inspect", named(image).image).stdout)[0]
    assert seen["Id"] == image.config_descriptor.digest
    assert seen["Config"]["Labels"] == LABELS
    read = store.read(named(image))
    assert read.config == image.config
    assert read.layers[0].media_type == DOCKER_LAYER
    assert sha256(layer_bytes(read)) == seen["RootFS"]["Layers"][0]


def test_what_the_engine_has_is_not_sent_again(store: DockerStore, image: OciImage) -> None:
    store.write(image, named(image))

    assert store.write(image, named(image)).uploaded_bytes == 0
    assert store.write(image, named(image, "second")).uploaded_bytes == 0
    assert store.has(named(image, "second"))


def test_a_name_moves_to_the_newer_image(
    store: DockerStore, image: OciImage, tmp_path: Path
) -> None:
    other = sample_image(tmp_path / "s", MediaTypes.DOCKER, files={"other": b""})

    store.write(image, named(image))
    store.write(other, named(image))

    assert store.read(named(image)).config == other.config


def test_an_error_inside_the_stream_is_an_error(store: DockerStore, tmp_path: Path) -> None:
    layout = Layout.create(tmp_path / "wrong")
    layer = layout.put_bytes(tarball(FILES), DOCKER_LAYER)
    wrong = ImageConfig(architecture="amd64", diff_ids=(sha256(b"something else"),))
    image = image_of_layer(layout, layer, wrong, MediaTypes.DOCKER)

    with pytest.raises(StoreError, match="cannot load the image") as caught:
        store.write(image, named(image))

    assert "diff" in caught.value.what.lower()
    assert not store.has(named(image))


def test_a_layer_that_cannot_be_read_ends_the_load(store: DockerStore, image: OciImage) -> None:
    layout = image.blobs
    assert isinstance(layout, Layout)
    layout.blob_path(image.layers[0]).write_bytes(b"damaged")

    with pytest.raises(StoreError, match="with the digest"):
        store.write(image, named(image))
    assert not store.has(named(image))


def test_an_unknown_name_is_refused(store: DockerStore) -> None:
    with pytest.raises(StoreError, match="no such image"):
        store.read(Reference.parse("docker-daemon:not/here:t"))


def test_several_layers_are_read(store: DockerStore, docker_engine: DockerEngine) -> None:
    tars = [tarball({"first": b"1"}), tarball({"second": b"2"})]
    config = ImageConfig(architecture="amd64", diff_ids=tuple(sha256(tar) for tar in tars))
    data = build_config(config)
    archive = {
        "manifest.json": json.dumps(
            [{"Config": "c.json", "RepoTags": ["tests/two:t"], "Layers": ["0.tar", "1.tar"]}]
        ).encode(),
        "c.json": data,
        "0.tar": tars[0],
        "1.tar": tars[1],
    }
    docker_engine.docker("load", stdin=tarball(archive))

    read = store.read(Reference.parse("docker-daemon:tests/two:t"))

    assert [layer.digest for layer in read.layers] == list(config.diff_ids)
    for layer, tar in zip(read.layers, tars, strict=True):
        with read.blobs.open_blob(layer) as stream:
            assert stream.read() == tar


def test_an_engine_takes_no_index(store: DockerStore, image: OciImage) -> None:
    index = build_index([IndexEntry(descriptor=describe(b"", "x"))])

    with pytest.raises(InputError, match="single images"):
        store.write_index(index, [image], named(image))


def test_no_engine_is_said_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot reach the docker engine") as caught:
        DockerStore({"DOCKER_HOST": f"unix://{tmp_path}/none.sock"})

    assert "oci:" in caught.value.next_step


def test_docker_s_own_archive_is_read_and_loaded(
    store: DockerStore, docker_engine: DockerEngine, image: OciImage, tmp_path: Path
) -> None:
    store.write(image, named(image))
    docker_engine.docker("save", "--output", str(tmp_path / "saved.tar"), named(image).image)

    archive = Reference.parse(f"docker-archive:{tmp_path}/saved.tar")
    read = open_store(archive, RegistryAccess()).read(archive)

    assert read.config == image.config
    assert read.manifest == store.read(named(image)).manifest


def test_our_archive_is_loaded_by_docker(
    docker_engine: DockerEngine, image: OciImage, tmp_path: Path
) -> None:
    archive = Reference.parse(f"docker-archive:{tmp_path}/ours.tar:tests/ours:t")
    open_store(archive, RegistryAccess()).write(image, archive)

    said = docker_engine.docker("load", "--input", str(tmp_path / "ours.tar")).stdout

    assert b"tests/ours:t" in said


@pytest.mark.tools
@pytest.mark.parametrize("row", list(MediaTypes))
def test_copy_from_in_a_dockerfile_gets_the_files(
    store: DockerStore, docker_engine: DockerEngine, image: OciImage, tmp_path: Path
) -> None:
    store.write(image, named(image))
    (tmp_path / "Dockerfile").write_text(
        f"FROM scratch\nCOPY --from={named(image).image} /io.triton.cache/ /cache/\n"
    )
    docker_engine.docker("build", "--tag", "tests/copied", str(tmp_path))

    copied = store.read(Reference.parse("docker-daemon:tests/copied:latest"))

    assert FILES["io.triton.cache/KEY/add.cubin"] in layer_bytes(copied)


@pytest.mark.parametrize("row", list(MediaTypes))
def test_a_container_finds_the_files_that_its_image_took(
    store: DockerStore,
    docker_engine: DockerEngine,
    base_image: str,
    image: OciImage,
    tmp_path: Path,
) -> None:
    store.write(image, named(image))
    (tmp_path / "Dockerfile").write_text(
        f"FROM {base_image}\nCOPY --from={named(image).image} /io.triton.cache/ /cache/\n"
    )
    docker_engine.docker("build", "--tag", "tests/runs", str(tmp_path))

    run = ("run", "--rm", "--network=none", "tests/runs", "sha256sum", "/cache/KEY/add.cubin")
    told = docker_engine.docker(*run).stdout.decode()

    digest = hashlib.sha256(FILES["io.triton.cache/KEY/add.cubin"]).hexdigest()
    assert told.split()[0] == digest


class TestPlainNames:
    """Where a name without a transport is found, and where it is put."""

    def access(self, engine: DockerEngine, path: Path) -> RegistryAccess:
        return RegistryAccess(environment={**engine.environment, "PATH": str(path)})

    def test_docker_is_asked_first(
        self, store: DockerStore, docker_engine: DockerEngine, image: OciImage, tmp_path: Path
    ) -> None:
        store.write(image, named(image))
        plain = Reference.parse(named(image).image)

        found, there = find_image(plain, self.access(docker_engine, tmp_path))

        assert there == named(image)
        assert found.read(there).config == image.config

    def test_a_name_that_says_where_is_looked_for_there(
        self, docker_engine: DockerEngine, tmp_path: Path
    ) -> None:
        explicit = Reference.parse("docker://127.0.0.1:1/o/r:t")

        assert find_image(explicit, self.access(docker_engine, tmp_path))[1] is explicit

    def test_without_buildah_docker_takes_a_plain_name(
        self, docker_engine: DockerEngine, tmp_path: Path
    ) -> None:
        environment = self.access(docker_engine, tmp_path).environment

        place = local_place(Reference.parse("o/r:t"), environment)

        assert str(place) == "docker-daemon:docker.io/o/r:t"

    @pytest.mark.parametrize("builder", [None, *Builder])
    def test_without_any_there_is_a_way_out(self, tmp_path: Path, builder: Builder | None) -> None:
        environment = {"PATH": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}

        with pytest.raises(StoreError, match="no local store") as caught:
            local_place(Reference.parse("ghcr.io/o/r:t"), environment, builder)

        assert "oci:FOLDER:TAG" in caught.value.next_step
        assert "--push" in caught.value.next_step
