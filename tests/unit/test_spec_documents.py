"""docs/spec*.md: the examples are made by the code, and say what the schemas say."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.specification import validate

from tcv_action.frameworks.detect import Kind
from tcv_action.image import names

ROOT = Path(__file__).resolve().parents[2]
COMPAT = (ROOT / "docs" / "spec-compat.md").read_text()
OCI = (ROOT / "docs" / "spec.md").read_text()
FRAMEWORKS = (ROOT / "docs" / "frameworks.md").read_text()


def example(name: str) -> Any:
    pattern = rf"<!-- example: {re.escape(name)} -->.*?```json\n(.*?)\n```"
    found = re.search(pattern, COMPAT + OCI, re.DOTALL)
    assert found, name
    return json.loads(found[1])


def test_the_examples_are_what_the_code_makes() -> None:
    run = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "spec-examples"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.returncode, run.stdout) == (0, ""), "run scripts/spec-examples"


def test_the_examples_follow_the_schemas() -> None:
    labels = example("config")["config"]["Labels"]
    validate(labels, "labels")
    validate(json.loads(labels[names.SUMMARY]), "labels", "summary")
    validate(json.loads(labels[names.METADATA]), "labels", "metadata")
    validate(json.loads(labels[names.ENVIRONMENT]), "manifest", "environment")
    validate(example("manifest.json"), "manifest")


def test_every_label_that_is_written_is_described() -> None:
    labels = [
        value.removeprefix(names.PREFIX)
        for name, value in vars(names).items()
        if name.isupper() and isinstance(value, str) and value.startswith(names.PREFIX)
    ]

    assert len(labels) > 12
    for label in filter(None, labels):
        assert re.search(rf"`{label}`|[{{,]{label}[,}}]", COMPAT), label


@pytest.mark.parametrize("kind", list(Kind))
def test_every_path_of_the_layer_is_described(kind: Kind) -> None:
    of_kind = names.Names(kind)

    assert f"`{of_kind.cache_folder}/`" in COMPAT
    assert of_kind.manifest_file in COMPAT


@pytest.mark.parametrize("document", [COMPAT, OCI, FRAMEWORKS])
def test_links_lead_somewhere(document: str) -> None:
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", document):
        assert (ROOT / "docs" / link).exists(), link
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in document.splitlines()
        if line.startswith("#")
    }
    for anchor in re.findall(r"\]\(#([^)]+)\)", document):
        assert anchor in headings, anchor
