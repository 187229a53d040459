"""Layouts and archives: what was written comes back, byte for byte, under each of its tags."""

import gzip
import io
import json
import os
import tarfile
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import pytest
from tests.images import layer_bytes, same_content, sample_image, tarball

from tcv_action.errors import InputError, StoreError
from tcv_action.oci.digest import sha256
from tcv_action.oci.disk import rewritten
from tcv_action.oci.image import OciImage
from tcv_action.oci.index import IndexEntry, Platform, build_index
from tcv_action.oci.media_types import OCI_MANIFEST, MediaTypes
from tcv_action.oci.reference import Reference
from tcv_action.oci.streams import StreamMembers
from tcv_action.stores import Store
from tcv_action.stores.access import RegistryAccess
from tcv_action.stores.select import open_store

OTHER = {"io.triton.cache/OTHER/mul.json": b'{"hash":"0b"}'}


@dataclass(frozen=True)
class Place:
    """A reference without a tag, and its store."""

    plain: str
    tagged: str

    @property
    def store(self) -> Store:
        return open_store(self.at("a"), RegistryAccess())

    def at(self, tag: str) -> Reference:
        return Reference.parse(self.tagged.format(tag=tag))


@pytest.fixture(params=["oci", "oci-archive", "docker-archive"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    plain = f"{request.param}:{tmp_path}/place"
    middle = ":ghcr.io/o/r" if request.param == "docker-archive" else ""
    return Place(plain, plain + middle + ":{tag}")


@pytest.fixture(params=["oci", "oci-archive"])
def index_place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    plain = f"{request.param}:{tmp_path}/place"
    return Place(plain, plain + ":{tag}")


@pytest.fixture(params=list(MediaTypes))
def image(request: pytest.FixtureRequest, tmp_path: Path) -> OciImage:
    return sample_image(tmp_path / "source", request.param)


def test_an_image_comes_back_as_it_was(place: Place, image: OciImage) -> None:
    pushed = place.store.write(image, place.at("a"))

    assert pushed.digest == image.digest
    assert pushed.uploaded_bytes == sum(
        part.size for part in (image.descriptor, image.config_descriptor, *image.layers)
    )
    assert same_content(place.store.read(place.at("a")), image)
    assert same_content(place.store.read(Reference.parse(place.plain)), image)
    assert place.store.read_index(place.at("a")) is None


def test_a_second_tag_sends_nothing_again(place: Place, image: OciImage) -> None:
    place.store.write(image, place.at("a"))

    pushed = place.store.write(image, place.at("b"))

    assert pushed.uploaded_bytes == 0
    assert place.store.read(place.at("a")).digest == image.digest
    assert place.store.read(place.at("b")).digest == image.digest


def test_two_images_live_side_by_side(place: Place, image: OciImage, tmp_path: Path) -> None:
    other = sample_image(tmp_path / "source", files=OTHER)

    place.store.write(image, place.at("a"))
    place.store.write(other, place.at("b"))

    assert same_content(place.store.read(place.at("a")), image)
    assert same_content(place.store.read(place.at("b")), other)
    with pytest.raises(StoreError, match="2 images"):
        place.store.read(Reference.parse(place.plain))


def test_a_tag_moves(place: Place, image: OciImage, tmp_path: Path) -> None:
    other = sample_image(tmp_path / "source", files=OTHER)

    place.store.write(image, place.at("a"))
    place.store.write(other, place.at("a"))

    assert place.store.read(place.at("a")).digest == other.digest


def test_an_image_without_a_tag_takes_the_place_of_the_one_before(
    place: Place, image: OciImage, tmp_path: Path
) -> None:
    plain = Reference.parse(place.plain)
    other = sample_image(tmp_path / "source", files=OTHER)

    for each in (image, other, image, other):
        place.store.write(each, plain)
        assert same_content(place.store.read(plain), each)

    place.store.write(image, place.at("a"))
    assert same_content(place.store.read(place.at("a")), image)
    with pytest.raises(StoreError, match="2 images"):
        place.store.read(plain)


def test_a_tag_that_moves_leaves_no_nameless_image(
    place: Place, image: OciImage, tmp_path: Path
) -> None:
    other = sample_image(tmp_path / "source", files=OTHER)

    place.store.write(image, place.at("a"))
    place.store.write(other, place.at("a"))

    assert same_content(place.store.read(Reference.parse(place.plain)), other)


def test_images_that_only_their_digests_name_lie_side_by_side(
    index_place: Place, tmp_path: Path
) -> None:
    images = [sample_image(tmp_path / "s"), sample_image(tmp_path / "s", files=OTHER)]
    named = [Reference.parse(index_place.plain).with_digest(image.digest) for image in images]

    for image, reference in zip(images, named, strict=True):
        index_place.store.write(image, reference)

    for image, reference in zip(images, named, strict=True):
        assert same_content(index_place.store.read(reference), image)


@pytest.mark.parametrize("kind", ["oci-archive:{}", "oci-archive:{}:a", "docker-archive:{}:n:a"])
def test_a_replaced_image_s_blobs_leave_the_archive(tmp_path: Path, kind: str) -> None:
    images = [
        sample_image(tmp_path / "s"),
        sample_image(tmp_path / "s", files=OTHER, labels={}),
    ]
    kept = sample_image(tmp_path / "s", labels={})
    reference = Reference.parse(kind.format(tmp_path / "x.tar"))
    beside = Reference.parse(kind.format(tmp_path / "x.tar").removesuffix(":a") + ":b")
    store = open_store(reference, RegistryAccess())

    for image in (images[0], images[1], images[0]):
        store.write(image, reference)
        with tarfile.open(tmp_path / "x.tar") as tar:
            names = {name for name in tar.getnames() if name.startswith("blobs/")}
        parts = (image.descriptor, image.config_descriptor, *image.layers)
        assert names == {f"blobs/sha256/{part.digest[7:]}" for part in parts}
    store.write(kept, beside)
    store.write(images[1], reference)

    assert kept.layers == images[0].layers
    assert same_content(store.read(beside), kept)


def test_images_of_an_index_stay_when_their_tags_move(tmp_path: Path) -> None:
    image, other = sample_image(tmp_path / "s"), sample_image(tmp_path / "s", files=OTHER)
    reference = Reference.parse(f"oci-archive:{tmp_path}/x.tar:a")
    store = open_store(reference, RegistryAccess())
    index = build_index([IndexEntry(descriptor=image.descriptor)])

    store.write(image, reference)
    store.write_index(index, [image], reference.with_tag("all"))
    store.write(other, reference)

    assert same_content(store.read(reference.with_digest(image.digest)), image)


def test_the_same_tag_of_two_names_keeps_both_manifests(tmp_path: Path) -> None:
    images = [sample_image(tmp_path / "s"), sample_image(tmp_path / "s", files=OTHER)]
    named = [Reference.parse(f"docker-archive:{tmp_path}/x.tar:{name}:v1") for name in "ab"]
    store = open_store(named[0], RegistryAccess())

    for image, reference in zip(images, named, strict=True):
        store.write(image, reference)

    assert [store.read(reference).digest for reference in named] == [
        image.digest for image in images
    ]


def test_a_broken_image_in_an_archive_can_be_replaced(tmp_path: Path) -> None:
    image = sample_image(tmp_path / "s")
    blob = f"blobs/sha256/{'0' * 64}"
    row = f'{{"mediaType":"{OCI_MANIFEST}","digest":"sha256:{"0" * 64}","size":1}}'
    files = {"index.json": f'{{"manifests":[{row}]}}'.encode(), blob: b"{"}
    (tmp_path / "x.tar").write_bytes(tarball(files))
    reference = Reference.parse(f"oci-archive:{tmp_path}/x.tar")

    open_store(reference, RegistryAccess()).write(image, reference)

    assert same_content(open_store(reference, RegistryAccess()).read(reference), image)


def test_an_unknown_tag_is_refused(place: Place, image: OciImage) -> None:
    place.store.write(image, place.at("a"))

    with pytest.raises(StoreError, match="x'"):
        place.store.read(place.at("x"))


def test_a_digest_that_is_not_the_image_s_is_refused(place: Place, image: OciImage) -> None:
    with pytest.raises(InputError, match="does not name"):
        place.store.write(image, place.at("a").with_digest(sha256(b"")))


def test_an_archive_s_bytes_follow_from_its_images(image: OciImage, tmp_path: Path) -> None:
    for name in ("one", "two"):
        reference = Reference.parse(f"oci-archive:{tmp_path}/{name}.tar:a")
        open_store(reference, RegistryAccess()).write(image, reference)

    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_an_index_joins_images(index_place: Place, tmp_path: Path) -> None:
    images = [sample_image(tmp_path / "s"), sample_image(tmp_path / "s", files=OTHER)]
    annotated = {"cache.triton.image/arch": "90"}
    index = build_index(
        [
            IndexEntry(
                descriptor=replace(each.descriptor, annotations=annotated),
                platform=Platform(architecture="amd64"),
            )
            for each in images
        ]
    )

    pushed = index_place.store.write_index(index, images, index_place.at("all"))

    assert pushed.digest == index.digest
    assert index_place.store.read_index(index_place.at("all")) == index
    entry = index.entries[1]
    assert entry.descriptor.annotations == annotated
    named = index_place.at("all").with_digest(entry.descriptor.digest)
    assert same_content(index_place.store.read(named), images[1])
    with pytest.raises(InputError, match="an index of 2 images"):
        index_place.store.read(index_place.at("all"))


def test_an_archive_of_docker_s_holds_no_index(tmp_path: Path) -> None:
    image = sample_image(tmp_path / "s")
    index = build_index([IndexEntry(descriptor=image.descriptor)])
    reference = Reference.parse(f"docker-archive:{tmp_path}/x.tar:a:b")

    with pytest.raises(InputError, match="single images"):
        open_store(reference, RegistryAccess()).write_index(index, [image], reference)
    assert not (tmp_path / "x.tar").exists()


def test_a_failed_write_leaves_the_archive_as_it_was(tmp_path: Path) -> None:
    image = sample_image(tmp_path / "s")
    other = sample_image(tmp_path / "s", files=OTHER)
    reference = Reference.parse(f"oci-archive:{tmp_path}/x.tar:a")
    store = open_store(reference, RegistryAccess())
    store.write(image, reference)
    before = (tmp_path / "x.tar").read_bytes()
    (tmp_path / "s/blobs/sha256" / other.layers[0].digest.removeprefix("sha256:")).unlink()

    with pytest.raises(StoreError):
        store.write(other, reference.with_tag("b"))

    assert (tmp_path / "x.tar").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s", "x.tar"]


@pytest.mark.parametrize("kind", ["oci-archive", "docker-archive"])
def test_several_write_into_one_archive_at_once(tmp_path: Path, kind: str) -> None:
    images = [
        sample_image(tmp_path / "s", files={"io.triton.cache/K/k.json": bytes([number])})
        for number in range(4)
    ]
    middle = ":a" if kind == "docker-archive" else ""
    named = [Reference.parse(f"{kind}:{tmp_path}/x.tar{middle}:t{number}") for number in range(4)]
    store = open_store(named[0], RegistryAccess())

    for _ in range(5):
        with ThreadPoolExecutor(len(images)) as pool:
            list(pool.map(store.write, images, named))
        for image, reference in zip(images, named, strict=True):
            assert same_content(store.read(reference), image)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["s", "x.tar"]
        (tmp_path / "x.tar").unlink()


def test_what_a_killed_process_left_beside_an_archive_is_taken_over(tmp_path: Path) -> None:
    reference = Reference.parse(f"oci-archive:{tmp_path}/x.tar:a")
    image = sample_image(tmp_path / "s")
    with suppress(KeyboardInterrupt), rewritten(tmp_path / "x.tar"):
        (left,) = tmp_path.glob(".x.tar.*")
        raise KeyboardInterrupt
    left.write_bytes(bytes(1 << 20))

    open_store(reference, RegistryAccess()).write(image, reference)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["s", "x.tar"]
    assert same_content(open_store(reference, RegistryAccess()).read(reference), image)


def test_a_link_to_an_archive_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "x.tar").symlink_to("there/real.tar")
    reference = Reference.parse(f"oci-archive:{tmp_path}/x.tar:a")
    image = sample_image(tmp_path / "s")

    for tag in ("a", "b"):
        open_store(reference, RegistryAccess()).write(image, reference.with_tag(tag))

    assert (tmp_path / "x.tar").is_symlink()
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["real.tar"]
    assert same_content(open_store(reference, RegistryAccess()).read(reference), image)


@pytest.mark.parametrize(
    "make",
    [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path)],
    ids=["folder", "pipe", "loop"],
)
def test_what_is_no_plain_file_is_not_replaced(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "x.tar")
    before = (tmp_path / "x.tar").lstat()
    reference = Reference.parse(f"oci-archive:{tmp_path}/x.tar:a")

    with pytest.raises(InputError, match="no plain file"):
        open_store(reference, RegistryAccess()).write(sample_image(tmp_path / "s"), reference)
    assert os.path.samestat((tmp_path / "x.tar").lstat(), before)


