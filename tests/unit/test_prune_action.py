"""prune/action.yml says what `tcv prune` takes and leaves."""

import re
from functools import cache
from typing import Any

import click
import yaml
from tests.services.cache import ROOT

from tcv_action.commands.prune import command
from tcv_action.commands.pruned import outputs_of


@cache
def action() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "prune" / "action.yml").read_text())
    return content


def test_every_option_that_is_given_is_one() -> None:
    (step,) = action()["runs"]["steps"]
    given = set(re.findall(r"\+=\((--[a-z-]+)", step["run"]))
    options = {max(one.opts, key=len) for one in command.params if isinstance(one, click.Option)}

    assert given == options - {"--json", "--log-level"}


def test_every_input_is_used_and_described() -> None:
    inputs, (step,) = action()["inputs"], action()["runs"]["steps"]
    used = set(re.findall(r"inputs\.([a-z-]+)", " ".join(step["env"].values())))

    assert used == inputs.keys()
    assert all(one["description"] for one in inputs.values())
    assert "${{" not in step["run"]
    assert inputs["delete"]["default"] == "false"


def test_an_output_is_what_the_command_sets() -> None:
    assert action()["outputs"].keys() == outputs_of({"going": 1, "deleted": 0}).keys()
    assert all(one["description"] for one in action()["outputs"].values())
