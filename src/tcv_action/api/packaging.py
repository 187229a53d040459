"""A cache folder becomes an image in its store."""

import tempfile
from dataclasses import replace
from pathlib import Path

from tcv_action.api.found import environ_of, target_of
from tcv_action.api.results import Created, size_of
from tcv_action.frameworks.detect import AnyCache, read_any_cache
from tcv_action.gpus.gpu import Inventory
from tcv_action.here import interpreter_here
from tcv_action.image import PackOptions, pack, read_contract
from tcv_action.oci.layout import Layout
from tcv_action.oci.reference import DEFAULT_TAG, Reference
from tcv_action.stores.access import RegistryAccess
from tcv_action.stores.local import local_place
from tcv_action.stores.select import open_store
from tcv_action.triton.target import Target
from tcv_action.workplace import workplace


def create(
    folder: Path | str,
    image: str,
    *,
    target: Target | str | None = None,
    options: PackOptions | None = None,
    python: str | None = None,
    gpus: Inventory | None = None,
    access: RegistryAccess | None = None,
) -> Created:
    """Make an image of a cache folder and put it where the reference says.

    The same folder and options give the same digest. A plain NAME goes to the local store, without
    a tag as `latest`; `docker://NAME` is pushed. `target` packs this target's entries alone, and
    says the GPU of a vLLM cache that does not; there `gpus`, where all are alike, say it too.
    `python` is the interpreter that compiled the cache: its Triton and environment are recorded.

    Raises InputError for a reference, folder or option that cannot be used,
    NothingToPackageError where no entry is for the target, WarmupError where `python` has no
    Triton, StoreError where the store refuses, or a plain NAME has no local store here.
    """
    access = access or RegistryAccess()
    reference = _destination(Reference.parse(image), access)
    options = options or PackOptions()
    environment = None
    if python is not None:
        environment, _ = interpreter_here(python, environ_of(access)).describe()
    cache = read_any_cache(Path(folder))
    with workplace(Path(tempfile.gettempdir())) as scratch:
        packed = pack(
            cache,
            target_of(target) or _only_target(cache, gpus),
            Layout.create(scratch / "oci"),
            options=replace(options, title=options.title or _title(reference)),
            environment=environment,
        )
        pushed = open_store(reference, access).write(packed, reference)
    return Created(
        reference=pushed.reference,
        digest=packed.digest,
        facts=read_contract(packed),
        image_size_bytes=size_of(packed),
        uploaded_bytes=pushed.uploaded_bytes,
        left_out=tuple(cache.dropped),
    )


def _only_target(cache: AnyCache, gpus: Inventory | None) -> Target | None:
    """Return the target of GPUs that are all alike, for a cache that does not tell its own."""
    if gpus is None or cache.targets or len(gpus.targets) != 1:
        return None
    return gpus.targets[0]


def _destination(reference: Reference, access: RegistryAccess) -> Reference:
    """Return where the image goes: a plain name belongs to the local store."""
    if not reference.explicit:
        reference = local_place(reference, access.environment)
    return reference if reference.tag or reference.path else reference.with_tag(DEFAULT_TAG)


def _title(reference: Reference) -> str | None:
    if reference.repository:
        return reference.repository.rpartition("/")[2]
    return reference.tag