@pytest.mark.parametrize(
    "name", ["n" * 300 + ".tar", "file/x.tar", "absent/x.tar"], ids=["long", "file", "absent"]
)
def test_a_path_that_the_disk_refuses_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    reference = Reference.parse(f"oci-archive:{tmp_path}/{name}:a")

    with pytest.raises(StoreError, match=name[:20]):
        open_store(reference, RegistryAccess()).write(sample_image(tmp_path / "s"), reference)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "s"]


def test_an_archive_s_name_may_be_as_long_as_any(tmp_path: Path) -> None:
    reference = Reference.parse(f"oci-archive:{tmp_path}/{'ä' * 120}:a")
    image = sample_image(tmp_path / "s")

    open_store(reference, RegistryAccess()).write(image, reference)

    assert same_content(open_store(reference, RegistryAccess()).read(reference), image)


def old_docker_save(path: Path, tar: bytes) -> dict[str, object]:
    """Write what docker 20.10 saves: an unpacked layer, then a link to it, no manifest."""
    config: dict[str, object] = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": {"a": "b"}},
        "rootfs": {"type": "layers", "diff_ids": [sha256(tar), sha256(tar)]},
    }
    rows = [
        {
            "Config": "c.json",
            "RepoTags": ["r:t"],
            "Layers": ["1/layer.tar", "2/layer.tar"],
        }
    ]
    folder = path.parent / "saved"
    (folder / "1").mkdir(parents=True)
    (folder / "2").mkdir()
    (folder / "1/layer.tar").write_bytes(tar)
    (folder / "2/layer.tar").symlink_to("../1/layer.tar")
    (folder / "c.json").write_text(json.dumps(config))
    (folder / "manifest.json").write_text(json.dumps(rows))
    with tarfile.open(path, "w") as archive:
        archive.add(folder, arcname=".")
    return config


