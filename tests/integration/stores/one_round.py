"""One image through a registry and archives; prints the memory that it took, in KiB.

python -m tests.integration.stores.one_round REGISTRY/NAME FOLDER MEBIBYTES
"""

import resource
import sys
from pathlib import Path

from tests.images import image_of_layer

from tcv_action.oci.config import ImageConfig
from tcv_action.oci.descriptor import Descriptor
from tcv_action.oci.image import OciImage
from tcv_action.oci.layout import Layout
from tcv_action.oci.media_types import MediaTypes
from tcv_action.oci.reference import Reference
from tcv_action.stores.access import RegistryAccess
from tcv_action.stores.select import open_store


def image_of_size(folder: Path, mebibytes: int) -> OciImage:
    """Return an image whose one layer has that size."""
    layout = Layout.create(folder / "layout")
    with layout.new_blob() as writer:
        for number in range(mebibytes):
            writer.write(number.to_bytes(8, "big") * (1 << 17))
    media_types = MediaTypes.OCI
    layer = Descriptor(media_type=media_types.layer, digest=writer.digest, size=writer.size)
    config = ImageConfig(architecture="amd64", diff_ids=(layer.digest,))
    return image_of_layer(layout, layer, config, media_types)


def main(name: str, folder: Path, mebibytes: int) -> None:
    """Write the image to each place and read it back from there."""
    image = image_of_size(folder, mebibytes)
    places = (f"docker://{name}:t", f"oci-archive:{folder}/x:t", f"docker-archive:{folder}/y:a:t")
    for place in map(Reference.parse, places):
        store = open_store(place, RegistryAccess())
        store.write(image, place)
        image = store.read(place)
    with image.blobs.open_blob(image.layers[0]) as stream:
        while stream.read(1 << 20):
            pass
    sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
