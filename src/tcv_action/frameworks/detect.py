"""Telling what kind of cache a folder holds."""

import re
from enum import StrEnum
from pathlib import Path

from tcv_action.errors import InputError
from tcv_action.frameworks.inductor import GRAPH_FOLDERS, InductorCache, read_inductor_cache
from tcv_action.frameworks.vllm import VllmCache
from tcv_action.frameworks.vllm_reader import AOT_FOLDER, COMPILE_FOLDER, read_vllm_cache
from tcv_action.triton.cache import Cache
from tcv_action.triton.listing import sorted_items
from tcv_action.triton.reader import read_cache

AnyCache = Cache | VllmCache | InductorCache
"""A cache folder as values, whosever it is."""

_TRITON_KEY = re.compile(r"[A-Z2-7]{52}|[0-9a-f]{64}")


class Kind(StrEnum):
    """Whose cache it is."""

    TRITON = "triton"
    VLLM = "vllm"
    INDUCTOR = "inductor"


def read_any_cache(folder: Path) -> AnyCache:
    """Read a cache folder, whosever it is; raises as `kind_of` and the kind's reader do."""
    match kind_of(folder):
        case Kind.VLLM:
            return read_vllm_cache(folder)
        case Kind.INDUCTOR:
            return read_inductor_cache(folder)
        case Kind.TRITON:
            return read_cache(folder)


def kind_of(folder: Path) -> Kind:
    """Tell whose cache lies in a folder; whatever is no framework's is taken for Triton's.

    vLLM's wins over the Triton entries that may lie beside it, as in the original tool.

    Raises InputError where the folder cannot be listed, is a part of a vLLM cache, or is
    Inductor's and Triton's at once.
    """
    names = {item.name for item in sorted_items(folder, folder.name) if item.is_dir()}
    if COMPILE_FOLDER in names:
        return Kind.VLLM
    if folder.name in {COMPILE_FOLDER, AOT_FOLDER} or AOT_FOLDER in names:
        what = f"The folder {str(folder)!r} is a part of a vLLM cache."
        raise InputError(
            what,
            cause=f"What vLLM loads lies under {COMPILE_FOLDER!r} in its cache folder.",
            next_step=f"Give the folder that holds {COMPILE_FOLDER!r}: VLLM_CACHE_ROOT.",
        )
    if not names & GRAPH_FOLDERS:
        return Kind.TRITON
    if any(_TRITON_KEY.fullmatch(name) for name in names):
        what = f"The folder {str(folder)!r} holds two kinds of cache, Inductor's and Triton's."
        raise InputError(
            what,
            cause="TORCHINDUCTOR_CACHE_DIR and TRITON_CACHE_DIR named the same folder.",
            next_step="Let them name two folders, and package each by itself.",
        )
    return Kind.INDUCTOR
