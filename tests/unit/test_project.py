"""The project's own files agree with each other."""

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
PACKAGES = {"github": "PyGithub", "pynvml": "nvidia-ml-py", "yaml": "PyYAML"}
# Ours, what only type checkers see, and what the probe finds in the user's interpreter.
NOT_INSTALLED = {"tcv_action", "_typeshed", "triton", "torch", "sitecustomize"}
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def project() -> dict[str, Any]:
    """Return the project table of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def normal(name: str) -> str:
    """Return a package's name as the locks write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: Path) -> dict[str, str]:
    """Return the versions that a lock pins, by normal name."""
    pins = re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", lock.read_text(), re.MULTILINE)
    return dict(pins)


def test_the_locks_are_there() -> None:
    assert {lock.stem for lock in LOCKS} == {"build", "demo", "dev", "lowest", "runtime"}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_pin_has_hashes_and_no_address(lock: Path) -> None:
    requirements = [line for line in lock.read_text().splitlines() if not line.startswith(" ")]

    assert requirements
    assert all(line.endswith("\\") for line in requirements)
    assert "://" not in lock.read_text()


@pytest.mark.parametrize("name", ["demo", "dev", "lowest", "runtime"])
def test_every_dependency_is_locked(name: str) -> None:
    wanted = {normal(re.split(r"[<>=!~;\[ ]", each)[0]) for each in project()["dependencies"]}

    assert wanted <= locked(ROOT / "requirements" / f"{name}.txt").keys()


def test_every_package_that_is_imported_is_a_dependency() -> None:
    declared = {normal(re.split(r"[<>=!~;\[ ]", each)[0]) for each in project()["dependencies"]}
    imported = {name for path in SOURCE.rglob("*.py") for name in _third_parties(path)}

    assert {normal(PACKAGES.get(name, name)) for name in imported} <= declared


def _third_parties(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    lines = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {
        name.partition(".")[0]
        for line in lines
        for name in ([line.module or ""] if isinstance(line, ast.ImportFrom) else _names(line))
    }
    return names - sys.stdlib_module_names - NOT_INSTALLED


def _names(line: ast.Import) -> list[str]:
    return [alias.name for alias in line.names]


@pytest.mark.parametrize("name", ["demo", "dev"])
@pytest.mark.parametrize("shipped", ["build", "runtime"])
def test_locks_agree_with_what_is_shipped(name: str, shipped: str) -> None:
    pins = locked(ROOT / "requirements" / f"{shipped}.txt")

    assert pins.items() <= locked(ROOT / "requirements" / f"{name}.txt").items()


def test_the_lowest_lock_takes_the_lower_bounds() -> None:
    lowest = locked(ROOT / "requirements" / "lowest.txt")
    dependencies = "\n".join(project()["dependencies"])
    bounds = dict(re.findall(r"^([\w-]+)>=([\d.]+)", dependencies, re.MULTILINE))

    assert len(bounds) == len(project()["dependencies"])
    assert {normal(name): bound for name, bound in bounds.items()}.items() <= lowest.items()


def test_the_changelog_names_the_version() -> None:
    version = re.search(r'__version__ = "([^"]+)"', _text("src/tcv_action/__init__.py"))

    assert version is not None
    assert f"## [{version[1]}]" in _text("CHANGELOG.md")


def test_ci_runs_what_the_readme_says() -> None:
    assert "scripts/test" in _text("README.md")
    assert "scripts/demo" in _text("README.md")
    assert _text(".ci/run").splitlines()[-2:] == ["export CI=true", "exec scripts/test"]


@pytest.mark.parametrize("program", ["demo", "test", "lock", "environment", "find-python"])
def test_scripts_can_be_run(program: str) -> None:
    assert (ROOT / "scripts" / program).stat().st_mode & 0o111 == 0o111


def _text(name: str) -> str:
    return (ROOT / name).read_text()
