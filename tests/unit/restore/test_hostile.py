"""Images made to harm, or damaged: refused by name, and nothing of them in the destination."""

import gzip
import json
import tarfile
from pathlib import Path

import pytest
from tests.archives import (
    END,
    MANIFEST,
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
from tests.caches import hash_of, key_of

from tcv_action.errors import InputError, StoreError, TcvError
from tcv_action.oci.layout import Layout
from tcv_action.oci.media_types import OCI_LAYER
from tcv_action.restore import Limits, restore

KEY = key_of(0)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout.create(tmp_path / "layout")


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "home" / "cache"


def refused(
    layout: Layout,
    destination: Path,
    layer: Layer,
    error: type[TcvError] = InputError,
    told: dict[str, str] | None = None,
) -> str:
    """Restore an image that must be refused; return the message."""
    image = image_of(layout, [layer], told or labels())
    with pytest.raises(error) as raised:
        restore(image, destination)
    assert not destination.exists()
    assert [path.name for path in destination.parents[1].iterdir()] in (
        ["layout"],
        ["layout", "home"],
        ["home", "layout"],
    )
    assert raised.value.cause
    assert raised.value.next_step
    return str(raised.value)


@pytest.mark.parametrize(
    "name",
    [
        f"{ROOT}/../../escape",
        f"{ROOT}/..",
        f"{ROOT}/K/./x",
        f"{ROOT}//x",
        f"{ROOT}/K/../../../escape",
        "/etc/escape",
        f"/{ROOT}/K/x",
        "../escape",
        "././io.triton.cache/K/x",
        "./../escape",
        f"{ROOT}-evil/K/x",
        f"{ROOT}",
        "IO.TRITON.CACHE/K/x",
        "etc/escape",
        "io.triton.manifest/other.json",
        "io.triton.manifest/manifest.json/x",
        f"{ROOT}/K/.wh.x",
        f"{ROOT}/K/{'n' * 256}",
        f"{ROOT}/{'/'.join(['d' * 200] * 20)}",
        f"{ROOT}/{'d/' * 1500}x",
        f"{ROOT}/K/line\nbreak",
        f"{ROOT}/K/\x1b[2J",
        f"{ROOT}/K/x/",
    ],
)
def test_names_that_lead_elsewhere(layout: Layout, destination: Path, name: str) -> None:
    tar = archive([*entry_members(), member(name, b"evil"), manifest_member()])

    message = refused(layout, destination, gzip_layer(tar))

    assert repr(name)[1:20] in message


@pytest.mark.parametrize(
    ("kind", "called"),
    [
        (tarfile.SYMTYPE, "symbolic link"),
        (tarfile.LNKTYPE, "hard link"),
        (tarfile.CHRTYPE, "character device"),
        (tarfile.BLKTYPE, "block device"),
        (tarfile.FIFOTYPE, "pipe"),
        (tarfile.GNUTYPE_SPARSE, "sparse file"),
        (tarfile.CONTTYPE, "member of type b'7'"),
        (b"D", "member of type b'D'"),
    ],
)
def test_members_that_are_neither_file_nor_folder(
    layout: Layout, destination: Path, kind: bytes, called: str
) -> None:
    odd = member(f"{ROOT}/{KEY}/odd", kind=kind, link="/etc")
    tar = archive([*entry_members(), odd, manifest_member()])

    assert f"'{ROOT}/{KEY}/odd': it is a {called}" in refused(layout, destination, gzip_layer(tar))


def test_a_file_through_a_link(layout: Layout, destination: Path, tmp_path: Path) -> None:
    link = member(f"{ROOT}/out", kind=tarfile.SYMTYPE, link=str(tmp_path))
    tar = archive([link, member(f"{ROOT}/out/escape", b"evil"), manifest_member()])

    refused(layout, destination, gzip_layer(tar))

    assert not (tmp_path / "escape").exists()


@pytest.mark.parametrize(
    "again",
    [
        member(f"{ROOT}/{KEY}/k.cubin", b"other"),
        member(f"{ROOT}/{KEY}/K.CUBIN", b"other"),
        member(f"{ROOT}/{KEY}/k.cubin/below", b"other"),
        member(f"{ROOT}/{KEY}/k.cubin/", kind=tarfile.DIRTYPE),
        member(f"{ROOT}/{KEY}", b"a file where a folder is"),
        member(MANIFEST, b'{"triton": []}'),
    ],
    ids=["double", "case", "below-a-file", "folder-over-file", "file-over-folder", "manifest"],
)
def test_members_that_are_there_twice(layout: Layout, destination: Path, again: bytes) -> None:
    tar = archive([*entry_members(), manifest_member(), again])

    refused(layout, destination, gzip_layer(tar))


def test_a_nul_in_a_pax_name(layout: Layout, destination: Path) -> None:
    record = b"path=io.triton.cache/K/x\0y\n"
    record = b"%d %b" % (len(record) + 3, record)
    tar = archive([member("pax", record, kind=tarfile.XHDTYPE), member("x", b"evil")])

    assert "holds a NUL" in refused(layout, destination, gzip_layer(tar))


@pytest.mark.parametrize(
    "header",
    [
        member("pax", b"x" * (1 << 20 | 1), kind=tarfile.XHDTYPE),
        member("long", b"x" * (1 << 20 | 1), kind=tarfile.GNUTYPE_LONGNAME),
        member("pax", b"99999999999999999999 size=1\n", kind=tarfile.XHDTYPE),
        member("pax", b"30 size=99999999999999999999\n", kind=tarfile.XHDTYPE),
        member("pax", b"11 size=-1\n", kind=tarfile.XHDTYPE),
        member("pax", b"5 a=b\n", kind=tarfile.XHDTYPE),
        member("pax", b"nonsense", kind=tarfile.XHDTYPE),
        member("pax", b"22 GNU.sparse.major=1\n", kind=tarfile.XHDTYPE),
        member("pax", b"12 path=all\n", kind=tarfile.XGLTYPE),
    ],
)
def test_headers_that_lie(layout: Layout, destination: Path, header: bytes) -> None:
    tar = archive([header, member(f"{ROOT}/K/x", b"evil"), manifest_member()])

    refused(layout, destination, gzip_layer(tar))


def test_a_wrong_checksum(layout: Layout, destination: Path) -> None:
    tar = bytearray(archive([*entry_members(), manifest_member()]))
    tar[20] ^= 1

    assert "checksum" in refused(layout, destination, gzip_layer(bytes(tar)))


@pytest.mark.parametrize("number", [b"99999999999\0", b"0000000001-\0", b"\xff" * 12])
def test_a_broken_size(layout: Layout, destination: Path, number: bytes) -> None:
    header = bytearray(member(f"{ROOT}/K/x"))
    header[124:136] = number
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)

    assert "broken number" in refused(layout, destination, gzip_layer(archive([bytes(header)])))


