"""What an image, an index or a folder holds, layers unread."""

from pathlib import Path

from tcv_action.api.found import folder_or_reference, target_of
from tcv_action.api.results import InspectedFolder, InspectedImage, InspectedIndex, size_of
from tcv_action.choose import Wanted, read_image
from tcv_action.frameworks.detect import read_any_cache
from tcv_action.gpus.gpu import Inventory
from tcv_action.here import inventory_here
from tcv_action.image import read_contract
from tcv_action.oci.reference import Reference
from tcv_action.stores import Store
from tcv_action.stores.access import RegistryAccess
from tcv_action.stores.local import find_image
from tcv_action.triton.target import Target


def inspect(
    place: Path | str,
    *,
    target: Target | str | None = None,
    gpus: Inventory | None = None,
    access: RegistryAccess | None = None,
) -> InspectedImage | InspectedIndex | InspectedFolder:
    """Read what an image or a cache folder holds; of an image never its layer.

    What is a folder here is taken for one. Of an index, `target` chooses one image, else `gpus`
    do, which are this machine's where none are given; where they do not, it is read whole.

    Raises InputError for what is neither, or cannot be read; StoreError where the store fails.
    """
    access = access or RegistryAccess()
    found = folder_or_reference(place)
    if isinstance(found, Path):
        return InspectedFolder(folder=found, cache=read_any_cache(found))
    store, reference = find_image(found, access)
    index = store.read_index(reference) if target is None else None
    if index is None:
        return _inspected(store, reference, target_of(target))
    entries = [reference.with_digest(entry.descriptor.digest) for entry in index.entries]
    images = tuple(_inspected(store, one, None) for one in entries)
    here = set((inventory_here() if gpus is None else gpus).targets)
    fitting = [one for one in images if here.intersection(one.facts.targets)]
    if len(fitting) == 1:
        return fitting[0]
    return InspectedIndex(reference=reference, digest=index.digest, images=images)


def _inspected(store: Store, reference: Reference, target: Target | None) -> InspectedImage:
    image = read_image(store, reference, Wanted(target=target))
    return InspectedImage(
        reference=reference,
        image=image,
        facts=read_contract(image),
        image_size_bytes=size_of(image),
    )
