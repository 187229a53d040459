"""The Python API: what the commands do, as functions that return frozen values.

    from tcv_action import api

    created = api.create("cache", "oci:images:v1")
    extracted = api.extract("ghcr.io/me/kernels:v1-cuda-sm90")

References to images are those of the commands (docs/stores.md): a plain NAME is the local store
for `create`; what reads looks for it in docker, in containers-storage, then in the registry.
Errors are those of `tcv_action.errors`: `TcvError` is over all of them, and its text stands alone.
Nothing is printed. Clients of stores are imported when a reference needs them.
"""

from tcv_action.api.found import folder_or_reference, named_image
from tcv_action.api.looking import inspect
from tcv_action.api.packaging import create
from tcv_action.api.restoring import extract, preflight, system_gpus
from tcv_action.api.results import (
    Created,
    Extracted,
    InspectedFolder,
    InspectedImage,
    InspectedIndex,
)

__all__ = [
    "Created",
    "Extracted",
    "InspectedFolder",
    "InspectedImage",
    "InspectedIndex",
    "create",
    "extract",
    "folder_or_reference",
    "inspect",
    "named_image",
    "preflight",
    "system_gpus",
]
