"""prune/action.yml says what `tcv prune` takes and leaves."""

from functools import cache
from typing import Any

import yaml
from tests.services.cache import ROOT

from tcv_action.commands.prune import command
from tcv_action.commands.pruned import outputs_of


@cache
def action() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "prune" / "action.yml").read_text())
    return content


def test_an_input_is_what_the_command_reads() -> None:
    read = {str(one.envvar) for one in command.params if one.envvar}
    given = {f"INPUT_{name.upper()}" for name in action()["inputs"]}

    # The token never stands among a command's options.
    assert given == read | {"INPUT_GITHUB-TOKEN"}
    assert all(one["description"] for one in action()["inputs"].values())
    assert action()["inputs"]["delete"]["default"] == "false"


def test_an_output_is_what_the_command_sets() -> None:
    assert action()["outputs"].keys() == outputs_of({"going": 1, "deleted": 0}).keys()
    assert all(one["description"] for one in action()["outputs"].values())


def test_it_runs_in_the_actions_own_container() -> None:
    main = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]
    runs = action()["runs"]

    assert runs == {**main, "image": runs["image"], "args": ["prune"]}
    assert runs["image"] == ("../Dockerfile" if main["image"] == "Dockerfile" else main["image"])
