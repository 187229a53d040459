"""`tcv create`, `inspect` and `extract` on the caches of frameworks."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.framework_caches import add_vllm_aot, add_vllm_binary, unpack_inductor_h100


def tcv(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tcv_action", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )


def test_a_vllm_cache_goes_to_its_own_usual_folder(tmp_path: Path) -> None:
    add_vllm_binary(tmp_path / "cache")
    image = f"oci:{tmp_path / 'images'}:model"

    created = tcv("create", "-d", str(tmp_path / "cache"), "-i", image)
    assert created.returncode == 0, created.stderr
    shown = json.loads(tcv("inspect", image, "--json").stdout)
    assert (shown["kind"], shown["targets"]) == ("vllm", ["cuda:90"])

    extracted = tcv("extract", "-i", image, "--no-check", VLLM_CACHE_ROOT=str(tmp_path / "root"))
    assert extracted.returncode == 0, extracted.stderr
    assert (tmp_path / "root" / "torch_compile_cache").is_dir()


def test_a_gpu_that_nobody_names_is_bad_input(tmp_path: Path) -> None:
    add_vllm_aot(tmp_path / "cache")
    arguments = ("create", "-d", str(tmp_path / "cache"), "-i", f"oci:{tmp_path / 'images'}:model")

    refused = tcv(*arguments)
    said = tcv(*arguments, "--target", "cuda:90")

    assert refused.returncode == 2
    assert "--target" in refused.stderr
    assert said.returncode == 0, said.stderr


def test_paths_that_would_break_a_moved_cache_are_said(tmp_path: Path) -> None:
    folder = unpack_inductor_h100(tmp_path)

    created = tcv("create", "-d", str(folder), "-i", f"oci:{tmp_path / 'images'}:o")
    shown = json.loads(tcv("inspect", str(folder), "--json").stdout)

    assert created.returncode == 0, created.stderr
    assert "2 files name the folder that the cache was written in" in created.stderr
    assert set(shown["embedded_paths"].values()) == {"/tmp/ind"}  # noqa: S108


def test_a_run_packages_a_vllm_cache_as_it_is(tmp_path: Path) -> None:
    add_vllm_binary(tmp_path / "cache")

    run = tcv(
        *("run", "--dry-run", "--cache-dir", str(tmp_path / "cache")),
        *("--image", "example.com/me/model:v1", "--output", str(tmp_path / "out")),
    )

    assert run.returncode == 0, run.stderr
    (row,) = json.loads((tmp_path / "out" / "outputs.json").read_text())["targets"]
    assert row["target"] == "cuda:90"
    assert row["labels"]["cache.vllm.image/format"] == "binary"


def test_a_run_needs_the_gpu_said_where_the_cache_does_not(tmp_path: Path) -> None:
    add_vllm_aot(tmp_path / "cache")

    run = tcv(
        *("run", "--dry-run", "--cache-dir", str(tmp_path / "cache")),
        *("--image", "example.com/me/model:v1", "--output", str(tmp_path / "out")),
    )

    assert run.returncode == 2
    assert "cannot be told" in run.stderr
