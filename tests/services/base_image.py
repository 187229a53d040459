"""A small Debian with Python, made once by debootstrap and kept as a tarball under `.cache/`."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.services.cache import CACHE, locked
from tests.services.tools import require_root, require_tool

SUITE = "bookworm"
PACKAGES = ("python3", "python3-venv", "git", "ca-certificates")
# Nothing that runs reads these, and they are half of the bytes.
LEFT_OUT = ("usr/share/doc", "usr/share/locale", "usr/share/man", "var/cache/apt", "var/lib/apt")
DEBIAN_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
DEBOOTSTRAP_SECONDS = 600


def base_tarball() -> Path:
    """Return the tarball of the root file system, making it the first time (half a minute).

    It trusts what this machine trusts and asks the package index as this machine does, so that
    pip works in a build. Skips (fails in CI) where debootstrap or root is missing.
    """
    debootstrap = require_tool("debootstrap")
    require_root("debootstrap")
    tarball = CACHE / f"{SUITE}-python.tar"
    with locked(tarball):
        if not tarball.exists():
            with tempfile.TemporaryDirectory(dir=CACHE, prefix="root-") as folder:
                _bootstrap(debootstrap, Path(folder))
                _trust_as_here(Path(folder))
                _pack(Path(folder), tarball)
    return tarball


def _bootstrap(debootstrap: str, root: Path) -> None:
    include = f"--include={','.join(PACKAGES)}"
    command = [debootstrap, "--variant=minbase", include, SUITE, str(root)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=DEBOOTSTRAP_SECONDS)


def _trust_as_here(root: Path) -> None:
    named = [os.environ[name] for name in ("PIP_CERT", "SSL_CERT_FILE") if os.environ.get(name)]
    bundle = next((each for each in [*named, DEBIAN_BUNDLE] if Path(each).is_file()), None)
    if bundle:
        shutil.copyfile(bundle, root / DEBIAN_BUNDLE.lstrip("/"))
    settings = {"cert": DEBIAN_BUNDLE, "index-url": os.environ.get("PIP_INDEX_URL")}
    lines = [f"{name} = {value}" for name, value in settings.items() if value]
    (root / "etc/pip.conf").write_text("\n".join(["[global]", *lines, ""]))


def _pack(root: Path, tarball: Path) -> None:
    beside = tarball.with_suffix(".part")
    excluded = [f"--exclude=./{each}/*" for each in LEFT_OUT]
    command = ["tar", "--numeric-owner", *excluded, "-C", str(root), "-cf", str(beside), "."]
    subprocess.run(command, check=True)
    beside.rename(tarball)