def test_an_archive_of_an_old_docker_is_read(tmp_path: Path) -> None:
    tar = tarball(OTHER)
    config = old_docker_save(tmp_path / "x.tar", tar)
    reference = Reference.parse(f"docker-archive:{tmp_path}/x.tar:r:t")

    image = open_store(reference, RegistryAccess()).read(reference)

    assert json.loads(image.config) == config
    assert layer_bytes(image) == tar
    assert [layer.digest for layer in image.layers] == [sha256(tar)] * 2


@pytest.mark.parametrize("content", [b"", b"no tar at all" * 100])
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.tar").write_bytes(content)
    reference = Reference.parse(f"oci-archive:{tmp_path}/x.tar")

    with pytest.raises((InputError, StoreError), match=r"x\.tar"):
        open_store(reference, RegistryAccess()).read(reference)


@pytest.mark.parametrize("kind", ["oci-archive", "docker-archive"])
def test_a_compressed_archive_is_read(tmp_path: Path, kind: str) -> None:
    image = sample_image(tmp_path / "s")
    middle = ":a" if kind == "docker-archive" else ""
    plain = Reference.parse(f"{kind}:{tmp_path}/x.tar{middle}:t")
    open_store(plain, RegistryAccess()).write(image, plain)
    (tmp_path / "x.tgz").write_bytes(gzip.compress((tmp_path / "x.tar").read_bytes()))

    packed = Reference.parse(f"{kind}:{tmp_path}/x.tgz")
    assert same_content(open_store(packed, RegistryAccess()).read(packed), image)


