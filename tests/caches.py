"""Cache folders for tests: small made-up ones, and a real one from an H100."""

import base64
import hashlib
import json
import subprocess
from pathlib import Path

DATA = Path(__file__).parent / "data"
LIBRARY = "cuda_utils.cpython-312-x86_64-linux-gnu.so"
CUDA = {"backend": "cuda", "arch": 90, "warp_size": 32}
HIP = {"backend": "hip", "arch": "gfx942", "warp_size": 64}


def key_of(number: int) -> str:
    """Return a folder name such as Triton's: 52 base32 characters."""
    digest = hashlib.sha256(str(number).encode()).digest()
    return base64.b32encode(digest).decode().rstrip("=")


def hash_of(number: int) -> str:
    """Return the `hash` of an entry's metadata."""
    return hashlib.sha256(str(number).encode()).hexdigest()


def add_entry(
    cache: Path,
    number: int = 0,
    *,
    name: str = "add_kernel",
    target: object = CUDA,
    written_in: str = "/tmp/warm",  # noqa: S108
    **metadata: object,
) -> Path:
    """Write an entry as Triton does, its group file naming the folder it was written in."""
    key = key_of(number)
    folder = cache / key
    folder.mkdir(parents=True)
    is_hip = isinstance(target, dict) and target.get("backend") == "hip"
    kinds = ["ttir", "ttgir", "llir", *(["amdgcn", "hsaco"] if is_hip else ["ptx", "cubin"])]
    for kind in kinds:
        (folder / f"{name}.{kind}").write_bytes(f"{kind} of {number}\n".encode() * 40)
    document = {"hash": hash_of(number), "target": target, "num_warps": 4, "num_stages": 3}
    (folder / f"{name}.json").write_text(json.dumps(document | {"name": name} | metadata))
    children = [f"{name}.{kind}" for kind in (*kinds, "json")]
    group = {child: f"{written_in}/{key}/{child}" for child in children}
    (folder / f"__grp__{name}.json").write_text(json.dumps({"child_paths": group}))
    return folder


def add_helper(cache: Path, number: int = 1000, name: str = LIBRARY) -> Path:
    """Write a folder with a host library only."""
    folder = cache / key_of(number)
    folder.mkdir(parents=True)
    (folder / name).write_bytes(b"\x7fELF" + bytes(200))
    return folder


def small_cache(folder: Path, *, entries: int = 3, written_in: str = "/tmp/warm") -> Path:  # noqa: S108
    """Write a cache of some entries and a helper, and return its folder."""
    for number in range(entries):
        add_entry(folder, number, name=f"kernel_{number}", written_in=written_in)
    add_helper(folder)
    return folder


def unpack_native_h100(folder: Path) -> Path:
    """Unpack the real cache and return its folder: 31 entries, 5 helpers, CUDA 90, Triton 3.6."""
    unpack(DATA / "native-h100.tar.gz", folder)
    return folder / "native.gone"


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive of the tests' data; Debian 12's Python does not know tarfile's filters."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tar", "-xzf", str(archive), "-C", str(folder)], check=True)
