"""Options that several commands share, and how their text becomes values."""

import functools
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from tcv_action import inputs
from tcv_action.commands.edge import Edge
from tcv_action.commands.scripts import Warming
from tcv_action.errors import InputError
from tcv_action.github.facts import is_forks_pull_request
from tcv_action.image import Contents, Contract, PackOptions, Variant
from tcv_action.oci.media_types import MediaTypes
from tcv_action.stores.access import Credentials, RegistryAccess
from tcv_action.triton.groups import PathStyle
from tcv_action.triton.target import Target
from tcv_action.warming import WarmupIn

Command = Callable[..., None]


class GivenPath(click.Path):
    """A path on the command line; an empty one, as an unset variable leaves it, is refused."""

    def __init__(self, *, file_okay: bool = True) -> None:
        super().__init__(path_type=Path, file_okay=file_okay)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Path:
        """Return the path; raises click's UsageError where it is empty or no such kind."""
        if value == "":
            self.fail("It is empty; is a variable not set?", param, ctx)
        return Path(os.fsdecode(super().convert(value, param, ctx)))


targets = click.option(
    "--target",
    "-t",
    "targets",
    multiple=True,
    metavar="TARGET",
    help="GPU to compile for, such as cuda:90 or hip:gfx942; may be repeated.",
)
module = click.option("-m", "module", is_flag=True, help="SCRIPT is a module, as in python -m.")
python = click.option(
    "--python",
    metavar="PATH",
    help="Interpreter that has Triton.  [default: the one that runs tcv, else python3]",
)
timeout = click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long the script may take, for each target.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
image = click.option(
    "--image", "-i", required=True, metavar="IMAGE", help="Reference to the image."
)
destination = click.option(
    "--dir",
    "-d",
    "folder",
    type=GivenPath(),
    metavar="DIR",
    help="Folder to restore into.  [default: TRITON_CACHE_DIR, else ~/.triton/cache; vLLM: VLLM_CACHE_ROOT, else ~/.cache/vllm]",
)
stub = click.option(
    "--stub",
    type=GivenPath(),
    metavar="FILE",
    help="Take the GPUs from this file instead; docs/gpus-stub.md has its format.",
)
script = click.argument(
    "command", nargs=-1, type=click.UNPROCESSED, metavar="SCRIPT [ARGS]...", required=True
)


def registry(command: Command) -> Command:
    """Add how to reach registries; the command receives it as `access`."""

    @click.option("--registry-username", metavar="NAME", help=_USERNAME_HELP)
    @click.option("--insecure", is_flag=True, help=_INSECURE_HELP)
    @click.pass_context
    @functools.wraps(command)
    def with_access(
        context: click.Context, /, *, registry_username: str | None, insecure: bool, **given: Any
    ) -> None:
        edge = context.ensure_object(Edge)
        given["access"] = access_of(edge, registry_username, insecure=insecure)
        context.invoke(command, **given)

    return with_access


_USERNAME_HELP = (
    "User that signs in; the password comes from TCV_REGISTRY_PASSWORD, never from the command "
    "line.  [default: as docker login left it]"
)
_INSECURE_HELP = "Speak plain HTTP to the registry, as is always done on loopback."


def access_of(edge: Edge, username: str | None = None, *, insecure: bool = False) -> RegistryAccess:
    """Return how stores are reached from here.

    Raises InputError where a user is named and there is no password.
    """
    password = inputs.registry_password(edge.environ)
    # A fork's pull request is given no secrets: `tcv run` then makes a dry run.
    if username and not password and not is_forks_pull_request(edge.github_event()):
        what = f"There is no password for the user {username!r}."
        raise InputError(
            what,
            cause="It is never taken from the command line, where others could read it.",
            next_step="Set TCV_REGISTRY_PASSWORD, or sign in with docker login.",
        )
    credentials = (
        Credentials(username=username, password=password) if username and password else None
    )
    config = edge.environ.get("DOCKER_CONFIG")
    return RegistryAccess(
        credentials=credentials,
        docker_config=Path(config) if config else None,
        insecure=insecure,
        environment=edge.environ,
    )


