"""A script becomes images, they are pushed, restored elsewhere, and every request hits."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.caches import unpack_native_h100
from tests.services.command import tcv
from tests.services.interpreters import Interpreter
from tests.services.registry import Registry

ROOT = Path(__file__).parents[2]
VECTOR_ADD = ROOT / "examples" / "vector_add.py"
SUITE = ROOT / "examples" / "suite.py"
TARGETS = ("cuda:80", "cuda:90", "cuda:100", "hip:gfx90a", "hip:gfx942")
TAGS = ("cuda-sm80", "cuda-sm90", "cuda-sm100", "hip-gfx90a", "hip-gfx942")

pytestmark = [pytest.mark.registry, pytest.mark.triton]


def named(targets: tuple[str, ...]) -> list[str]:
    return [word for target in targets for word in ("--target", target)]


def test_every_target_hits_after_a_registry(
    registry: Registry, python_with_triton: Interpreter, tmp_path: Path
) -> None:
    name = registry.name(f"path/{python_with_triton.version}")
    python = ("--python", python_with_triton.path)
    run = tcv(
        "run", "--image", f"{name}:v1", *named(TARGETS), *python, "--json", VECTOR_ADD,
        cwd=tmp_path,
    )  # fmt: skip
    rows = run.ok().json["targets"]
    assert [row["target"] for row in rows] == list(TARGETS)
    assert [(row["hits"], row["requests"], row["entries"]) for row in rows] == [(3, 3, 3)] * 5
    for row, tag in zip(rows, TAGS, strict=True):
        assert row["references"] == [f"{name}:v1-{tag}"]
        elsewhere = tmp_path / "elsewhere" / tag
        tcv("extract", "-i", f"{name}:v1-{tag}", "-d", elsewhere).ok()
        replay = tcv("verify", "-d", elsewhere, *python, "--json", VECTOR_ADD).ok().json
        assert replay["targets"][0]["hits"] == replay["targets"][0]["requests"] == 3
    index = tcv("inspect", f"{name}:v1", "--json").ok().json
    assert len(index["images"]) == 5


def test_suite_with_pytorch_hits(
    registry: Registry, python_with_torch: Interpreter, tmp_path: Path
) -> None:
    targets = ("cuda:90", "hip:gfx942")
    run = tcv(
        "run", "--image", registry.name("suite"), *named(targets), "--python",
        python_with_torch.path, "--json", SUITE, cwd=tmp_path,
    )  # fmt: skip
    rows = run.ok().json["targets"]
    assert [(row["hits"], row["requests"], row["entries"]) for row in rows] == [(31, 31, 31)] * 2


def test_second_run_sends_nothing_and_keeps_the_digest(
    registry: Registry, python_with_triton: Interpreter, tmp_path: Path
) -> None:
    name = registry.name(f"again/{python_with_triton.version}")
    digests, said = [], ""
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        run = tcv(
            "run", "--image", name, "--target", "cuda:90", "--python", python_with_triton.path,
            VECTOR_ADD, cwd=tmp_path / folder,
        ).ok()  # fmt: skip
        outputs = json.loads((tmp_path / folder / "tcv-out" / "outputs.json").read_text())
        digests.append(outputs["digest"])
        said = run.err
    assert digests[0] == digests[1]
    assert "(nothing to send)" in said


@pytest.mark.tools
@pytest.mark.parametrize("media_types", ["oci", "docker"])
def test_tools_that_are_not_ours_read_what_was_pushed(
    media_types: str, registry: Registry, tool: Callable[[str], str], tmp_path: Path
) -> None:
    cache = unpack_native_h100(tmp_path / "native")
    name = registry.name(f"tools/{media_types}")
    tcv("create", "-d", cache, "-i", f"{name}:v1", "--push", "--media-types", media_types).ok()
    _skopeo_shows_the_labels(tool("skopeo"), f"{name}:v1")
    unpacked = _umoci_unpacks(tool, f"{name}:v1", tmp_path)
    copied = _buildah_copies(tool("buildah"), f"{name}:v1", tmp_path)
    for folder in (unpacked, copied):
        assert _contents(folder / "io.triton.cache") == _contents(cache)


def _skopeo_shows_the_labels(skopeo: str, name: str) -> None:
    shown = _run(skopeo, "inspect", "--tls-verify=false", f"docker://{name}")
    labels = json.loads(shown)["Labels"]
    assert labels["cache.triton.image/entry-count"] == "31"
    assert json.loads(labels["cache.triton.image/summary"]) == {
        "targets": [{"backend": "cuda", "arch": "90", "warp_size": 32}]
    }


def _umoci_unpacks(tool: Callable[[str], str], name: str, folder: Path) -> Path:
    layout, bundle = folder / "layout", folder / "bundle"
    skopeo, umoci = tool("skopeo"), tool("umoci")
    _run(
        skopeo,
        "copy",
        "--src-tls-verify=false",
        f"docker://{name}",
        f"oci:{layout}:v1",
        "-f",
        "oci",
    )
    _run(umoci, "unpack", "--image", f"{layout}:v1", str(bundle))
    return bundle / "rootfs"


def _buildah_copies(buildah: str, name: str, folder: Path) -> Path:
    base = [buildah, "--storage-driver", "vfs", "--root", str(folder / "store")]
    base += ["--runroot", str(folder / "runroot")]
    image = _run(*base, "from", "--tls-verify=false", f"docker://{name}").strip()
    scratch = _run(*base, "from", "scratch").strip()
    _run(*base, "copy", "--from", f"{name}", scratch, "/", "/")
    mounted = Path(_run(*base, "mount", scratch).strip())
    copied = folder / "copied"
    shutil.copytree(mounted, copied)
    _run(*base, "rm", image, scratch)
    return copied


def _contents(folder: Path) -> dict[str, bytes]:
    """Every file but the group files, whose paths are made portable."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith("__grp__")
    }


