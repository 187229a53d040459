"""The place where a script runs: this machine's Python, or a container's."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tcv_action.commands.edge import Edge
from tcv_action.commands.scripts import Warming, gpus_for
from tcv_action.errors import InputError
from tcv_action.gpus.gpu import Absence, Gpu, Inventory
from tcv_action.here import interpreter_here
from tcv_action.oci.reference import Reference
from tcv_action.stores.access import Credentials, RegistryAccess
from tcv_action.stores.credentials import credentials_for
from tcv_action.triton.environment import always_compiles
from tcv_action.triton.interpreter import Place
from tcv_action.triton.target import Target
from tcv_action.warming import WarmupIn, choose

if TYPE_CHECKING:
    from tcv_action.container import ContainerPlace

_VENDORS = {"cuda": "nvidia", "hip": "amd"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """A place, and the targets that have their GPU there."""

    place: Place
    gpus: frozenset[Target]


@contextmanager
def standing(
    warming: Warming,
    targets: Sequence[Target],
    python: str | None,
    access: RegistryAccess,
    edge: Edge,
) -> Iterator[Stand]:
    """Open the place that a person chose, say in a line what was found there, and close it.

    Raises InputError for a choice that cannot be, IncompatibleError where a GPU is demanded and
    out of reach, and what the container raises.
    """
    _check(warming)
    if warming.image is None:
        gpus = gpus_for(warming, targets, edge)
        here = interpreter_here(python, edge.environ)
        _warn_of_variables(here, edge)
        yield Stand(place=here, gpus=gpus)
        return
    with container_of(warming, warming.image, python, access, edge) as place:
        _warn_of_variables(place, edge)
        yield Stand(place=place, gpus=_gpus_inside(warming, targets, place, edge))


@contextmanager
def container_of(
    warming: Warming, image: str, python: str | None, access: RegistryAccess, edge: Edge
) -> Iterator["ContainerPlace"]:
    """Run a container of the image, with its setup done, until the block is left."""
    from tcv_action.container import ContainerOptions, running_container  # noqa: PLC0415
    from tcv_action.container.engine import Engine  # noqa: PLC0415

    engine = Engine(edge.environ.get("DOCKER_HOST"))
    try:
        without_gpu = warming.where is WarmupIn.COMPILE_ONLY
        options = ContainerOptions(
            image=image,
            workspace=_workspace(edge),
            python=python or "python3",
            gpu=None if without_gpu else engine.gpu_access(),
            credentials=_credentials(image, access),
            network=warming.network,
        )
        edge.say(f"starting a container of {image}")
        with running_container(engine, options) as place:
            for command in warming.setup:
                edge.say(f"setup: {command}")
                with edge.progress.script_output() as show:
                    place.set_up(command, on_output=show)
            yield place
    finally:
        engine.close()


def _check(warming: Warming) -> None:
    if warming.where is WarmupIn.CONTAINER and warming.image is None:
        what = "--warmup-in container needs an image."
        raise InputError(
            what,
            cause="The container is made of the image that will run in production.",
            next_step="Name it with --warmup-image.",
        )
    if warming.where is WarmupIn.HOST and warming.image is not None:
        what = f"--warmup-in host does not use the image {warming.image!r}."
        raise InputError(what, next_step="Leave out --warmup-image, or choose container.")
    if warming.setup and warming.image is None:
        what = "--warmup-setup runs in a container, and no --warmup-image is named."
        raise InputError(what, next_step="Name the image, or prepare this machine yourself.")


def _warn_of_variables(place: Place, edge: Edge) -> None:
    if always_compiles(place.environment):
        edge.progress.warn(
            "TRITON_ALWAYS_COMPILE is set: Triton compiles whatever its cache holds, so that no"
            " replay hits."
        )


def _gpus_inside(
    warming: Warming, targets: Sequence[Target], place: "ContainerPlace", edge: Edge
) -> frozenset[Target]:
    wish = WarmupIn.COMPILE_ONLY if warming.where is WarmupIn.COMPILE_ONLY else WarmupIn.AUTO
    inventory = Inventory(gpus=(), absences=())
    if wish is WarmupIn.AUTO:
        inventory = _inside(place)
    choice = choose(wish, targets, inventory, require_gpu=warming.require_gpu)
    edge.say(f"in {place}: {choice.reason}")
    return choice.on_gpu


def _inside(place: "ContainerPlace") -> Inventory:
    _, target = place.describe()
    if target is None:
        reason = f"Triton finds no GPU in {place}"
        return Inventory(gpus=(), absences=(Absence(vendor="container", reason=reason),))
    gpu = Gpu(index=0, vendor=_VENDORS[target.backend], name="a GPU", target=target)
    return Inventory(gpus=(gpu,), absences=())


def _workspace(edge: Edge) -> Path:
    """Return the checkout that the script lies in, else the folder that we are in."""
    checkout = Path(edge.environ.get("GITHUB_WORKSPACE") or ".").absolute()
    return checkout if Path.cwd().is_relative_to(checkout) else Path.cwd()


def _credentials(image: str, access: RegistryAccess) -> Credentials | None:
    return credentials_for(Reference.parse(image).domain, access)
