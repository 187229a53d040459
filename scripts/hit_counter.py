"""Count Triton's cache hits in every Python that starts with this file as its sitecustomize.

Independent of tcv's own probe: Triton's listener (3.4 and later), and nothing else. When a process
that asked for a kernel ends, it appends `{"hits": …, "asked": …}` to the file that COUNTS names.
"""

import atexit
import json
import multiprocessing.util
import os

from triton import knobs

_counts = {"hits": 0, "asked": 0}


def _listen(*, cache_hit: bool, **_: object) -> None:
    _counts["asked"] += 1
    _counts["hits"] += cache_hit


def _tell() -> None:
    told = dict(_counts)
    _counts.update(hits=0, asked=0)
    if told["asked"]:
        with open(os.environ["COUNTS"], "a", encoding="utf-8") as file:  # noqa: PTH123
            file.write(json.dumps(told) + "\n")


if "COUNTS" in os.environ:
    knobs.compilation.listener = _listen
    atexit.register(_tell)
    # A process of multiprocessing ends without atexit.
    multiprocessing.util.Finalize(None, _tell, exitpriority=10)
