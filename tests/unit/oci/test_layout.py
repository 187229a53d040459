"""Layouts on disk: blobs by digest, several tags, nothing half-written."""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from tcv_action.errors import InputError, StoreError
from tcv_action.oci.descriptor import Descriptor
from tcv_action.oci.digest import describe, sha256
from tcv_action.oci.layout import BlobWriter, Layout
from tcv_action.oci.media_types import OCI_LAYER_GZIP, OCI_MANIFEST

MANIFEST = b'{"schemaVersion":2,"mediaType":"%s","layers":[]}' % OCI_MANIFEST.encode()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout.create(tmp_path / "layout")


def keep(layout: Layout, chunks: Iterable[bytes]) -> None:
    with layout.new_blob() as writer:
        for chunk in chunks:
            writer.write(chunk)


def test_a_new_layout_is_one_by_the_specification(layout: Layout) -> None:
    marker = json.loads((layout.root / "oci-layout").read_bytes())
    index = json.loads((layout.root / "index.json").read_bytes())

    assert marker == {"imageLayoutVersion": "1.0.0"}
    assert (index["schemaVersion"], index["manifests"]) == (2, [])


def test_a_blob_is_named_by_its_digest(layout: Layout) -> None:
    with layout.new_blob() as writer:
        writer.write(b"one")
        writer.write(b"two")

    descriptor = Descriptor(media_type=OCI_LAYER_GZIP, digest=writer.digest, size=writer.size)
    assert descriptor == describe(b"onetwo", OCI_LAYER_GZIP)
    with layout.open_blob(descriptor) as stream:
        assert stream.read() == b"onetwo"


def test_a_failed_blob_leaves_nothing(layout: Layout) -> None:
    with pytest.raises(KeyError):
        keep(layout, (chunks[name] for chunks in [{"a": b"half"}] for name in "ab"))

    assert list((layout.root / "blobs" / "sha256").iterdir()) == []


def test_a_fault_of_the_writer_of_a_blob_stays_its_own(layout: Layout) -> None:
    with pytest.raises(FileNotFoundError), layout.new_blob():
        Path("/nowhere/at/all").read_bytes()


def test_a_changed_blob_is_refused(layout: Layout) -> None:
    descriptor = layout.put_bytes(b"content", OCI_LAYER_GZIP)
    layout.blob_path(descriptor).write_bytes(b"CONTENT")

    with layout.open_blob(descriptor) as stream, pytest.raises(StoreError, match="digest"):
        stream.read()


@pytest.mark.parametrize("content", [b"conten", b"content+"])
def test_a_blob_of_another_size_is_refused(layout: Layout, content: bytes) -> None:
    descriptor = layout.put_bytes(b"content", OCI_LAYER_GZIP)
    layout.blob_path(descriptor).write_bytes(content)

    with layout.open_blob(descriptor) as stream, pytest.raises(StoreError, match="7 bytes"):
        stream.read()


def test_a_missing_blob_is_named(layout: Layout) -> None:
    descriptor = describe(b"absent", OCI_LAYER_GZIP)

    with (
        pytest.raises(StoreError, match=descriptor.digest.removeprefix("sha256:")),
        layout.open_blob(descriptor),
    ):
        pass


def test_an_image_has_several_tags(layout: Layout) -> None:
    descriptor = layout.put_bytes(MANIFEST, OCI_MANIFEST)

    layout.add(descriptor, ["a", "b"])

    assert layout.find("a") == layout.find("b") == layout.find() == descriptor


def test_a_tag_moves_to_the_newer_image(layout: Layout) -> None:
    first = layout.put_bytes(MANIFEST, OCI_MANIFEST)
    second = layout.put_bytes(MANIFEST + b" ", OCI_MANIFEST)

    layout.add(first, ["latest", "v1"])
    layout.add(second, ["latest", "v2"])

    assert layout.find("latest") == second
    assert layout.find("v1") == first
    assert len(layout.images()) == 3


def test_adding_twice_changes_nothing(layout: Layout) -> None:
    descriptor = layout.put_bytes(MANIFEST, OCI_MANIFEST)
    layout.add(descriptor, ["a"])
    before = (layout.root / "index.json").read_bytes()

    layout.add(descriptor, ["a"])
    layout.add(descriptor)

    assert (layout.root / "index.json").read_bytes() == before


