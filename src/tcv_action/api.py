"""The Python API: what the commands do, as functions that return frozen values.

    from tcv_action import api

    created = api.create("cache", "oci:images:v1")
    extracted = api.extract("ghcr.io/me/kernels:v1-cuda-sm90")

References to images are those of the commands (docs/stores.md): a plain NAME is the local store
for `create`; what reads looks for it in docker, in containers-storage, then in the registry.
Errors are those of `tcv_action.errors`: `TcvError` is over all of them, and its text stands alone.
Nothing is printed. Clients of stores are imported when a reference needs them.
"""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tcv_action.choose import Wanted, read_image
from tcv_action.errors import InputError
from tcv_action.frameworks.detect import AnyCache, read_any_cache
from tcv_action.gpus.gpu import Inventory
from tcv_action.here import interpreter_here, inventory_here, machine_here, usual_folder
from tcv_action.image import ImageFacts, PackOptions, pack, read_contract
from tcv_action.oci.image import OciImage
from tcv_action.oci.layout import Layout
from tcv_action.oci.reference import DEFAULT_TAG, Reference, Transport
from tcv_action.preflight.check import check as compare
from tcv_action.preflight.machine import Machine
from tcv_action.preflight.verdict import Verdicts, require_compatible
from tcv_action.restore import Restored, restore
from tcv_action.stores import Store
from tcv_action.stores.access import RegistryAccess
from tcv_action.stores.local import find_image, local_place
from tcv_action.stores.select import open_store
from tcv_action.triton.environment import Environment
from tcv_action.triton.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """An image that was made and put in its store; sizes are in bytes.

    `uploaded_bytes` is what was really sent: 0 where the store had it all. `left_out` names what
    lay in the folder and is no part of a cache.
    """

    reference: Reference
    digest: str
    facts: ImageFacts
    image_size_bytes: int
    uploaded_bytes: int
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """A cache that was restored, the image that it came from, and what preflight found.

    `verdicts` is None where nothing was checked.
    """

    reference: Reference
    digest: str
    restored: Restored
    verdicts: Verdicts | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedImage:
    """What manifest and config say of an image; `image_size_bytes` counts layers and config."""

    reference: Reference
    image: OciImage
    facts: ImageFacts
    image_size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedIndex:
    """An index over several targets, and each of its images."""

    reference: Reference
    digest: str
    images: tuple[InspectedImage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedFolder:
    """A cache folder: Triton's, vLLM's or Inductor's."""

    folder: Path
    cache: AnyCache


def create(
    folder: Path | str,
    image: str,
    *,
    target: Target | str | None = None,
    options: PackOptions | None = None,
    python: str | None = None,
    access: RegistryAccess | None = None,
) -> Created:
    """Make an image of a cache folder and put it where the reference says.

    The same folder and options give the same digest. A plain NAME goes to the local store, without
    a tag as `latest`; `docker://NAME` is pushed. `target` packs this target's entries alone, and
    says the GPU of a vLLM cache that does not. `python` is the interpreter that compiled the
    cache: its Triton and environment are recorded.

    Raises InputError for a reference, folder or option that cannot be used,
    NothingToPackageError where no entry is for the target, WarmupError where `python` has no
    Triton, StoreError where the store refuses, or a plain NAME has no local store here.
    """
    access = access or RegistryAccess()
    reference = _destination(Reference.parse(image), access)
    options = options or PackOptions()
    environment = None
    if python is not None:
        environment, _ = interpreter_here(python, _environ(access)).describe()
    cache = read_any_cache(Path(folder))
    with tempfile.TemporaryDirectory(prefix="tcv-create-") as scratch:
        packed = pack(
            cache,
            _target(target),
            Layout.create(Path(scratch, "oci")),
            options=replace(options, title=options.title or _title(reference)),
            environment=environment,
        )
        pushed = open_store(reference, access).write(packed, reference)
    return Created(
        reference=pushed.reference,
        digest=packed.digest,
        facts=read_contract(packed),
        image_size_bytes=_size(packed),
        uploaded_bytes=pushed.uploaded_bytes,
        left_out=tuple(cache.dropped),
    )


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
    reference, found = _found(image, _target(target), gpus, access)
    facts = read_contract(found)
    verdicts = None
    if check:
        machine = machine_here(python, gpus, _environ(access), baremetal=baremetal)
        verdicts = compare(facts, machine)
        # An interpreter that was only guessed refuses nothing.
        guessed = python is None and not baremetal
        judged = replace(machine, environment=None) if guessed else machine
        require_compatible(compare(facts, judged), image)
    place = Path(folder) if folder is not None else usual_folder(facts.kind, _environ(access))
    restored = restore(found, place, target=_target(target))
    return Extracted(reference=reference, digest=found.digest, restored=restored, verdicts=verdicts)


def inspect(
    place: Path | str, *, target: Target | str | None = None, access: RegistryAccess | None = None
) -> InspectedImage | InspectedIndex | InspectedFolder:
    """Read what an image or a cache folder holds; of an image never its layer.

    What is a folder here is taken for one. Of an index, `target` chooses one image.

    Raises InputError for what is neither, or cannot be read; StoreError where the store fails.
    """
    access = access or RegistryAccess()
    found = folder_or_reference(place)
    if isinstance(found, Path):
        return InspectedFolder(folder=found, cache=read_any_cache(found))
    store, reference = find_image(found, access)
    index = store.read_index(reference) if target is None else None
    if index is None:
        return _inspected(store, reference, _target(target))
    references = [reference.with_digest(entry.descriptor.digest) for entry in index.entries]
    return InspectedIndex(
        reference=reference,
        digest=index.digest,
        images=tuple(_inspected(store, one, None) for one in references),
    )


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
    _, found = _found(image, _target(target), gpus, access)
    if environment is None:
        machine = machine_here(python, gpus, _environ(access), baremetal=baremetal)
    else:
        machine = Machine(inventory=gpus, environment=environment)
    return compare(read_contract(found), machine)


def system_gpus(stub: Path | str | None = None) -> Inventory:
    """Return this machine's GPUs, and for each vendor without one the reason.

    `stub` is a file to take them from instead, in the format of docs/gpus-stub.md.

    Raises InputError where that file cannot be used.
    """
    return inventory_here(None if stub is None else Path(stub))


def named_image(
    image: str,
    *,
    target: Target | str | None = None,
    gpus: Inventory | None = None,
    access: RegistryAccess | None = None,
) -> OciImage:
    """Return the image that a reference names, its layers unread; of an index, as `extract` does.

    Raises IncompatibleError where an index has nothing for the target or the GPUs, InputError
    where nothing decides, StoreError where the store fails.
    """
    gpus = inventory_here() if gpus is None else gpus
    return _found(image, _target(target), gpus, access or RegistryAccess())[1]


def folder_or_reference(place: Path | str) -> Path | Reference:
    """Take what is a folder here for a folder, and any other text for an image's reference.

    Raises InputError where it looks like a folder that is not there, or is no reference.
    """
    if isinstance(place, Path):
        return place
    if place.startswith(tuple(transport.prefix for transport in Transport)):
        return Reference.parse(place)
    if Path(place).is_dir():
        return Path(place)
    if place.startswith((".", "/", "~")):
        what = f"There is no cache folder {place!r}."
        raise InputError(
            what,
            cause="The path is mistyped, or nothing has been compiled yet.",
            next_step="Give the folder that TRITON_CACHE_DIR named, or an image's reference.",
        )
    return Reference.parse(place)


def _found(
    image: str, target: Target | None, gpus: Inventory, access: RegistryAccess
) -> tuple[Reference, OciImage]:
    store, reference = find_image(Reference.parse(image), access)
    wanted = Wanted(target=target, at_hand=gpus.targets)
    return reference, read_image(store, reference, wanted)


def _inspected(store: Store, reference: Reference, target: Target | None) -> InspectedImage:
    image = read_image(store, reference, Wanted(target=target))
    return InspectedImage(
        reference=reference, image=image, facts=read_contract(image), image_size_bytes=_size(image)
    )


def _destination(reference: Reference, access: RegistryAccess) -> Reference:
    """Return where the image goes: a plain name belongs to the local store."""
    if not reference.explicit:
        reference = local_place(reference, access.environment)
    return reference if reference.tag or reference.path else reference.with_tag(DEFAULT_TAG)


def _title(reference: Reference) -> str | None:
    if reference.repository:
        return reference.repository.rpartition("/")[2]
    return reference.tag


def _size(image: OciImage) -> int:
    return sum(layer.size for layer in image.layers) + len(image.config)


def _target(target: Target | str | None) -> Target | None:
    return Target.parse(target) if isinstance(target, str) else target


def _environ(access: RegistryAccess) -> Mapping[str, str]:
    # A program that calls us has one environment, which is an edge as a command's is.
    return os.environ if access.environment is None else access.environment  # noqa: TID251
