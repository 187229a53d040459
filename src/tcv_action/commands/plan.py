"""`tcv plan`: a configuration becomes the matrix of a workflow."""

import json
from pathlib import Path

import click

from tcv_action.commands import options
from tcv_action.commands.edge import Edge, log_level, print_json
from tcv_action.commands.output import print_text
from tcv_action.oci.reference import Reference
from tcv_action.plan import Leg, chosen, from_targets, matrix, read_legs, with_image

_CONFIG = Path("tcv.yml")


@click.command
@click.argument("config", required=False, type=options.GivenPath(), metavar="[CONFIG]")
@options.targets
@click.option("--image", "-i", metavar="NAME", help="Image in the place of the configuration's.")
@click.option(
    "--runs-on",
    multiple=True,
    metavar="LABEL",
    help="Runner's label where the configuration names none; may be repeated.  [default: ubuntu-latest]",
)
@click.option(
    "--container", metavar="IMAGE", default="", help="Job's container where it names none."
)
@click.option(
    "--name",
    metavar="NAME",
    default="tcv",
    show_default=True,
    help="Beginning of the artifacts' names; two plans in one workflow run need two.",
)
@options.as_json
@log_level
@click.pass_obj
def command(
    edge: Edge,
    config: Path | None,
    targets: tuple[str, ...],
    image: str | None,
    runs_on: tuple[str, ...],
    container: str,
    name: str,
    *,
    as_json: bool,
) -> None:
    """Make the matrix of a workflow's jobs from a configuration.

    CONFIG is tcv.yml where none is named; without any such file the targets alone make the plan.
    On GitHub the step's outputs are matrix, targets, image, tags, registry and config, too.

    \b
    Examples:
      tcv plan
      tcv plan kernels/tcv.yml --target cuda:90 --json
    """
    path = _path(config, targets)
    wanted = options.parse_targets(targets)
    legs = chosen(read_legs(path), wanted) if path else from_targets(wanted)
    legs = with_image(legs, image)
    labels: object = (list(runs_on) if runs_on[1:] else runs_on[0]) if runs_on else "ubuntu-latest"
    made = matrix(legs, runs_on=labels, container=container, name=name)
    _hand_on(made, legs, path, edge)
    if as_json:
        print_json(made)
    else:
        print_text(_one_line(made))


def _path(config: Path | None, targets: tuple[str, ...]) -> Path | None:
    """Return the file to read; targets without any file are a plan, too."""
    if config is None and targets and not _CONFIG.exists():
        return None
    return config or _CONFIG


def _one_line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _hand_on(made: dict[str, object], legs: tuple[Leg, ...], path: Path | None, edge: Edge) -> None:
    if edge.github_file("OUTPUT") is None:
        return
    from tcv_action.github import workflow  # noqa: PLC0415

    image = legs[0].settings.get("image", "")
    workflow.set_outputs(
        {
            "matrix": _one_line(made),
            "targets": "\n".join(str(leg.target) for leg in legs),
            "image": image,
            "tags": legs[0].settings.get("tags", ""),
            "registry": Reference.parse(image).domain if image else "",
            "config": str(path or ""),
        }
    )
