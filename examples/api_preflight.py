"""Choose, among images, the first that will not miss on this machine, from Python.

    python examples/api_preflight.py [--stub FILE] IMAGE...

Only manifests and labels are read, never a layer. With a stub file (docs/gpus-stub.md) the answer
is that of another machine. The exit code is 1 where every image misses.
"""

import argparse
import sys

from tcv_action import api
from tcv_action.preflight.verdict import Outcome


def main(images: list[str], stub: str | None) -> int:
    gpus = api.system_gpus(stub)
    for gpu in gpus.gpus:
        print(f"GPU {gpu.label}: {gpu.name}, {gpu.target}")
    for absence in gpus.absences:
        print(f"no GPU of {absence.vendor}: {absence.reason}")

    for image in images:
        verdicts = api.preflight(image, gpus=gpus)
        print(f"{image}: {verdicts.outcome}")
        for miss in verdicts.misses:
            print(f"  {miss.point}: image {miss.image}, here {miss.here}")
        if verdicts.outcome is not Outcome.MISS:
            return 0
    return 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--stub")
    parser.add_argument("images", nargs="+")
    given = parser.parse_args()
    sys.exit(main(given.images, given.stub))
