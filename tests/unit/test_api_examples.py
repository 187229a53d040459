"""The example programs of the Python API, run as a person runs them."""

import subprocess
import sys
from pathlib import Path

from tests.caches import CUDA, HIP, add_entry, small_cache

from tcv_action import api

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(example: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / example), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_create_and_extract(tmp_path: Path) -> None:
    small_cache(tmp_path / "cache")

    done = run(
        "api_create_extract.py",
        *(tmp_path / "cache", f"oci:{tmp_path / 'images'}:v1", tmp_path / "out"),
    )

    assert done.returncode == 0, done.stderr
    assert ": 3 kernels for cuda:90" in done.stdout
    assert '{"targets":[{"backend":"cuda","arch":"90","warp_size":32}]}' in done.stdout
    assert f"3 kernels in {tmp_path / 'out'}" in done.stdout


def test_an_error_of_ours_is_told_in_its_own_words(tmp_path: Path) -> None:
    done = run("api_create_extract.py", tmp_path / "gone", f"oci:{tmp_path}:v1", tmp_path / "out")

    assert done.returncode == 1
    assert str(tmp_path / "gone") in done.stderr
    assert "Traceback" not in done.stderr


def test_preflight_takes_the_first_that_does_not_miss(tmp_path: Path) -> None:
    images = []
    for name, target in (("amd", HIP), ("nvidia", CUDA)):
        add_entry(tmp_path / name, target=target)
        images.append(f"oci:{tmp_path / 'images'}:{name}")
        api.create(tmp_path / name, images[-1])
    (tmp_path / "h100.yaml").write_text("gpus: [{target: 'cuda:90', name: H100}]")
    given = ("api_preflight.py", "--stub", tmp_path / "h100.yaml")

    found = run(*given, *images)
    none = run(*given, images[0])

    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith(f"GPU 0: H100, cuda:90\n{images[0]}: will miss\n")
    assert f"\n{images[1]}: cannot tell\n" in found.stdout
    assert none.returncode == 1