def test_without_a_tag_there_must_be_one_image(layout: Layout) -> None:
    layout.add(layout.put_bytes(MANIFEST, OCI_MANIFEST), ["a"])
    layout.add(layout.put_bytes(MANIFEST + b" ", OCI_MANIFEST), ["b"])

    with pytest.raises(StoreError, match="2 images") as caught:
        layout.find()
    assert "a, b" in str(caught.value)


def test_an_unknown_tag_is_named_with_the_known_ones(layout: Layout) -> None:
    layout.add(layout.put_bytes(MANIFEST, OCI_MANIFEST), ["a"])

    with pytest.raises(StoreError, match="tag 'x'") as caught:
        layout.find("x")
    assert "Tags that it holds: a." in str(caught.value)


def test_a_manifest_is_found_by_its_digest_alone(layout: Layout) -> None:
    descriptor = layout.put_bytes(MANIFEST, OCI_MANIFEST)

    assert layout.find(digest=descriptor.digest) == descriptor
    layout.add(descriptor, ["a"])
    for other in (sha256(b"absent"), "sha256:feed", "../../index.json"):
        with pytest.raises(StoreError, match="holds no image"):
            layout.find("a", other)


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(InputError, match="no OCI layout"):
        Layout.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["index.json", "blobs/other"])
def test_a_folder_that_only_looks_like_a_layout_is_left_alone(tmp_path: Path, name: str) -> None:
    other = tmp_path / name
    other.parent.mkdir(exist_ok=True)
    other.touch()

    with pytest.raises(InputError, match="no OCI layout"):
        Layout.create(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [other]


@pytest.mark.parametrize("left", ["oci-layout", "index.json", "blobs"])
def test_a_layout_that_a_killed_process_began_is_finished(tmp_path: Path, left: str) -> None:
    Layout.create(tmp_path)
    for name in {"oci-layout", "index.json"} - {left}:
        (tmp_path / name).rename(tmp_path / f".{name}.0123456789abcdef")

    layout = Layout.create(tmp_path)

    layout.add(layout.put_bytes(MANIFEST, OCI_MANIFEST), ["a"])
    assert [image.tag for image in Layout.open(tmp_path).images()] == ["a"]
    assert {path.name for path in tmp_path.iterdir()} == {"oci-layout", "index.json", "blobs"}


def test_what_killed_processes_left_is_removed_and_a_living_one_s_is_not(layout: Layout) -> None:
    blobs = layout.root / "blobs" / "sha256"
    (blobs / ".71-0123456789abcdef").write_bytes(b"half")
    (layout.root / ".index.json.0123456789abcdef").write_bytes(b"half")

    with layout.new_blob() as writer:
        writer.write(b"whole")
        Layout.create(layout.root)

    assert [path.name for path in blobs.iterdir()] == [writer.digest.removeprefix("sha256:")]
    assert {path.name for path in layout.root.iterdir()} == {"oci-layout", "index.json", "blobs"}


def test_many_write_into_one_new_layout_at_once(tmp_path: Path) -> None:
    rounds, writers = 10, 4
    barrier = Barrier(writers)

    def write(root: Path, number: int) -> None:
        barrier.wait()
        layout = Layout.create(root)
        layout.add(layout.put_bytes(MANIFEST + b" " * number, OCI_MANIFEST), [f"t{number}"])

    for each in range(rounds):
        root = tmp_path / str(each)
        with ThreadPoolExecutor(writers) as pool:
            list(pool.map(write, [root] * writers, range(writers)))
        tags = {image.tag for image in Layout.open(root).images()}
        assert tags == {f"t{number}" for number in range(writers)}


def test_a_folder_that_is_no_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no OCI layout"):
        Layout.open(tmp_path)


@pytest.mark.parametrize(
    "index",
    [
        b"{",
        b"[]",
        b'{"manifests":[{"mediaType":"x","digest":"sha256:../../etc/passwd","size":1}]}',
        b'{"manifests":[{"mediaType":"x","size":1}]}',
    ],
)
def test_a_broken_index_is_refused(layout: Layout, index: bytes) -> None:
    (layout.root / "index.json").write_bytes(index)

    with pytest.raises(InputError, match=r"index\.json"):
        layout.images()


def test_a_full_disk_is_said_with_its_path(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        writer = BlobWriter(tmp_path / "layout", full)

        with pytest.raises(StoreError, match="The disk is full") as caught:
            writer.write(b"x")

    assert str(tmp_path / "layout") in caught.value.what
