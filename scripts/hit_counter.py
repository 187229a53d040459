"""Count Triton's cache hits in every Python that starts with this file as its sitecustomize.

Independent of tcv's own probe: Triton's listener (3.4 and later), and nothing else. Each request
appends one line to the file that COUNTS names: `hit` or `miss`. A process that is ended at once,
as PyTorch ends those that compile for it, loses nothing.
"""

import os

from triton import knobs


def _listen(*, cache_hit: bool, **_: object) -> None:
    file = os.open(os.environ["COUNTS"], os.O_WRONLY | os.O_APPEND)
    os.write(file, b"hit\n" if cache_hit else b"miss\n")
    os.close(file)


if "COUNTS" in os.environ:
    knobs.compilation.listener = _listen
