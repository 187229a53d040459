"""Files into a container and out of it: links, group files, hostile archives."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from tcv_action.container.transfer import Owner, packed, unpack_new
from tcv_action.errors import StoreError


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> list[bytes]:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return [file.getvalue()]


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def test_links_go_in_as_files_and_group_files_point_to_where_they_will_lie(tmp_path: Path) -> None:
    real, links = tmp_path / "real/KEY", tmp_path / "links/KEY"
    real.mkdir(parents=True)
    links.mkdir(parents=True)
    (real / "k.cubin").write_bytes(b"binary")
    group = {"child_paths": {"k.cubin": f"{real}/k.cubin", "k.gone": f"{real}/k.gone"}}
    (real / "__grp__k.json").write_text(json.dumps(group))
    for file in real.iterdir():
        (links / file.name).symlink_to(file)
    with packed(tmp_path / "links", "/tmp/work", Owner(7, 8)) as packet:  # noqa: S108
        tar = tarfile.open(fileobj=packet)  # noqa: SIM115
        names = [item.name for item in tar]
        assert names == [
            "tmp/work",
            "tmp/work/cache",
            "tmp/work/record",
            "tmp/work/cache/KEY",
            "tmp/work/cache/KEY/__grp__k.json",
            "tmp/work/cache/KEY/k.cubin",
        ]
        assert {(item.uid, item.gid) for item in tar} == {(7, 8)}
        content = tar.extractfile("tmp/work/cache/KEY/__grp__k.json")
        assert content is not None
        assert json.load(content) == {
            "child_paths": {"k.cubin": "/tmp/work/cache/KEY/k.cubin"}  # noqa: S108
        }


def test_files_come_out_below_the_folder(tmp_path: Path) -> None:
    executable = member("cache/KEY/k.so")
    executable.mode = 0o755
    chunks = archive(
        (member("cache", tarfile.DIRTYPE), b""),
        (member("cache/KEY", tarfile.DIRTYPE), b""),
        (executable, b"library"),
        (member("cache/KEY/k.json"), b"{}"),
    )
    unpack_new(chunks, tmp_path)
    assert (tmp_path / "KEY/k.so").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "KEY/k.json").stat().st_mode & 0o777 == 0o644
    assert len(list(tmp_path.rglob("*"))) == 3


def test_a_file_never_goes_through_a_link_of_ours(tmp_path: Path) -> None:
    (tmp_path / "original").write_text("ours")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/k.json").symlink_to(tmp_path / "original")
    unpack_new(archive((member("cache/k.json"), b"theirs")), tmp_path / "out")
    assert (tmp_path / "original").read_text() == "ours"
    assert (tmp_path / "out/k.json").read_text() == "theirs"


def test_links_and_devices_of_the_container_stay_there(tmp_path: Path) -> None:
    chunks = archive(
        (member("cache/link", tarfile.SYMTYPE, "/etc/passwd"), b""),
        (member("cache/hard", tarfile.LNKTYPE, "/etc/passwd"), b""),
        (member("cache/pipe", tarfile.FIFOTYPE), b""),
    )
    unpack_new(chunks, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["cache/../../x", "/cache/x", "cache/a/../../../x"])
def test_a_path_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    with pytest.raises(StoreError, match="leads elsewhere"):
        unpack_new(archive((member(name), b"x")), folder)
    assert [path.name for path in tmp_path.rglob("*")] == ["in"]
