"""Images of ours on journeys through tools that are not ours: what comes out is what went in.

Each journey starts with an image in one of our stores, lets a tool carry it to another transport,
and ends with our reading it from there and restoring it, byte for byte.
"""

import os
import subprocess
import tarfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.caches import unpack_native_h100
from tests.services.docker_engine import DockerEngine
from tests.services.registry import Registry

from tcv_action.image import PackOptions, pack
from tcv_action.oci.image import OciImage
from tcv_action.oci.layout import Layout
from tcv_action.oci.media_types import OCI_LAYER_ZSTD, MediaTypes
from tcv_action.oci.reference import Reference, Transport
from tcv_action.restore import restore
from tcv_action.stores.access import RegistryAccess
from tcv_action.stores.select import open_store
from tcv_action.triton.reader import read_cache

pytestmark = [pytest.mark.tools, pytest.mark.registry, pytest.mark.docker]

Tree = Mapping[str, tuple[int, bytes]]


def tree(folder: Path) -> Tree:
    """Return mode and content of each file below a folder."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mode & 0o777, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


@dataclass(frozen=True, kw_only=True)
class World:
    """The stores of one test, and the programs that see them."""

    folder: Path
    registry: str
    docker: DockerEngine
    environment: Mapping[str, str]
    tool: Callable[[str], str]

    def place(self, kind: str, name: str = "a") -> str:
        """Return a reference of that transport in this world."""
        named = f"localhost/{self.folder.name}/{name}:t"
        return {
            "docker": f"docker://{self.registry}/{name}:t",
            "oci": f"oci:{self.folder}/{name}.layout:t",
            "oci-archive": f"oci-archive:{self.folder}/{name}.oci.tar:t",
            "docker-archive": f"docker-archive:{self.folder}/{name}.docker.tar:{named}",
            "docker-daemon": f"docker-daemon:{named}",
            "containers-storage": f"containers-storage:{named}",
        }[kind]

    @property
    def access(self) -> RegistryAccess:
        return RegistryAccess(environment=self.environment)

    def write(self, image: OciImage, text: str) -> None:
        reference = Reference.parse(text)
        open_store(reference, self.access).write(image, reference)

    def read(self, text: str) -> OciImage:
        reference = Reference.parse(text)
        return open_store(reference, self.access).read(reference)

    def run(self, program: str, *words: str) -> str:
        done = subprocess.run(
            [self.tool(program), *words],
            check=False,
            capture_output=True,
            text=True,
            env=self.environment,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def skopeo_copy(self, source: str, target: str, *options: str) -> None:
        plain = ("--src-tls-verify=false", "--dest-tls-verify=false")
        hosts = (
            *(("--src-daemon-host", self.docker.host) if "daemon" in source else ()),
            *(("--dest-daemon-host", self.docker.host) if "daemon" in target else ()),
        )
        self.run("skopeo", "copy", "--quiet", *plain, *hosts, *options, source, target)


@pytest.fixture
def world(
    tmp_path: Path,
    registry: Registry,
    docker_engine: DockerEngine,
    tool: Callable[[str], str],
) -> World:
    config = tmp_path / "storage.conf"
    config.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/root"\nrunroot = "{tmp_path}/run"\n'
    )
    folder = tmp_path / tmp_path.name.lower().strip("_")
    folder.mkdir()
    return World(
        folder=folder,
        registry=registry.name(f"interop/{folder.name}"),
        docker=docker_engine,
        environment={
            **os.environ,
            **docker_engine.environment,
            "CONTAINERS_STORAGE_CONF": str(config),
        },
        tool=tool,
    )


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A real cache, 31 kernels of an H100, and a file that no other test's layer has.

    For the tools remember layers, and where they have seen them in which compression.
    """
    folder = unpack_native_h100(tmp_path)
    entry = min(path for path in folder.iterdir() if any(path.glob("*.cubin")))
    (entry / "once.ttir").write_text(uuid.uuid4().hex)
    return folder


@pytest.fixture(params=list(MediaTypes))
def row(request: pytest.FixtureRequest) -> MediaTypes:
    chosen: MediaTypes = request.param
    return chosen


@pytest.fixture
def image(cache: Path, row: MediaTypes, tmp_path: Path) -> OciImage:
    options = PackOptions(title="interop", media_types=row)
    return pack(read_cache(cache), None, Layout.create(tmp_path / "packed"), options=options)


@pytest.fixture
def restored(image: OciImage, tmp_path: Path) -> Callable[[OciImage], None]:
    """Give the check that an image restores to what the image at the start does."""

    def check(arrived: OciImage) -> None:
        place = tmp_path / "restored"
        restore(image, place)
        expected = tree(place)
        place.rename(tmp_path / "expected")
        restore(arrived, place)
        assert tree(place) == expected
        assert len(expected) == 254

    return check


# skopeo 1.9 finds no image of docker's row in a layout, so such journeys do not begin in one.
FIRST = [
    Transport.REGISTRY,
    Transport.DOCKER_ARCHIVE,
    Transport.DOCKER_DAEMON,
    Transport.CONTAINERS_STORAGE,
]
LAYOUTS = [Transport.OCI, Transport.OCI_ARCHIVE]


