"""`tcv -c`, `-e`, `--check-compat`, `--gpu-info`: the command line of the original tools."""

from tcv_action import api
from tcv_action.commands import create, extract, options
from tcv_action.commands.edge import Edge
from tcv_action.commands.flags import Flags
from tcv_action.commands.output import print_text
from tcv_action.errors import IncompatibleError, InputError, WarmupError
from tcv_action.gpus.fleet import fleet_text
from tcv_action.gpus.gpu import Inventory
from tcv_action.gpus.made_up import made_up
from tcv_action.here import interpreter_here, machine_here
from tcv_action.image import PackOptions, read_contract
from tcv_action.preflight.check import check
from tcv_action.preflight.machine import Machine
from tcv_action.preflight.verdict import require_compatible, to_text
from tcv_action.stores.local import Builder
from tcv_action.triton.dummy_key import DummyKeys

_ACTIONS = ("create", "extract", "check_compat", "gpu_info")
# The newest mcv wraps what docker, buildah and cosign do.
_ELSEWHERE = {
    "push": "Write tcv create -d DIR -i NAME --push, or docker push or buildah push.",
    "pull": "Write tcv extract -i NAME, which reads registries, or docker pull or buildah pull.",
    "sign": "Sign the digest that tcv create prints: cosign sign NAME@DIGEST.",
    "verify": "Write cosign verify NAME@DIGEST, then tcv extract -i NAME@DIGEST.",
}
_PYTHON = "python3"


def act(flags: Flags, edge: Edge) -> None:
    """Do what the flags say, as the original did it; docs/migrating.md has what differs.

    Raises InputError for flags that do not go together, and what the action raises.
    """
    match _action(flags):
        case "create":
            _create(flags, edge)
        case "extract":
            _extract(flags, edge)
        case "check_compat":
            _check(flags, edge)
        case _:
            print_text(fleet_text(_gpus(flags, edge)))


def _action(flags: Flags) -> str:
    for name, step in _ELSEWHERE.items():
        if getattr(flags, name):
            what = f"--{name} is left to other commands."
            raise InputError(what, next_step=step)
    chosen = [name for name in _ACTIONS if getattr(flags, name)]
    wrong = []
    if len(chosen) != 1:
        said = ", ".join(_spelled(name) for name in chosen) or "none"
        wrong.append(f"One action is wanted, and given: {said}.")
    if not flags.image and set(chosen) & {"create", "extract", "check_compat"}:
        wrong.append("No image is named.")
    if not flags.folder and "create" in chosen:
        wrong.append("No cache folder is named.")
    if flags.no_gpu and set(chosen) & {"check_compat", "gpu_info"}:
        wrong.append(f"--no-gpu does not go with {_spelled(chosen[0])}.")
    if wrong:
        step = "Write tcv -c -i NAME -d DIR, tcv -e -i NAME, or tcv --help."
        raise InputError("\n".join(wrong), next_step=step)
    return chosen[0]


def _spelled(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _create(flags: Flags, edge: Edge) -> None:
    access = options.access_of(edge)
    builder = Builder(flags.builder) if flags.builder else None
    created = api.create(
        flags.folder or "",
        create.destination(flags.image or "", access, builder, push=False),
        options=PackOptions(created=_epoch(edge), dummy_keys=_dummy_keys(edge)),
        gpus=_gpus(flags, edge),
        access=access,
    )
    create.show(created, edge, as_json=False)


def _dummy_keys(edge: Edge) -> DummyKeys | None:
    """Take them from the Triton of `python3`, as the original did, where it has one."""
    try:
        environment, _ = interpreter_here(_PYTHON, edge.environ).describe()
    except WarmupError:
        return None
    return DummyKeys.of_environment(environment)


def _epoch(edge: Edge) -> int:
    text = edge.environ.get("SOURCE_DATE_EPOCH") or "0"
    if not text.isascii() or not text.isdecimal():
        what = f"SOURCE_DATE_EPOCH {text!r} is not a number of seconds."
        raise InputError(what, next_step="Set it to such as 1700000000, or unset it.")
    return int(text)


def _extract(flags: Flags, edge: Edge) -> None:
    extracted = api.extract(
        flags.image or "",
        flags.folder,
        check=not flags.no_gpu,
        baremetal=flags.baremetal,
        gpus=_gpus(flags, edge),
        access=options.access_of(edge),
    )
    extract.show(extracted, flags.image or "", edge, as_json=False)


def _check(flags: Flags, edge: Edge) -> None:
    access = options.access_of(edge)
    gpus = _gpus(flags, edge)
    facts = read_contract(api.named_image(flags.image or "", gpus=gpus, access=access))
    if flags.baremetal:
        machine = machine_here(None, gpus, edge.environ, baremetal=True)
    else:
        machine = Machine(inventory=gpus, why_unknown="only --baremetal asks the interpreter")
    verdicts = check(facts, machine)
    print_text(to_text(verdicts))
    require_compatible(verdicts, flags.image or "")
    if not gpus.gpus:
        what = f"Nothing here can use the image {flags.image!r}: no GPU is found."
        raise IncompatibleError(what, next_step="See tcv gpus for the reasons.")


def _gpus(flags: Flags, edge: Edge) -> Inventory:
    if flags.no_gpu:
        return Inventory(gpus=(), absences=())
    if flags.stub:
        return made_up(edge.environ.get("MCV_STUB_PROFILE") or "amd")
    return api.system_gpus()
