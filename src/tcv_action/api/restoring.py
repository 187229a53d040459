"""An image is compared with a machine, and its cache comes into a folder."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from tcv_action.api.found import environ_of, found_image, target_of
from tcv_action.api.results import Extracted
from tcv_action.gpus.gpu import Inventory
from tcv_action.here import inventory_here, machine_here, usual_folder
from tcv_action.image import ImageFacts, read_contract
from tcv_action.preflight.check import check as compare
from tcv_action.preflight.machine import Machine
from tcv_action.preflight.verdict import Verdicts, require_compatible
from tcv_action.restore import restore
from tcv_action.stores.access import RegistryAccess
from tcv_action.triton.environment import Environment
from tcv_action.triton.target import Target


def extract(
    image: str,
    folder: Path | str | None = None,
    *,
    target: Target | str | None = None,
    check: bool = True,
    baremetal: bool = False,
    python: str | None = None,
    gpus: Inventory | None = None,
    access: RegistryAccess | None = None,
) -> Extracted:
    """Restore the cache of an image: all of it, or one target's entries.

    Without `folder` it comes where its program looks: TRITON_CACHE_DIR or `~/.triton/cache`,
    VLLM_CACHE_ROOT or `~/.cache/vllm`, TORCHINDUCTOR_CACHE_DIR. Of an index the image for the
    target is taken, else the one for `gpus`, which are this machine's where none are given.
    Unless `check` is False, what cannot hit on those GPUs, or in the interpreter `python`, is
    refused before a layer is read; without `python` one is guessed, and what it would miss is
    only told in the verdicts. `baremetal` asks `python3` where none is named, and compares the
    entries' dummy keys too.

    Raises IncompatibleError for what cannot hit, InputError for an image that cannot be trusted,
    NothingToPackageError where it has no entry for the target, WarmupError where `python` has no
    Triton, StoreError where store or disk refuse.
    """
    access = access or RegistryAccess()
    gpus = inventory_here() if gpus is None else gpus
    reference, found = found_image(image, target_of(target), gpus, access)
    facts = read_contract(found)
    verdicts = accept = None
    if check:
        machine = machine_here(python, gpus, environ_of(access), baremetal=baremetal)
        verdicts = compare(facts, machine)
        # An interpreter that was only guessed refuses nothing.
        guessed = python is None and not baremetal
        judged = replace(machine, environment=None) if guessed else machine
        require_compatible(compare(facts, judged), image)
        if baremetal and facts.metadata is None:
            accept = partial(_accept, facts, machine, image)
    place = Path(folder) if folder is not None else usual_folder(facts.kind, environ_of(access))
    restored = restore(found, place, target=target_of(target), accept=accept)
    return Extracted(reference=reference, digest=found.digest, restored=restored, verdicts=verdicts)


def preflight(
    image: str,
    *,
    target: Target | str | None = None,
    python: str | None = None,
    environment: Environment | None = None,
    baremetal: bool = False,
    gpus: Inventory | None = None,
    access: RegistryAccess | None = None,
) -> Verdicts:
    """Foretell whether an image will hit, from its labels alone; raises nothing for a miss.

    It is compared with `gpus` (this machine's where none are given) and with `environment`, else
    with the interpreter `python`, else with the one that is found here. `baremetal` is that of
    `extract`.

    Raises IncompatibleError where an index has nothing for the target or the GPUs, InputError for
    an image that is no cache, WarmupError where `python` has no Triton, StoreError where the store
    fails.
    """
    access = access or RegistryAccess()
    gpus = inventory_here() if gpus is None else gpus
    _, found = found_image(image, target_of(target), gpus, access)
    if environment is None:
        machine = machine_here(python, gpus, environ_of(access), baremetal=baremetal)
    else:
        machine = Machine(inventory=gpus, environment=environment)
    return compare(read_contract(found), machine)


def system_gpus(stub: Path | str | None = None) -> Inventory:
    """Return this machine's GPUs, and for each vendor without one the reason.

    `stub` is a file to take them from instead, in the format of docs/gpus-stub.md.

    Raises InputError where that file cannot be used.
    """
    return inventory_here(None if stub is None else Path(stub))


def _accept(
    facts: ImageFacts, machine: Machine, image: str, records: Sequence[Mapping[str, object]]
) -> None:
    """Compare the entries by what manifest.json says of them: the newest mcv's labels do not."""
    require_compatible(compare(replace(facts, metadata=records), machine), image)
