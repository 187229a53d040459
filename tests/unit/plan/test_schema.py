"""The schema that editors use says what the reader says.

Two things only the reader can see: keys that are there twice, and what YAML took for a number.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import ValidationError
from tests.specification import SCHEMAS, validate

from tcv_action.commands.run import command as run
from tcv_action.errors import InputError
from tcv_action.inputs import FIELDS
from tcv_action.plan import keys, read_legs

ROOT = SCHEMAS.parents[1]
DOCUMENT = (ROOT / "docs" / "tcv-yml.md").read_text()
SCHEMA: dict[str, Any] = json.loads((SCHEMAS / "tcv.schema.json").read_text())
PLACES = {"runs-on", "container"}

VALID = [
    "targets: [cuda:90]",
    "targets: [cuda:sm_90, hip:gfx942:64, {target: cuda:100}]",
    "image: ghcr.io/me/kernels:v1\ntags: '{tag}'\ntargets: [cuda:90]",
    "tags: ['{sha}', latest]\ntargets: [cuda:90]",
    "script: a.py\ntargets: [cuda:90, {target: cuda:80, cache-dir: c}]",
    "timeout: 1.5\nmin-hit-rate: 99.5\nmin-entries: 3\nverify: true\ntargets: [cuda:90]",
    "labels: {a: b}\nwarmup-setup: pip list\narguments: [a, b]\ntargets: [cuda:90]",
    "container: {image: a, options: --gpus all, env: {A: b}, volumes: [/x]}\ntargets: [cuda:90]",
    "runs-on: [a, b]\ntargets: [{target: cuda:90, runs-on: c, warmup-image: d}]",
]
INVALID = [
    "image: a",
    "targets: []",
    "targets: cuda:90",
    "targets: [90]",
    "targets: [cuda:9]",
    "targets: [{runs-on: a}]",
    "targets: [{target: cuda:90, image: a}]",
    "targets: [cuda:90]\nimage: 1.5",
    "targets: [cuda:90]\nimage: ''",
    'targets: [cuda:90]\nscript: "a\\nb"',
    "targets: [cuda:90]\niamge: a",
    "targets: [cuda:90]\ntags: [1.5]",
    "targets: [cuda:90]\ntags: []",
    "targets: [cuda:90]\nscript: a\ncache-dir: b",
    "targets: [{target: cuda:90, script: a, cache-dir: b}]",
    "targets: [cuda:90]\ncontainer: a\nwarmup-image: b",
    "targets: [cuda:90]\ncontainer: {options: a}",
    "targets: [cuda:90]\ncontainer: {image: a, credentials: {username: b}}",
    "targets: [cuda:90]\nlabels: [a]",
    "targets: [cuda:90]\nlabels: {a: 1.5}",
    "targets: [cuda:90]\nverify: 'true'",
    "targets: [cuda:90]\ntimeout: '5'",
    "targets: [cuda:90]\ntimeout: 0",
    "targets: [cuda:90]\nmin-hit-rate: 101",
    "targets: [cuda:90]\nmin-entries: 1.5",
    "targets: [cuda:90]\nwarmup-in: nowhere",
    "- cuda:90",
]


def accepted(text: str, tmp_path: Path) -> tuple[bool, bool]:
    """Tell whether the reader and the schema accept the text."""
    path = tmp_path / "tcv.yml"
    path.write_text(text)
    return passes(lambda: read_legs(path)), passes(lambda: validate(yaml.safe_load(text), "tcv"))


def passes(check: Any) -> bool:
    try:
        check()
    except (InputError, ValidationError):
        return False
    return True


@pytest.mark.parametrize("text", VALID)
def test_both_accept(text: str, tmp_path: Path) -> None:
    assert accepted(text, tmp_path) == (True, True)


@pytest.mark.parametrize("text", INVALID)
def test_both_refuse(text: str, tmp_path: Path) -> None:
    assert accepted(text, tmp_path) == (False, False)


def test_both_accept_the_example(tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)

    assert example
    assert accepted(example[1], tmp_path) == (True, True)


def test_the_schema_has_the_readers_keys() -> None:
    of_leg = {"target", *PLACES, *keys.FOR_EACH}

    assert SCHEMA["properties"].keys() == {*of_leg - {"target"}, "targets", *keys.FOR_ALL}
    assert SCHEMA["$defs"]["leg"]["properties"].keys() == of_leg


def test_every_key_is_told() -> None:
    for key in SCHEMA["properties"]:
        assert f"`{key}`" in DOCUMENT, key


@pytest.mark.parametrize("name", [*keys.FOR_ALL, *keys.FOR_EACH])
def test_a_key_is_an_input_and_an_option(name: str) -> None:
    (field,) = (field for field in FIELDS if field.name == name)

    parameters = {parameter.name for parameter in run.params}
    assert field.parameter in parameters or name == "arguments"
    stated = SCHEMA["properties"][name]
    resolved = SCHEMA["$defs"].get(name, stated)
    assert tuple(resolved.get("enum", ())) == field.choices