def _run(*command: str) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, f"{' '.join(command)}\n{ended.stderr}"
    return ended.stdout


def test_native_cache_of_a_gpu_is_right_after_the_registry(
    registry: Registry, tmp_path: Path
) -> None:
    cache = unpack_native_h100(tmp_path / "native")
    name = registry.name("native")
    made = tcv("create", "-d", cache, "-i", name, "--push", "--json").ok().json
    assert (made["entries"], made["targets"]) == (31, ["cuda:90"])
    back = tmp_path / "back"
    restored = tcv("extract", "-i", name, "-d", back, "--json").ok().json
    assert restored["entries"] == 31
    assert _contents(back) == _contents(cache)
    assert sorted(path.name for path in back.glob("*/*.so")) == [
        *["__triton_launcher.cpython-312-x86_64-linux-gnu.so"] * 4,
        "cuda_utils.cpython-312-x86_64-linux-gnu.so",
    ]
    for group in back.glob("*/__grp__*.json"):
        for child in json.loads(group.read_text())["child_paths"].values():
            assert Path(child).parent == group.parent
            assert Path(child).is_file()
    sizes = sum(path.stat().st_size for path in _portable(back))
    assert made["cache_size_bytes"] == sizes


def _portable(folder: Path) -> list[Path]:
    """Rewrite the group files as they stand in the image, and list all files."""
    tcv("relocate", "-d", folder, "--mount-path", ".triton/cache").ok()
    return [path for path in folder.rglob("*") if path.is_file()]


def test_folders_of_other_name_time_and_owner_make_one_digest(tmp_path: Path) -> None:
    first = unpack_native_h100(tmp_path / "a")
    second = tmp_path / "another name"
    shutil.copytree(first, second, copy_function=shutil.copyfile)
    text = str(second).encode()
    for group in second.glob("*/__grp__*.json"):
        group.write_bytes(group.read_bytes().replace(b"/tmp/native", text))
        group.chmod(0o600)
    digests = {
        tcv("create", "-d", folder, "-i", f"oci:{tmp_path / 'out'}:v1", "--json")
        .ok()
        .json["digest"]
        for folder in (first, second)
    }
    assert len(digests) == 1
