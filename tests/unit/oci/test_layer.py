"""Layers: the same bytes for the same files, and no others."""

import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tcv_action.errors import InputError
from tcv_action.oci.layer import LayerFile, write_layer


def plain(name: str, content: bytes) -> LayerFile:
    return LayerFile(name=name, size=len(content), source=content)


def on_disk(path: Path, name: str = "a/file") -> LayerFile:
    return LayerFile(name=name, size=path.stat().st_size, source=str(path))


def written(files: list[LayerFile]) -> tuple[str, bytes]:
    sink = io.BytesIO()
    return write_layer(files, sink).diff_id, sink.getvalue()


def test_the_bytes_of_a_layer_are_these() -> None:
    """Guards the digest of every image: a change here is a change of all digests."""
    files = [
        plain(f"io.triton.cache/K{n}/{'n' * n}.llir", b"%d line\n" % n * 9999)
        for n in sorted(range(150), key=str)
    ]

    diff_id, data = written(files)

    assert diff_id == "sha256:fffc087d7233641d9722dbf7a2ceeeaf881e6fb8449f007e8b65b41c33002ef2"
    assert (
        hashlib.sha256(data).hexdigest()
        == "8f394925b3e613280a6499a5a720eb9dfe7e8a98b2119ccb8f8a083d9a60a209"
    )


def test_folders_come_before_their_files_and_once() -> None:
    names = ["a-b/c", "a/b", "a/y/a", "a/y/z", "a/y0", "a/z", "b/x"]

    _, data = written([plain(name, b"") for name in names])

    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        listed = archive.getnames()
    assert listed == [
        "a-b", "a-b/c", "a", "a/b", "a/y", "a/y/a", "a/y/z", "a/y0", "a/z", "b", "b/x"
    ]  # fmt: skip


@pytest.mark.parametrize("names", [("b", "a"), ("a/b", "a-b"), ("a", "a")])
def test_a_file_that_is_not_at_its_place_is_a_mistake_of_the_caller(names: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=names[1]):
        written([plain(name, b"") for name in names])


def test_the_diff_id_is_the_plain_tar_s_digest(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(os.urandom(3_000_000))

    diff_id, data = written([on_disk(tmp_path / "big"), plain("z", b"z")])

    tar = gzip.decompress(data)
    assert diff_id == f"sha256:{hashlib.sha256(tar).hexdigest()}"
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        member = archive.extractfile("a/file")
        assert member is not None
        assert member.read() == (tmp_path / "big").read_bytes()


def _grow(path: Path) -> None:
    path.write_bytes(b"longer than before")


def _shrink(path: Path) -> None:
    path.write_bytes(b"")


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/hostname")


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("change", [_grow, _shrink, _link, _pipe, Path.unlink])
def test_a_file_that_changed_since_it_was_listed_is_refused_by_name(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    file = on_disk(path)
    change(path)

    with pytest.raises(InputError, match=str(path)):
        written([file])
