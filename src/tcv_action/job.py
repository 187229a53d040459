"""What a run is asked to do, and the clients that it does it with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tcv_action.image import PackOptions
from tcv_action.oci.reference import Reference
from tcv_action.progress import Progress
from tcv_action.stores import Store
from tcv_action.triton.interpreter import Place
from tcv_action.triton.process import Stop
from tcv_action.triton.script import Script
from tcv_action.triton.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run. Either `script` is warmed up for the targets, or `cache_dir` is packaged as it is.

    `reference` names the repository, and the tag that stands for `{tag}`; `timeout` is in seconds
    for each target, `min_hit_rate` in percent of the requests.
    """

    script: Script | None
    cache_dir: Path | None
    targets: tuple[Target, ...]
    reference: Reference
    templates: tuple[str, ...]
    tag_fields: Mapping[str, str]
    options: PackOptions
    output: Path
    dry_run: bool = False
    verify: bool = True
    min_hit_rate: float = 100.0
    min_entries: int = 1
    timeout: float | None = None

    @property
    def layout_folder(self) -> Path:
        """Where a dry run leaves its OCI layout."""
        return self.output / "oci"

    @property
    def proves(self) -> bool:
        """Whether the run ends with a replay."""
        return self.verify and self.script is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The clients of a run. `store` is None in a dry run, `interpreter` where no script is run.

    `gpus` are the targets of this machine's own GPUs. `stop` ends the scripts that are running.
    """

    progress: Progress
    store: Store | None
    interpreter: Place | None
    gpus: frozenset[Target]
    workers: int
    stop: Stop
