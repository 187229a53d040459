"""Make an image of a cache folder, look at it, and restore it elsewhere, from Python.

    python examples/api_create_extract.py CACHE IMAGE DESTINATION

CACHE is a folder that TRITON_CACHE_DIR named; IMAGE such as `oci:images:v1`, a plain NAME for the
local store of buildah or docker, or `docker://ghcr.io/me/kernels:v1` for a registry.
"""

import sys

from tcv_action import api
from tcv_action.errors import TcvError


def main(cache: str, image: str, destination: str) -> None:
    created = api.create(cache, image)
    targets = ", ".join(map(str, created.facts.targets))
    print(
        f"{created.reference}@{created.digest}: {created.facts.entry_count} kernels for {targets}"
    )

    seen = api.inspect(image)
    if isinstance(seen, api.InspectedImage):
        print(seen.facts.labels["cache.triton.image/summary"])

    extracted = api.extract(image, destination)
    print(f"{extracted.restored.entries} kernels in {extracted.restored.destination}")
    for miss in extracted.verdicts.misses if extracted.verdicts else ():
        print(f"will miss here: {miss.point}: {miss.reason}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except TcvError as error:
        sys.exit(str(error))
