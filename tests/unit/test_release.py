"""scripts/release: the notes of a version, and actions that run a published image."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMAGE = f"ghcr.io/octo/project@sha256:{'0' * 64}"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a small repository with what the script reads."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "src" / "tcv_action").mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "release", tmp_path / "scripts")
    (tmp_path / "src/tcv_action/__init__.py").write_text('__version__ = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## [Unreleased]\n\n- Later.\n\n## [1.2.3] - 2026-11-22\n\n- New.\n\n"
        "## [1.2.0]\n\n- Old.\n"
    )
    (tmp_path / "action.yml").write_text("runs:\n  using: docker\n  image: Dockerfile\n")
    for command in (["git", "init", "-q"], ["git", "add", "."]):
        subprocess.run(command, cwd=tmp_path, check=True)
    return tmp_path


def release(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script in the checkout."""
    command = [str(checkout / "scripts" / "release"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_notes_are_the_versions_own(checkout: Path) -> None:
    assert release(checkout, "notes", "1.2.3").stdout.strip() == "- New."


@pytest.mark.parametrize("version", ["1.2.0", "9.9.9"])
def test_another_version_than_the_package_has_is_refused(checkout: Path, version: str) -> None:
    done = release(checkout, "notes", version)

    assert done.returncode == 1
    assert version in done.stderr


def test_actions_run_the_published_image(checkout: Path) -> None:
    assert release(checkout, "pin", "1.2.3", IMAGE).returncode == 0
    assert f"  image: docker://{IMAGE} # 1.2.3\n" in (checkout / "action.yml").read_text()


def test_an_image_without_a_digest_is_refused(checkout: Path) -> None:
    assert release(checkout, "pin", "1.2.3", "ghcr.io/octo/project:1").returncode == 1
    assert "image: Dockerfile" in (checkout / "action.yml").read_text()
