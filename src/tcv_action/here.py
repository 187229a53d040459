"""This machine: its GPUs, its interpreter, the folders where programs look for their caches."""

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path

from tcv_action.errors import WarmupError
from tcv_action.frameworks.detect import Kind
from tcv_action.gpus import find_gpus
from tcv_action.gpus.gpu import Inventory
from tcv_action.preflight.machine import Machine
from tcv_action.triton.dummy_key import DummyKeys
from tcv_action.triton.interpreter import Interpreter, find_interpreter

# The variable that names the folder, and the folder below the home where it is not set.
_USUAL = {
    Kind.TRITON: ("TRITON_CACHE_DIR", ".triton/cache"),
    Kind.VLLM: ("VLLM_CACHE_ROOT", ".cache/vllm"),
    Kind.INDUCTOR: ("TORCHINDUCTOR_CACHE_DIR", ".cache/torchinductor"),
}


def inventory_here(stub_file: Path | None = None) -> Inventory:
    """Return the GPUs of the stub file, else of this machine.

    Raises InputError for a stub file that cannot be used.
    """
    if stub_file is None:
        return find_gpus()
    from tcv_action.gpus.stub import read  # noqa: PLC0415

    return read(stub_file)


def interpreter_here(python: str | None, environ: Mapping[str, str]) -> Interpreter:
    """Find the interpreter that compiles, or would load a cache.

    Without a choice it is the one that runs this program if it has Triton, else `python3`: we are
    often installed in an environment of our own.

    Raises WarmupError where there is no such program.
    """
    own = sys.executable if importlib.util.find_spec("triton") else "python3"
    return find_interpreter(python or own, environ)


def machine_here(
    python: str | None, inventory: Inventory, environ: Mapping[str, str], *, baremetal: bool = False
) -> Machine:
    """Describe this machine: these GPUs, and the interpreter that would load a cache.

    `baremetal` asks for all that the original's flag looked at: dummy keys too, and an interpreter
    (`python3` if none is named) that has Triton.

    Raises WarmupError where an interpreter that was named has no Triton; one that was only guessed
    leaves the environment unknown.
    """
    if baremetal:
        environment, _ = interpreter_here(python or "python3", environ).describe()
        keys = DummyKeys.of_environment(environment)
        return Machine(inventory=inventory, environment=environment, dummy_keys=keys)
    try:
        environment, _ = interpreter_here(python, environ).describe()
    except WarmupError as error:
        if python is not None:
            raise
        return Machine(inventory=inventory, why_unknown=error.what.rstrip("."))
    return Machine(inventory=inventory, environment=environment)


def variable_of(kind: Kind) -> str:
    """Return the environment variable that names the folder of such caches."""
    return _USUAL[kind][0]


def usual_folder(kind: Kind, environ: Mapping[str, str]) -> Path:
    """Return where the program that writes such caches looks for them on this machine."""
    variable, below_home = _USUAL[kind]
    named = environ.get(variable)
    return Path(named) if named else Path(environ.get("HOME", "~")).expanduser() / below_home
