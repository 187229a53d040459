"""Reading an image's layers: members as they come, digests checked before the last one is done."""

import hashlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing

from tcv_action.errors import InputError
from tcv_action.oci.config import parse_config
from tcv_action.oci.decompress import plain_pieces
from tcv_action.oci.image import OciImage
from tcv_action.oci.media_types import layer_compression
from tcv_action.oci.read_ahead import read_ahead
from tcv_action.oci.untar import Member, read_tar


def read_layers(image: OciImage) -> Generator[tuple[int, Member], None, None]:
    """Yield the members of all layers with the layer's place, bottom first.

    When the iteration ends by itself, every layer's digest, size and diff_id were right. Raises
    InputError for a layer that cannot be unpacked or is not the config's, StoreError where its
    bytes cannot be had.
    """
    compressions = [layer_compression(layer.media_type) for layer in image.layers]
    diff_ids = parse_config(image.config).diff_ids
    if diff_ids and len(diff_ids) != len(image.layers):
        what = f"The image has {len(image.layers)} layers and {len(diff_ids)} diff_ids."
        raise InputError(
            what, cause="Its config belongs to another image.", next_step="Build the image again."
        )
    for place, (layer, compression) in enumerate(zip(image.layers, compressions, strict=True)):
        digest = hashlib.sha256()
        with image.blobs.open_blob(layer) as stream:
            plain = _observed(plain_pieces(stream, compression), digest.update)
            with closing(read_ahead(plain)) as pieces:
                for member in read_tar(pieces):
                    yield place, member
        if diff_ids and diff_ids[place] != f"sha256:{digest.hexdigest()}":
            raise _foreign(diff_ids[place], f"sha256:{digest.hexdigest()}")


def _observed(pieces: Iterator[bytes], observe: Callable[[bytes], object]) -> Iterator[bytes]:
    for piece in pieces:
        observe(piece)
        yield piece


def _foreign(expected: str, digest: str) -> InputError:
    return InputError(
        f"The layer unpacks to {digest!r}, where the config says {expected!r}.",
        cause="The config or the layer was changed after the image was built.",
        next_step="Build and push the image again.",
    )
