"""PyTorch Inductor's cache folder: compiled graphs, generated code, Triton caches inside.

What TORCHINDUCTOR_CACHE_DIR names: `fxgraph/` and `aotautograd/` hold pickled graphs, folders of
two letters the generated code and autotuning results, `triton/` the kernels.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tcv_action.errors import NothingToPackageError
from tcv_action.frameworks.tree import Tree, embedded_paths, read_tree
from tcv_action.triton.cache import Entry
from tcv_action.triton.target import Target

GRAPH_FOLDERS = frozenset({"fxgraph", "aotautograd"})
_CODE_FOLDER = re.compile(r"[a-z0-9]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class InductorCache:
    """An Inductor cache folder.

    `parts` counts the files: `fxgraph`, `aotautograd`, `code`, `autotune` (`*.best_config`),
    `triton`, `other`. `embedded` names the files that hold the folder that they were written in.
    """

    tree: Tree
    parts: Mapping[str, int]
    embedded: Mapping[str, str]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The Triton entries inside."""
        return self.tree.entries

    @property
    def dropped(self) -> tuple[str, ...]:
        """The leftovers that were passed over."""
        return self.tree.dropped

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets of the kernels inside; empty where it compiled for the CPU only."""
        return self.tree.targets


def read_inductor_cache(folder: Path) -> InductorCache:
    """Read the folder that TORCHINDUCTOR_CACHE_DIR names.

    Raises InputError for files that cannot be used, NothingToPackageError for an empty folder.
    """
    tree = read_tree(folder)
    if not tree.files:
        what = f"The Inductor cache {str(folder)!r} is empty."
        raise NothingToPackageError(
            what,
            cause="No compiled function ran, or the results were kept elsewhere.",
            next_step="Give the folder that TORCHINDUCTOR_CACHE_DIR named while it ran.",
        )
    parts = Counter(_part(file.path) for file in tree.files)
    return InductorCache(
        tree=tree, parts=dict(sorted(parts.items())), embedded=embedded_paths(tree)
    )


def _part(path: str) -> str:
    top, _, rest = path.partition("/")
    if top in GRAPH_FOLDERS or top == "triton":
        return top
    if path.endswith(".best_config"):
        return "autotune"
    return "code" if _CODE_FOLDER.fullmatch(top) and rest else "other"
