"""Proving a cache: the script runs again, and Triton itself says which kernels it found."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tcv_action.errors import InputError, NothingToPackageError, NotProvedError
from tcv_action.triton.environment import Environment
from tcv_action.triton.interpreter import Place
from tcv_action.triton.process import Stop
from tcv_action.triton.request import Request
from tcv_action.triton.script import Script
from tcv_action.triton.target import Target
from tcv_action.triton.warmup import run_watched


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a script asked of a cache, hit or missed; never empty.

    `seconds` is the whole process; `environment` is the place where it ran, if it told.
    """

    target: Target
    requests: tuple[Request, ...]
    seconds: float
    environment: Environment | None = None

    @property
    def total(self) -> int:
        """Count the requests."""
        return len(self.requests)

    @property
    def hits(self) -> int:
        """Count the requests that the cache could answer."""
        return sum(request.hit for request in self.requests)

    @property
    def misses(self) -> tuple[Request, ...]:
        """Return the requests that were compiled again."""
        return tuple(request for request in self.requests if not request.hit)


def replay(  # noqa: PLR0913
    script: Script,
    target: Target,
    cache_dir: Path,
    *,
    interpreter: Place,
    timeout: float | None,
    on_output: Callable[[str], None],
    gpu: bool,
    stop: Stop | None = None,
) -> Proof:
    """Run a script in a fresh process against a cache folder, and count Triton's own hits.

    The folder is only read: the script is given a folder of links to its files, and whatever has to
    be compiled again ends up beside those links and is thrown away.

    Raises InputError, WarmupError, or NotProvedError where the script asked for nothing.
    """
    script.check()
    if not cache_dir.is_dir():
        what = f"The cache folder {str(cache_dir)!r} is not there."
        raise InputError(
            what,
            next_step="Name the folder that the image was extracted to.",
        )
    with tempfile.TemporaryDirectory(prefix="tcv-replay-", ignore_cleanup_errors=True) as folder:
        links = Path(folder, "cache")
        _link(cache_dir.absolute(), links)
        try:
            finished, records = run_watched(
                script,
                None if gpu else target,
                links,
                interpreter=interpreter,
                timeout=timeout,
                on_output=on_output,
                stop=stop,
            )
        except NothingToPackageError as error:
            what = f"Nothing is proved for {target}: the script '{script}' launched no kernel."
            raise NotProvedError(
                what,
                cause=error.cause,
                next_step=error.next_step,
            ) from error
    return Proof(
        target=target,
        requests=records.requests,
        seconds=finished.seconds,
        environment=records.environment,
    )


def _link(folder: Path, links: Path) -> None:
    links.mkdir()
    for entry in folder.iterdir():
        if entry.is_dir():
            (links / entry.name).mkdir()
            for file in entry.iterdir():
                (links / entry.name / file.name).symlink_to(file)