def warming(command: Command) -> Command:
    """Add where the script runs; the command receives it as `warming`."""

    @click.option(
        "--warmup-in",
        type=click.Choice([one.value for one in WarmupIn]),
        default=WarmupIn.AUTO.value,
        show_default=True,
        help="Where the script runs: on this machine, in a container, or without any GPU.",
    )
    @click.option(
        "--warmup-image", metavar="NAME", help="Container image whose Python runs the script."
    )
    @click.option(
        "--warmup-setup",
        multiple=True,
        metavar="COMMAND",
        help="Shell command that is run in the container first; may be repeated.",
    )
    @click.option(
        "--warmup-network", metavar="NAME", help="Network of the container.  [default: our own]"
    )
    @click.option(
        "--require-gpu", is_flag=True, help="Fail at once where a target has no GPU here."
    )
    @functools.wraps(command)
    def with_warming(**given: Any) -> None:
        chosen = Warming(
            where=WarmupIn(given.pop("warmup_in")),
            require_gpu=given.pop("require_gpu"),
            image=given.pop("warmup_image"),
            setup=given.pop("warmup_setup"),
            network=given.pop("warmup_network"),
        )
        command(**given, warming=chosen)

    return with_warming


def packing(command: Command) -> Command:
    """Add how an image is packed; the command receives it as `packing` without a title."""

    @click.option(
        "--media-types",
        type=click.Choice([one.value for one in MediaTypes]),
        default=MediaTypes.OCI.value,
        show_default=True,
        help="Media types of manifest and layer.",
    )
    @click.option(
        "--variant",
        type=click.Choice([one.value for one in Variant]),
        default=Variant.COMPAT.value,
        show_default=True,
        help="A layer that every tool reads, or one with a media type of its own.",
    )
    @click.option(
        "--contract",
        type=click.Choice([one.value for one in Contract]),
        default=Contract.MCV.value,
        show_default=True,
        help="Whose labels and manifest.json: the newest tool's, or the first one's.",
    )
    @click.option(
        "--path-style",
        default="portable",
        show_default=True,
        metavar="portable|baked:/PATH",
        help="Paths in the group files: for any folder, or for one mount path.",
    )
    @click.option(
        "--contents",
        type=click.Choice([one.value for one in Contents]),
        default=Contents.FULL.value,
        show_default=True,
        help="Every file, or binaries and metadata only.",
    )
    @click.option(
        "--label",
        "labels",
        multiple=True,
        metavar="NAME=VALUE",
        help="Further label of the image; may be repeated.",
    )
    @click.option(
        "--annotation",
        "annotations",
        multiple=True,
        metavar="NAME=VALUE",
        help="Further annotation of an OCI manifest; may be repeated.",
    )
    @click.option(
        "--created",
        type=int,
        default=0,
        envvar="SOURCE_DATE_EPOCH",
        show_envvar=True,
        metavar="SECONDS",
        help="Time of the image and of its files, since 1970.  [default: 0]",
    )
    @functools.wraps(command)
    def with_packing(**given: Any) -> None:
        options = PackOptions(
            media_types=MediaTypes(given.pop("media_types")),
            variant=Variant(given.pop("variant")),
            contract=Contract(given.pop("contract")),
            contents=Contents(given.pop("contents")),
            path_style=PathStyle.parse(given.pop("path_style")),
            labels=_pairs("label", given.pop("labels")),
            annotations=_pairs("annotation", given.pop("annotations")),
            created=given.pop("created"),
        )
        command(**given, packing=options)

    return with_packing


def parse_targets(texts: Iterable[str]) -> tuple[Target, ...]:
    """Read targets, each once, in their order; all that are wrong are named at once."""
    found: dict[Target, None] = {}
    wrong: list[InputError] = []
    for text in texts:
        try:
            found.setdefault(Target.parse(text))
        except InputError as error:
            wrong.append(error)
    if wrong:
        what = "\n".join(error.what for error in wrong)
        raise InputError(what, cause=wrong[0].cause, next_step=wrong[0].next_step)
    return tuple(found)


def _pairs(kind: str, texts: Iterable[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            what = f"The {kind} {text!r} is not NAME=VALUE."
            raise InputError(what, next_step=f"Write for example --{kind} team=kernels.")
        found[name.strip()] = value
    return found
