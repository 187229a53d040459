"""vLLM's compile cache as frozen values: what lies under VLLM_CACHE_ROOT."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from tcv_action.frameworks.tree import Tree
from tcv_action.triton.cache import Entry
from tcv_action.triton.target import Target


class Format(StrEnum):
    """How vLLM kept what it compiled for one model; the order is that of the format label."""

    AOT_COMPILE = "aot_compile"
    BINARY = "binary"
    TRITON = "triton"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifacts:
    """What one rank compiled for one part of the model (`backbone`, `eagle_head`).

    `save_format` is `binary` (files), `unpacked` (folders) or `mega-aot`. `env` holds the factors
    of vLLM's key, as cache_key_factors.json has them.
    """

    rank: str
    prefix: str
    names: tuple[str, ...]
    save_format: str
    code_hash: str = ""
    config_hash: str = ""
    compiler_hash: str = ""
    env: Mapping[str, object]

    @property
    def target_device(self) -> str:
        """What vLLM was built for: `cuda`, `rocm`; empty where the factors do not tell."""
        device = self.env.get("VLLM_TARGET_DEVICE")
        return device if isinstance(device, str) else ""

    @property
    def cuda_version(self) -> str:
        """The CUDA toolkit of that vLLM; empty where the factors do not tell."""
        version = self.env.get("VLLM_MAIN_CUDA_VERSION")
        return version if isinstance(version, str) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AotModel:
    """One rank's single file of ahead-of-time compilation; its size in bytes."""

    rank: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledModel:
    """What vLLM compiled for one model and configuration, known by its hash."""

    hash: str
    format: Format
    entries: tuple[Entry, ...] = ()
    artifacts: tuple[Artifacts, ...] = ()
    aot: tuple[AotModel, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VllmCache:
    """A vLLM cache folder.

    `targets` are what its own records say, empty where they do not. `embedded` names the files
    that hold the folder that they were written in.
    """

    tree: Tree
    models: tuple[CompiledModel, ...]
    targets: tuple[Target, ...]
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
    def formats(self) -> tuple[Format, ...]:
        """The formats that occur, in the order of the format label."""
        return tuple(one for one in Format if any(model.format is one for model in self.models))

    @property
    def cuda_version(self) -> str:
        """The CUDA toolkit of all artifacts, empty where they name none or several."""
        found = {part.cuda_version for model in self.models for part in model.artifacts}
        return found.pop() if len(found) == 1 else ""
