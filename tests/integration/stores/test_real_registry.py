"""Debian's docker-registry: what we push, other tools read; what they push, we read."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.images import FILES, LABELS, same_content, sample_image
from tests.services.registry import Registry

from tcv_action.errors import InputError, StoreError
from tcv_action.oci.image import OciImage
from tcv_action.oci.index import IndexEntry, Platform, build_index
from tcv_action.oci.media_types import MediaTypes
from tcv_action.oci.reference import Reference
from tcv_action.stores.access import Credentials, RegistryAccess
from tcv_action.stores.registry.store import RegistryStore
from tcv_action.stores.select import open_store

pytestmark = pytest.mark.registry
Tool = Callable[[str], str]
ONE_ROUND = "tests.integration.stores.one_round"


def run(*command: str | Path, **environment: str) -> bytes:
    done = subprocess.run(
        command, check=False, capture_output=True, env={**os.environ, **environment}, timeout=120
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture
def store() -> RegistryStore:
    return RegistryStore(RegistryAccess())


@pytest.fixture
def reference(registry: Registry, request: pytest.FixtureRequest) -> Reference:
    name = request.node.name.replace("[", "/").replace("]", "").lower()
    return Reference.parse(f"docker://{registry.name(name)}:t")


def assert_files(folder: Path) -> None:
    for name, content in FILES.items():
        assert (folder / name).read_bytes() == content


def test_what_was_pushed_comes_back(
    store: RegistryStore, reference: Reference, image: OciImage
) -> None:
    pushed = store.write(image, reference)

    assert pushed.uploaded_bytes > 0
    assert same_content(store.read(reference), image)
    assert store.write(image, reference).uploaded_bytes == 0
    assert store.write(image, reference.with_tag("u")).uploaded_bytes == len(image.manifest)


@pytest.mark.tools
def test_skopeo_inspects_it(
    store: RegistryStore, reference: Reference, image: OciImage, tool: Tool
) -> None:
    store.write(image, reference)

    seen = json.loads(run(tool("skopeo"), "inspect", "--tls-verify=false", str(reference)))

    assert seen["Labels"] == LABELS
    assert seen["Digest"] == image.digest
    raw = run(tool("skopeo"), "inspect", "--raw", "--tls-verify=false", str(reference))
    assert raw == image.manifest


@pytest.mark.tools
def test_skopeo_and_umoci_unpack_it(
    store: RegistryStore, reference: Reference, image: OciImage, tool: Tool, tmp_path: Path
) -> None:
    store.write(image, reference)

    layout = f"{tmp_path}/copied:t"
    skopeo = (tool("skopeo"), "copy", "--src-tls-verify=false")
    run(*skopeo, "--format=oci", str(reference), f"oci:{layout}")
    run(tool("umoci"), "unpack", "--image", layout, tmp_path / "bundle")

    assert_files(tmp_path / "bundle/rootfs")


@pytest.mark.tools
def test_buildah_copies_the_files_out(
    store: RegistryStore, reference: Reference, image: OciImage, tool: Tool, tmp_path: Path
) -> None:
    store.write(image, reference)
    roots = (f"--root={tmp_path}/root", f"--runroot={tmp_path}/run", "--storage-driver=vfs")
    buildah = (tool("buildah"), *roots)

    ours = run(*buildah, "from", "--tls-verify=false", str(reference)).decode().strip()
    scratch = run(*buildah, "from", "scratch").decode().strip()
    run(*buildah, "copy", f"--from={ours}", scratch, "/io.triton.cache", "/io.triton.cache")
    run(*buildah, "copy", f"--from={ours}", scratch, "/io.triton.manifest", "/io.triton.manifest")
    mounted = Path(run(*buildah, "mount", scratch).decode().strip())

    assert_files(mounted)


@pytest.mark.tools
@pytest.mark.parametrize("kind", ["oci", "v2s2"])
def test_what_skopeo_pushed_is_read(
    store: RegistryStore, reference: Reference, tool: Tool, tmp_path: Path, kind: str
) -> None:
    image = sample_image(tmp_path / "source")
    ours = Reference.parse(f"oci-archive:{tmp_path}/x.tar:t")
    open_store(ours, RegistryAccess()).write(image, ours)

    skopeo = (tool("skopeo"), "copy", "--dest-tls-verify=false", f"--format={kind}")
    run(*skopeo, str(ours), str(reference))
    read = store.read(reference)

    assert read.layers[0].digest == image.layers[0].digest
    assert json.loads(read.config)["config"]["Labels"] == LABELS


@pytest.mark.parametrize("media_types", list(MediaTypes))
def test_an_index_is_pushed_with_its_images(
    store: RegistryStore, reference: Reference, tmp_path: Path, media_types: MediaTypes
) -> None:
    images = [
        sample_image(tmp_path / "s", media_types),
        sample_image(tmp_path / "s", media_types, files={"io.triton.cache/x": b"x"}),
    ]
    platform = Platform(architecture="amd64")
    entries = [IndexEntry(descriptor=each.descriptor, platform=platform) for each in images]
    index = build_index(entries, media_types=media_types)

    pushed = store.write_index(index, images, reference)

    assert pushed.digest == index.digest
    assert store.read_index(reference) == index
    for image in images:
        assert same_content(store.read(reference.with_digest(image.digest)), image)
    with pytest.raises(InputError, match="an index of 2 images"):
        store.read(reference)
    assert store.write_index(index, images, reference).uploaded_bytes == 0


class TestSignIn:
    """The variant that wants a user and password."""

    @pytest.fixture
    def reference(self, registry_with_login: Registry) -> Reference:
        return Reference.parse(f"docker://{registry_with_login.name('o/r')}:t")

    def test_without_one_it_says_no(self, reference: Reference, oci_image: OciImage) -> None:
        with pytest.raises(StoreError, match="answers 401") as caught:
            RegistryStore(RegistryAccess()).write(oci_image, reference)

        assert "docker login" in caught.value.next_step

    def test_a_wrong_one_is_refused(
        self, reference: Reference, registry_with_login: Registry, oci_image: OciImage
    ) -> None:
        wrong = Credentials(username=registry_with_login.username, password="wrong")

        with pytest.raises(StoreError, match="answers 401"):
            RegistryStore(RegistryAccess(credentials=wrong)).write(oci_image, reference)

    def test_a_given_one_pushes_and_pulls(
        self, reference: Reference, registry_with_login: Registry, image: OciImage
    ) -> None:
        service = registry_with_login
        right = Credentials(username=service.username, password=service.password)
        store = RegistryStore(RegistryAccess(credentials=right))

        store.write(image, reference)

        assert same_content(store.read(reference), image)

    @pytest.mark.tools
    def test_one_of_skopeo_s_login_in_docker_s_configuration_works(
        self,
        reference: Reference,
        registry_with_login: Registry,
        oci_image: OciImage,
        tool: Tool,
        tmp_path: Path,
    ) -> None:
        service = registry_with_login
        run(
            *(tool("skopeo"), "login", "--tls-verify=false", "--username", service.username),
            *("--password", service.password, "--authfile", tmp_path / "config.json"),
            service.host,
        )

        store = RegistryStore(RegistryAccess(docker_config=tmp_path))

        assert store.write(oci_image, reference).digest == oci_image.digest


def test_memory_does_not_grow_with_the_layer(registry: Registry, tmp_path: Path) -> None:
    used = []
    for size in (1, 200):
        folder = tmp_path / str(size)
        folder.mkdir()
        name = registry.name(f"memory/{size}")
        used.append(int(run(sys.executable, "-m", ONE_ROUND, name, folder, str(size))))

    small, large = used
    assert large - small < 30_000, "KiB for 200 MiB more"