@pytest.mark.parametrize("cut", [1, 100, 700, 2000])
def test_an_archive_that_is_cut_off(layout: Layout, destination: Path, cut: int) -> None:
    tar = archive([*entry_members(), manifest_member()])[:-cut]

    assert "cut off" in refused(layout, destination, gzip_layer(tar[: -len(END)]))


def test_bytes_after_the_archive(layout: Layout, destination: Path) -> None:
    tar = archive([*entry_members(), manifest_member()])

    for tail in (b"x", bytes(5000) + b"x", bytes(3 << 20)):
        assert "follow its end" in refused(layout, destination, gzip_layer(tar + tail))


def test_compression_that_is_cut_off_or_followed_by_garbage(
    layout: Layout, destination: Path
) -> None:
    tar = archive([*entry_members(), manifest_member()])
    data = gzip.compress(tar)
    broken = bytearray(data)
    broken[len(data) // 2] ^= 0xFF

    for bad in (data[:-1], data[: len(data) // 2], data + b"garbage", b"", bytes(broken), tar):
        layer = Layer(data=bad, diff_id=digest(tar))
        assert "cannot be decompressed" in refused(layout, destination, layer)


def test_a_layer_that_is_not_the_config_s(layout: Layout, destination: Path) -> None:
    tar = archive([*entry_members(), manifest_member()])

    layer = Layer(data=gzip.compress(tar), diff_id=digest(b"another"))

    assert digest(tar) in refused(layout, destination, layer)


def test_a_layer_that_is_not_the_manifest_s(layout: Layout, destination: Path) -> None:
    tar = archive([*entry_members(), manifest_member()])
    image = image_of(layout, [gzip_layer(tar)], labels())
    blob = layout.blob_path(image.layers[0])
    blob.write_bytes(gzip.compress(tar + bytes(512), mtime=0).ljust(blob.stat().st_size, b"x"))

    with pytest.raises((StoreError, InputError)):
        restore(image, destination)
    assert not destination.exists()


def test_a_bomb_ends_at_the_size_that_the_label_declares(layout: Layout, destination: Path) -> None:
    bomb = member(f"{ROOT}/{KEY}/zeros", bytes(50 << 20))
    tar = archive([*entry_members(), bomb, manifest_member()])

    message = refused(layout, destination, gzip_layer(tar), told=labels(size=1 << 20))

    assert "1048576 bytes" in message


@pytest.mark.parametrize("limits", [Limits(size=10), Limits(members=2)])
def test_limits_hold_without_a_label(layout: Layout, destination: Path, limits: Limits) -> None:
    tar = archive([*entry_members(), manifest_member()])

    with pytest.raises(InputError, match="more than"):
        restore(image_of(layout, [gzip_layer(tar)], labels()), destination, limits=limits)
    assert not destination.exists()


@pytest.mark.parametrize(
    ("told", "numbers", "message"),
    [
        (labels(entries=2), (0,), "2 entries, its manifest.json 1, and it holds 1"),
        (labels(), (0, 1), "1 entries, its manifest.json 2, and it holds 1"),
        (labels(size=10_000), (0,), "label says 10000 bytes"),
        (labels(), (7,), "does not know the entry"),
        (
            labels() | {"cache.triton.image/summary": '{"targets":[]}'},
            (0,),
            "label names , and it holds cuda:90",
        ),
    ],
)
def test_labels_that_disagree_with_the_content(
    layout: Layout,
    destination: Path,
    told: dict[str, str],
    numbers: tuple[int, ...],
    message: str,
) -> None:
    tar = archive([*entry_members(), manifest_member(numbers)])

    assert message in refused(layout, destination, gzip_layer(tar), told=told)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"triton": {}}', b"[1]", b'{"vllm": []}'])
def test_a_manifest_json_that_is_none(layout: Layout, destination: Path, content: bytes) -> None:
    tar = archive([*entry_members(), member(MANIFEST, content)])

    assert "manifest.json" in refused(layout, destination, gzip_layer(tar))


@pytest.mark.parametrize(
    "content",
    [b"[" + b"{}," * 50_000 + b"{}]", b'{"triton": "' + b"x" * (2 << 20) + b'"}'],
    ids=["values", "bytes"],
)
@pytest.mark.parametrize("name", [MANIFEST, f"./{MANIFEST}"])
def test_a_manifest_json_that_is_too_much_for_its_files_is_not_parsed(
    layout: Layout, destination: Path, name: str, content: bytes
) -> None:
    tar = archive([*entry_members(), member(name, content)])

    assert "for 3 files" in refused(layout, destination, gzip_layer(tar))


def test_a_manifest_json_is_not_held_beyond_its_limit(
    layout: Layout, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tcv_action.restore.unpack._MANIFEST_LIMIT", 1000)
    tar = archive([*entry_members(), member(f"./{MANIFEST}", bytes(1001))])

    assert "it has 1001 bytes" in refused(layout, destination, gzip_layer(tar))


@pytest.mark.parametrize("name", ["k.json", "__grp__k.json"])
def test_metadata_larger_than_any_of_tritons_is_not_parsed(
    layout: Layout, destination: Path, name: str
) -> None:
    *others, metadata, group = entry_members()
    large = member(f"{ROOT}/{KEY}/{name}", b'{"a":[' + b"0," * (3 << 20) + b"0]}")
    kept = group if name == "k.json" else metadata
    tar = archive([*others, kept, large, manifest_member()])

    assert f"{KEY}/{name}' has more than" in refused(layout, destination, gzip_layer(tar))


def test_requests_that_cannot_be_read_are_found_before_anything_is_put_in_place(
    layout: Layout, destination: Path
) -> None:
    record = {"hash": hash_of(0), "backend": "cuda", "arch": "90", "warp_size": 32}
    document = json.dumps({"triton": [record], "requests": [{"name": 7}]}).encode()
    tar = archive([*entry_members(), member(MANIFEST, document)])

    assert "requests" in refused(layout, destination, gzip_layer(tar))


def test_no_manifest_json(layout: Layout, destination: Path) -> None:
    tar = archive(entry_members())

    assert f"holds no '{MANIFEST}'" in refused(layout, destination, gzip_layer(tar))


def test_an_image_of_no_entries(layout: Layout, destination: Path) -> None:
    tar = archive([manifest_member(())])

    message = refused(layout, destination, gzip_layer(tar), told=labels(entries=0))

    assert "holds no kernel" in message


def test_a_group_file_that_points_elsewhere_is_harmless(layout: Layout, destination: Path) -> None:
    evil = {"../../evil": "/etc/passwd", "k.cubin": "/etc/passwd", "k.json": "/etc/passwd"}
    group = member(f"{ROOT}/{KEY}/__grp__k.json", json.dumps({"child_paths": evil}).encode())
    tar = archive([*entry_members()[:2], group, manifest_member()])

    restore(image_of(layout, [gzip_layer(tar)], labels()), destination)

    children = json.loads((destination / KEY / "__grp__k.json").read_bytes())["child_paths"]
    assert children == {name: str(destination / KEY / name) for name in ("k.cubin", "k.json")}


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({}, "no label 'cache.triton.image/summary'"),
        ({"cache.triton.image/summary": "{"}, "summary' cannot be read: '{'"),
        ({"cache.triton.image/summary": '{"targets": 1}'}, "cannot be read"),
        ({"cache.triton.image/summary": '{"targets": [{}]}'}, "cannot be read"),
        ({"cache.triton.image/summary": '{"targets":[]}'}, "no label 'cache.triton.image/entry-"),
        (labels() | {"cache.triton.image/entry-count": "-1"}, "entry-count' cannot be read: '-1'"),
        (labels() | {"cache.triton.image/cache-size-bytes": "1e9"}, "cannot be read: '1e9'"),
        (labels() | {"cache.triton.image/metadata": "{}"}, "metadata' cannot be read"),
    ],
)
def test_labels_that_are_missing_or_broken(
    layout: Layout, destination: Path, told: dict[str, str], message: str
) -> None:
    layer = gzip_layer(archive([*entry_members(), manifest_member()]))

    with pytest.raises(InputError) as raised:
        restore(image_of(layout, [layer], told), destination)
    assert message in str(raised.value)


def test_a_media_type_that_is_no_layer(layout: Layout, destination: Path) -> None:
    layer = gzip_layer(archive([*entry_members(), manifest_member()]), "application/x-evil")

    assert "'application/x-evil'" in refused(layout, destination, layer)


def test_a_plain_tar_under_its_own_type_is_checked_too(layout: Layout, destination: Path) -> None:
    tar = archive([*entry_members(), member(f"{ROOT}/../x"), manifest_member()])

    refused(layout, destination, Layer(data=tar, diff_id=digest(tar), media_type=OCI_LAYER))