def test_a_compressed_archive_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.tgz").write_bytes(gzip.compress(tarball(OTHER))[:-20])
    reference = Reference.parse(f"docker-archive:{tmp_path}/x.tgz")

    with pytest.raises(InputError, match="cut off"):
        open_store(reference, RegistryAccess()).read(reference)


@pytest.mark.parametrize(
    "rows",
    [
        b"[" * 100_000,
        b"5",
        b'{"a":1}',
        b"[5]",
        b"[{}]",
        b'[{"Config":[],"Layers":[]}]',
        b'[{"Config":"c.json","Layers":[{}]}]',
        b'[{"Config":"c.json","Layers":"abc"}]',
        b'[{"Config":"c.json","Layers":[],"RepoTags":[5]}]',
    ],
)
def test_a_broken_manifest_of_an_archive_is_refused(tmp_path: Path, rows: bytes) -> None:
    reference = saved(tmp_path, {"manifest.json": rows, "c.json": b"{}"})

    with pytest.raises(InputError, match=r"manifest\.json cannot be read"):
        open_store(reference, RegistryAccess()).read(reference)


def test_a_name_that_is_none_hides_no_other_image(tmp_path: Path) -> None:
    rows = (
        b'[{"Config":"c.json","RepoTags":["UPPER/x:y","r:t"]},{"Config":"d.json","RepoTags":["-"]}]'
    )
    plain = saved(tmp_path, {"manifest.json": rows, "c.json": b"{}", "d.json": b"{ }"})
    store = open_store(plain, RegistryAccess())

    assert store.read(Reference.parse(f"{plain}:r:t")).config == b"{}"
    with pytest.raises(StoreError, match="2 images") as caught:
        store.read(plain)
    assert "UPPER/x:y" in caught.value.cause


