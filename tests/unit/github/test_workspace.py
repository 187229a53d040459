"""Giving what root wrote to the workspace's owner."""

import os
from pathlib import Path

import pytest
from tests.services.tools import require_root

from tcv_action.github.workspace import give_to_owner

OWNER = 1001


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Return a workspace of another user, with a folder that root wrote in it."""
    require_root("changing owners")
    workspace = tmp_path / "workspace"
    (workspace / "a" / "out" / "oci").mkdir(parents=True)
    (workspace / "a" / "out" / "oci" / "index.json").write_text("{}")
    (workspace / "beside").write_text("")
    os.chown(workspace, OWNER, OWNER)
    return workspace


def test_the_folder_and_its_parents_change_owner(workspace: Path) -> None:
    give_to_owner(workspace / "a" / "out", workspace)

    given = [path for path in workspace.rglob("*") if path.stat().st_uid == OWNER]
    assert {path.name for path in given} == {"a", "out", "oci", "index.json"}


def test_what_a_link_names_keeps_its_owner(workspace: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.touch()
    (workspace / "a" / "link").symlink_to(outside)

    give_to_owner(workspace / "a", workspace)

    assert outside.stat().st_uid == 0
    assert (workspace / "a" / "link").lstat().st_uid == OWNER


def test_nothing_outside_the_workspace_changes(workspace: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()

    give_to_owner(outside, workspace)

    assert outside.stat().st_uid == 0
