"""What a run came to, as values that every report is written from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tcv_action.triton.request import Request
from tcv_action.triton.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The stage that failed, the error's three parts and its exit code.

    `file` and `line` name the place in the user's script, where there is one.
    """

    stage: str
    what: str
    cause: str
    next_step: str
    exit_code: int
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetResult:
    """One target's row. What a stage did not reach is None or empty.

    Sizes are in bytes: `cache_bytes` of the files in the cache, `image_bytes` of the compressed
    layer and the config. `cold_seconds` is the script's run with an empty cache,
    `warm_seconds` its replay; `compile_seconds` is Triton's own compile time in the cold run.
    """

    target: Target
    tags: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    digest: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    entries: int | None = None
    cache_bytes: int | None = None
    image_bytes: int | None = None
    mode: str | None = None
    requests: tuple[Request, ...] = ()
    hits: int | None = None
    asked: int | None = None
    cold_seconds: float | None = None
    warm_seconds: float | None = None
    compile_seconds: float | None = None
    missed: tuple[str, ...] = ()
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """A whole run: a row per target, and where the images are.

    `is_joined` tells that it joins the results of other runs, and is known by its index.
    """

    image: str
    dry_run: bool
    targets: tuple[TargetResult, ...]
    index_tags: tuple[str, ...] = ()
    index_digest: str | None = None
    is_joined: bool = False
    seconds: float = 0.0
    failure: Failure | None = None

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Every failure, the run's own first, then the targets' in their order."""
        own = (self.failure,) if self.failure else ()
        return own + tuple(row.failure for row in self.targets if row.failure)

    @property
    def done(self) -> tuple[TargetResult, ...]:
        """The rows of the targets that went well."""
        return tuple(row for row in self.targets if row.failure is None)

    @property
    def succeeded(self) -> bool:
        """Whether every stage of every target went well."""
        return not self.failures