def saved(folder: Path, files: dict[str, bytes]) -> Reference:
    (folder / "x.tar").write_bytes(tarball(files))
    return Reference.parse(f"docker-archive:{folder}/x.tar")


def header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def pax_header(records: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    return header("pax", len(records), kind) + records + bytes(-len(records) % 512)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    "start",
    [
        header("././@LongLink", 9 << 20, tarfile.GNUTYPE_LONGNAME) + bytes(9 << 20),
        header("././@LongLink", 9 << 20, tarfile.GNUTYPE_LONGLINK) + bytes(9 << 20),
        header("pax", 9 << 20, tarfile.XHDTYPE) + bytes(9 << 20),
        pax_header(b"9 k=vv\n\n", tarfile.XGLTYPE),
        pax_header(b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n")
        + header("s", 512)
        + bytes(512),
        header("sparse", 0, tarfile.GNUTYPE_SPARSE),
        (header("././@LongLink", 1, tarfile.GNUTYPE_LONGNAME) + bytes(512)) * 500,
        b"".join(header(f"{number}", 0) for number in range(66_000)),
        header("backwards", -512),
        header("far", 1 << 70),
        pax_header(b"29 size=99999999999999999999\n") + header("f", 0),
    ],
    ids=[
        "name",
        "link",
        "pax",
        "all",
        "map",
        "sparse",
        "deep",
        "many",
        "negative",
        "far",
        "farther",
    ],
)
def test_headers_that_ask_for_much_are_refused(
    tmp_path: Path, start: bytes, pack: Callable[[bytes], bytes]
) -> None:
    rows = header("manifest.json", 2) + b"[]" + bytes(510)
    (tmp_path / "x.tar").write_bytes(pack(start + rows + bytes(1024)))
    reference = Reference.parse(f"docker-archive:{tmp_path}/x.tar")

    with pytest.raises((InputError, StoreError), match="no archive"):
        open_store(reference, RegistryAccess()).read(reference)


def test_a_stream_of_many_documents_takes_little_memory(tmp_path: Path) -> None:
    document = header("x.json", 8 << 20) + bytes(8 << 20)
    reference = Reference.parse(f"docker-archive:{tmp_path}/x.tgz")
    with gzip.open(tmp_path / "x.tgz", "wb", compresslevel=1) as stream:
        for _ in range(12):
            stream.write(document)
        stream.write(header("manifest.json", 2) + b"[]" + bytes(510) + bytes(1024))

    tracemalloc.start()
    try:
        with pytest.raises(StoreError, match="holds no images"):
            open_store(reference, RegistryAccess()).read(reference)
        assert tracemalloc.get_traced_memory()[1] < 48 << 20
    finally:
        tracemalloc.stop()


def test_a_document_behind_large_layers_needs_no_second_pass() -> None:
    passes: list[None] = []
    tar = header("blobs/sha256/0", 16 << 20) + bytes(16 << 20)
    tar += header("a.json", 2) + b"{}" + bytes(510) + bytes(1024)

    def stream() -> AbstractContextManager[BinaryIO]:
        passes.append(None)
        return io.BytesIO(tar)

    members = StreamMembers(stream)

    with members.open("a.json") as document, members.open("blobs/sha256/0") as blob:
        assert (document.read(), len(blob.read())) == (b"{}", 16 << 20)
    assert len(passes) == 1


def test_a_compressed_archive_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "x.tgz").write_bytes(gzip.compress(tarball(OTHER)))
    reference = Reference.parse(f"oci-archive:{tmp_path}/x.tgz:t")
    before = (tmp_path / "x.tgz").read_bytes()

    with pytest.raises(InputError, match="no archive"):
        open_store(reference, RegistryAccess()).write(sample_image(tmp_path / "s"), reference)
    assert (tmp_path / "x.tgz").read_bytes() == before


def test_an_archive_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    image = sample_image(tmp_path / "s")
    reference = Reference.parse(f"oci-archive:{tmp_path}/x.tar:a")
    store = open_store(reference, RegistryAccess())
    store.write(image, reference)
    whole = (tmp_path / "x.tar").read_bytes()
    (tmp_path / "x.tar").write_bytes(whole[: len(whole) // 2])

    with pytest.raises((InputError, StoreError)):
        layer_bytes(store.read(reference))
