"""action.yml says what the code does: its inputs, their defaults, its outputs, its image."""

import re
from functools import cache
from typing import Any

import pytest
import yaml
from tests.services.cache import ROOT

from tcv_action.inputs import FIELDS, Field
from tcv_action.report.outputs import step_outputs
from tcv_action.report.result import RunResult


@cache
def action() -> dict[str, Any]:
    """Return action.yml."""
    content: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
    return content


def test_the_inputs_are_the_table() -> None:
    assert list(action()["inputs"]) == [field.name for field in FIELDS]


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_an_input_says_what_the_table_says(field: Field) -> None:
    stated = action()["inputs"][field.name]

    assert stated["description"].startswith(field.help)
    assert stated.get("default", "") == field.default
    assert all(choice in stated["description"] for choice in field.choices)
    assert "required" not in stated, "what is missing is said by the command, all at once"


def test_every_output_is_described_and_set() -> None:
    described = action()["outputs"]

    assert (
        described.keys() == step_outputs(RunResult(image="name", dry_run=True, targets=())).keys()
    )
    assert all(output["description"] for output in described.values())


def test_the_image_is_this_folders_or_a_published_one() -> None:
    runs = action()["runs"]
    image = runs["image"]

    assert image == "Dockerfile" or re.fullmatch(r"docker://\S+@sha256:[0-9a-f]{64}", image)
    assert f'ENTRYPOINT ["{runs["entrypoint"]}"]' in (ROOT / "Dockerfile").read_text()
    assert runs["args"] == ["run"]


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_the_documented_table_says_what_action_yml_says(field: Field) -> None:
    rows = (ROOT / "docs" / "inputs.md").read_text().splitlines()
    stated = action()["inputs"][field.name]
    default = f"`{field.default}`" if field.default else ""
    described = stated["description"].replace("|", "\\|")

    assert f"| `{field.name}` | {described} | {default} |" in rows