@pytest.mark.parametrize("last", list(Transport))
@pytest.mark.parametrize("first", FIRST)
def test_skopeo_copies_between_transports(
    world: World,
    image: OciImage,
    restored: Callable[[OciImage], None],
    first: Transport,
    last: Transport,
) -> None:
    world.write(image, world.place(first))

    world.skopeo_copy(world.place(first), world.place(last, "b"))

    restored(world.read(world.place(last, "b")))


@pytest.mark.parametrize("row", [MediaTypes.OCI])
@pytest.mark.parametrize("last", list(Transport))
@pytest.mark.parametrize("first", LAYOUTS)
def test_skopeo_copies_out_of_layouts(
    world: World,
    image: OciImage,
    restored: Callable[[OciImage], None],
    first: Transport,
    last: Transport,
) -> None:
    world.write(image, world.place(first))

    world.skopeo_copy(world.place(first), world.place(last, "b"))

    restored(world.read(world.place(last, "b")))


@pytest.mark.parametrize("row", [MediaTypes.OCI])
def test_a_zstd_layer_is_read(
    world: World, image: OciImage, restored: Callable[[OciImage], None]
) -> None:
    world.write(image, world.place("containers-storage"))
    name = world.place("containers-storage").removeprefix("containers-storage:")

    squeezed = ("--compression-format=zstd", "--tls-verify=false")
    world.run("buildah", "push", "--quiet", *squeezed, name, world.place("docker", "b"))
    arrived = world.read(world.place("docker", "b"))

    assert arrived.layers[0].media_type == OCI_LAYER_ZSTD
    restored(arrived)


def test_docker_pulls_it_and_pushes_it_on(
    world: World, image: OciImage, restored: Callable[[OciImage], None]
) -> None:
    world.write(image, world.place("docker"))
    source, target = (world.place("docker", name)[len("docker://") :] for name in "ab")

    for words in (("pull", source), ("tag", source, target), ("push", target)):
        world.docker.docker(*words)

    restored(world.read(world.place("docker", "b")))


def test_docker_gives_the_files_out(world: World, image: OciImage, tmp_path: Path) -> None:
    world.write(image, world.place("docker-daemon"))
    name = world.place("docker-daemon").removeprefix("docker-daemon:")
    container = world.docker.docker("create", name, "none").stdout.decode().strip()

    world.docker.docker("cp", f"{container}:/io.triton.cache", str(tmp_path / "out"))

    assert tree(tmp_path / "out") == layer_tree(image)


def layer_tree(image: OciImage) -> Tree:
    """Return mode and content of each file of the cache, by Python's own tar."""
    with (
        image.blobs.open_blob(image.layers[0]) as stream,
        tarfile.open(fileobj=stream, mode="r:gz") as tar,
    ):
        return dict(_cache_files(tar))


def _cache_files(tar: tarfile.TarFile) -> Iterator[tuple[str, tuple[int, bytes]]]:
    for member in tar:
        content = tar.extractfile(member)
        if content is not None and member.name.startswith("io.triton.cache/"):
            yield member.name.removeprefix("io.triton.cache/"), (member.mode, content.read())


@pytest.mark.parametrize("kind", ["oci-archive", "docker-archive"])
def test_podman_pulls_and_saves_it(
    world: World, image: OciImage, restored: Callable[[OciImage], None], kind: str
) -> None:
    world.write(image, world.place("docker"))
    name = world.place("docker").removeprefix("docker://")

    world.run("podman", "pull", "--quiet", "--tls-verify=false", name)
    world.run("podman", "save", f"--format={kind}", f"--output={world.folder}/saved.tar", name)

    restored(world.read(f"{kind}:{world.folder}/saved.tar"))


@pytest.mark.parametrize("kind", ["oci", "oci-archive", "docker-archive"])
def test_buildah_takes_it_and_pushes_it_on(
    world: World, image: OciImage, restored: Callable[[OciImage], None], kind: str
) -> None:
    world.write(image, world.place("containers-storage"))
    name = world.place("containers-storage").removeprefix("containers-storage:")

    world.run("buildah", "push", "--quiet", name, world.place(kind, "b"))

    restored(world.read(world.place(kind, "b")))


@pytest.mark.parametrize("builder", ["buildah", "podman"])
def test_copy_from_in_a_containerfile_gets_the_files(
    world: World, image: OciImage, builder: str
) -> None:
    world.write(image, world.place("containers-storage"))
    name = world.place("containers-storage").removeprefix("containers-storage:")
    (world.folder / "Containerfile").write_text(
        f"FROM scratch\nCOPY --from={name} /io.triton.cache/ /cache/\n"
    )

    words: Sequence[str] = ("--quiet", "--isolation=chroot", "--tag=localhost/copied")
    world.run(builder, "build", *words, str(world.folder))
    container = world.run("buildah", "from", "localhost/copied")

    assert tree(Path(world.run("buildah", "mount", container)) / "cache") == layer_tree(image)


@pytest.mark.parametrize("row", [MediaTypes.OCI])
def test_umoci_unpacks_it(world: World, image: OciImage, tmp_path: Path) -> None:
    world.write(image, world.place("oci"))
    layout = world.place("oci").removeprefix("oci:")

    world.run("umoci", "unpack", "--image", layout, str(tmp_path / "bundle"))

    assert tree(tmp_path / "bundle/rootfs/io.triton.cache") == layer_tree(image)
