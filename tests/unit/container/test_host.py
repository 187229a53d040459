"""Which of our folders the engine's host knows, and by which path."""

from pathlib import Path

import pytest

from tcv_action.container.host import HostPaths, host_paths, own_container_id
from tcv_action.errors import InputError

IDENTITY = "3f" * 32
INSIDE = f"""\
812 799 0:52 / / rw,relatime master:301 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A
825 812 8:1 /var/lib/docker/containers/{IDENTITY}/resolv.conf /etc/resolv.conf rw - ext4 /dev/sda1
826 812 8:1 /var/lib/docker/containers/{IDENTITY}/hostname /etc/hostname rw - ext4 /dev/sda1 rw
"""
MOUNTS = [
    {"Type": "bind", "Source": "/home/runner/work/repo/repo", "Destination": "/github/workspace"},
    {"Type": "bind", "Source": "/var/run/docker.sock", "Destination": "/var/run/docker.sock"},
    {"Type": "bind", "Source": "/data/deep", "Destination": "/github/workspace/deep"},
    {"Type": "volume", "Source": "/var/lib/docker/volumes/v/_data", "Destination": "/cache"},
    {"Type": "tmpfs", "Source": "", "Destination": "/scratch"},
]


def test_a_container_finds_itself() -> None:
    assert own_container_id(INSIDE) == IDENTITY


def test_a_host_is_no_container() -> None:
    assert own_container_id("25 1 8:1 / / rw - ext4 /dev/sda1 rw\n") is None


def test_on_the_host_a_folder_is_itself() -> None:
    assert HostPaths().bind(Path("/home/me/work")) == (Path("/home/me/work"),) * 2
    assert HostPaths().knows(Path("/tmp"))  # noqa: S108


@pytest.mark.parametrize(
    ("folder", "mount"),
    [
        ("/github/workspace", ("/home/runner/work/repo/repo", "/github/workspace")),
        ("/github/workspace/src/a", ("/home/runner/work/repo/repo", "/github/workspace")),
        ("/github/workspace/deep/b", ("/data/deep", "/github/workspace/deep")),
        ("/cache", ("/var/lib/docker/volumes/v/_data", "/cache")),
    ],
)
def test_inside_a_container_the_innermost_mount_is_taken(
    folder: str, mount: tuple[str, str]
) -> None:
    assert host_paths(MOUNTS).bind(Path(folder)) == (Path(mount[0]), Path(mount[1]))


@pytest.mark.parametrize("folder", ["/tmp/x", "/scratch", "/github/workspaces"])  # noqa: S108
def test_a_folder_of_the_container_alone_is_refused_by_name(folder: str) -> None:
    paths = host_paths(MOUNTS)
    assert not paths.knows(Path(folder))
    with pytest.raises(InputError, match=folder):
        paths.bind(Path(folder))
