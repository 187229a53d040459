"""`tcv check`: will this image hit here?"""

from pathlib import Path

import click

from tcv_action import api
from tcv_action.commands import options
from tcv_action.commands.edge import Edge, log_level, print_json
from tcv_action.commands.output import print_text
from tcv_action.commands.places import container_of
from tcv_action.commands.scripts import Warming
from tcv_action.preflight.verdict import require_compatible, to_json, to_text
from tcv_action.stores.access import RegistryAccess
from tcv_action.warming import WarmupIn


@click.command
@click.argument("image", metavar="IMAGE")
@click.option("--target", "-t", metavar="TARGET", help="Of an index, check this target's image.")
@options.python
@click.option(
    "--in-image", metavar="NAME", help="Check against the Python of this container image instead."
)
@click.option("--in-network", metavar="NAME", help="Network of that container.  [default: our own]")
@options.stub
@options.registry
@options.as_json
@log_level
@click.pass_obj
def command(
    edge: Edge,
    image: str,
    target: str | None,
    python: str | None,
    in_image: str | None,
    in_network: str | None,
    stub: Path | None,
    access: RegistryAccess,
    *,
    as_json: bool,
) -> None:
    """Foretell whether an image will hit here, without pulling its layer.

    Each point of Triton's cache key that can be known beforehand will hit, will miss because of a
    reason, or cannot be told. One that will miss is exit code 6.

    \b
    Examples:
      tcv check ghcr.io/me/kernels:v1-cuda-sm90
      tcv check oci:images:latest --python /opt/venv/bin/python --json
      tcv check ghcr.io/me/kernels:v1-cuda-sm90 --in-image ghcr.io/me/service:v1
    """
    environment = None
    if in_image is not None:
        inside = Warming(where=WarmupIn.COMPILE_ONLY, image=in_image, network=in_network)
        with container_of(inside, in_image, python, access, edge) as place:
            environment, _ = place.describe()
    verdicts = api.preflight(
        image,
        target=target,
        python=python,
        environment=environment,
        gpus=api.system_gpus(stub),
        access=access,
    )
    if as_json:
        print_json(to_json(verdicts))
    else:
        print_text(to_text(verdicts))
    require_compatible(verdicts, image)
