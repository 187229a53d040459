"""The actions that need no docker and the reusable workflow say what the code and docs/ say."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.services.cache import ROOT

from tcv_action.commands import merge, restore

DOCUMENT = (ROOT / "docs" / "workflow.md").read_text()
COMPOSITE = ("merge", "restore", "setup")
SWITCH = re.compile(r"--[a-z-]+")


@cache
def read(name: str) -> dict[str, Any]:
    """Return an action or a workflow; YAML's `on` is true there."""
    content: dict[str, Any] = yaml.safe_load((ROOT / name).read_text())
    return content


def workflow() -> dict[str, Any]:
    content: dict[Any, Any] = read(".github/workflows/build-cache.yml")
    called: dict[str, Any] = content[True]["workflow_call"]
    return called


def test_merge_has_the_actions_outputs_and_the_digests() -> None:
    outputs = read("merge/action.yml")["outputs"]

    of_action = read("action.yml")["outputs"]
    assert outputs.keys() == {*of_action, "digests"}
    for name, output in outputs.items():
        assert output["value"] == f"${{{{ steps.merge.outputs.{name} }}}}"
        assert name == "digests" or output["description"] == of_action[name]["description"]


def test_restore_has_the_outputs_of_its_command() -> None:
    outputs = read("restore/action.yml")["outputs"]

    made = restore.Attempt(reason="", folder=Path()).outputs
    assert outputs.keys() == made.keys()


@pytest.mark.parametrize(("name", "command"), [("merge", merge), ("restore", restore)])
def test_an_action_uses_options_that_its_command_has(name: str, command: Any) -> None:
    (step,) = read(f"{name}/action.yml")["runs"]["steps"]

    options = {option for each in command.command.params for option in each.opts}
    assert set(SWITCH.findall(step["run"])) <= options


@pytest.mark.parametrize("name", COMPOSITE)
def test_every_input_of_an_action_is_described_and_used(name: str) -> None:
    action = read(f"{name}/action.yml")

    (step,) = action["runs"]["steps"]
    used = {value for value in step["env"].values() if "inputs." in value}
    assert used == {f"${{{{ inputs.{each} }}}}" for each in action["inputs"]}
    assert "${{" not in step["run"]
    assert all(each["description"] for each in action["inputs"].values())


def test_every_input_of_the_workflow_is_told() -> None:
    for name, stated in workflow()["inputs"].items():
        assert f"`{name}`" in DOCUMENT, name
        assert stated["description"]
    for name in [*workflow()["outputs"], *workflow()["secrets"]]:
        assert f"`{name}`" in DOCUMENT, name


def test_a_job_has_no_more_rights_than_the_document_says() -> None:
    jobs = read(".github/workflows/build-cache.yml")["jobs"]

    wanted = {
        f"{name}: {right}" for job in jobs.values() for name, right in job["permissions"].items()
    }
    assert all(right in DOCUMENT for right in wanted)
    assert "id-token" not in jobs["leg"]["permissions"], "scripts run there"
    assert read(".github/workflows/build-cache.yml")["permissions"] == {}
