"""Programs that the tests call, and the Debian package that each comes from."""

import os
import shutil
import sys
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

# Python packages bring programs too; Debian keeps servers where PATH often does not look.
SEARCH_PATH = os.pathsep.join(
    [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]
)


def require_tool(name: str) -> str:
    """Return the program's absolute path; skip the test (fail it in CI) where it is missing."""
    found = shutil.which(name, path=SEARCH_PATH)
    if found is None:
        pytest.skip(f"{name!r} is not installed: {_how_to_install(name)}")
    return str(Path(found).absolute())


def require_root(reason: str) -> None:
    """Skip the test (fail it in CI) where it does not run as root."""
    if os.geteuid() != 0:
        pytest.skip(f"{reason} needs root: run scripts/test as root, or in a container as root")


def _how_to_install(name: str) -> str:
    if name == "act":
        return "scripts/test installs it, from requirements/dev.txt"
    return f"apt-get install {PACKAGES.get(name, name)}"
