"""Programs that the tests call, and the Debian package that each comes from."""

import os
import shutil
from pathlib import Path

import pytest

PACKAGES = {
    "buildah": "buildah",
    "cc": "gcc",
    "debootstrap": "debootstrap",
    "docker-registry": "docker-registry",
    "dockerd": "docker.io",
    "git": "git",
    "htpasswd": "apache2-utils",
    "ld.lld": "lld",
    "node": "nodejs",
    "npm": "npm",
    "pigz": "pigz",
    "podman": "podman",
    "runc": "runc",
    "skopeo": "skopeo",
    "umoci": "umoci",
}

# Debian keeps servers where a contributor's PATH often does not look.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def require_tool(name: str) -> str:
    """Return the program's absolute path; skip the test (fail it in CI) where it is missing."""
    found = shutil.which(name, path=SEARCH_PATH)
    if found is None:
        pytest.skip(f"{name!r} is not installed: apt-get install {PACKAGES.get(name, name)}")
    return str(Path(found).absolute())


def require_root(reason: str) -> None:
    """Skip the test (fail it in CI) where it does not run as root."""
    if os.geteuid() != 0:
        pytest.skip(f"{reason} needs root: run scripts/test as root, or in a container as root")
