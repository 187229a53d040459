"""The image contract: a cache becomes labels, manifest.json and a layer, and is read back."""

from tcv_action.image.contract import ImageFacts, read_contract
from tcv_action.image.options import Contents, Contract, PackOptions, Variant
from tcv_action.image.pack import pack

__all__ = [
    "Contents",
    "Contract",
    "ImageFacts",
    "PackOptions",
    "Variant",
    "pack",
    "read_contract",
]
