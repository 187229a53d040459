"""Proving a cache: the script runs again, and Triton itself says which kernels it found."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tcv_action.errors import InputError, NothingToPackageError, NotProvedError
from tcv_action.triton.environment import Environment, always_compiles
from tcv_action.triton.groups import GROUP_PREFIX, children_of, is_group_file
from tcv_action.triton.interpreter import Place
from tcv_action.triton.listing import read_json_file
from tcv_action.triton.metadata import parse_metadata
from tcv_action.triton.process import Stop
from tcv_action.triton.request import Request
from tcv_action.triton.script import Script
from tcv_action.triton.target import Target
from tcv_action.triton.warmup import disk_refused, run_watched, scratch_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a script asked of a cache, hit or missed; never empty.

    `seconds` is the whole process; `environment` is the place where it ran, if it told.
    `misplaced` holds the hashes of entries whose group files name files of another folder: they
    miss, as the files in this folder would stay unread. With `always_compiles` the script was told
    to compile whatever a cache holds.
    """

    target: Target
    requests: tuple[Request, ...]
    seconds: float
    environment: Environment | None = None
    misplaced: frozenset[str] = frozenset()
    always_compiles: bool = False

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
    with scratch_folder() as folder:
        links = folder / "cache"
        misplaced = _link(cache_dir.absolute(), links, script.cwd)
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
        misplaced=frozenset(filter(None, map(_hash_beside, misplaced))),
        always_compiles=always_compiles({**interpreter.environment, **script.environment}),
    )


def _link(folder: Path, links: Path, cwd: Path) -> list[Path]:
    """Link to all files but the group files that lead out of the folder; return those."""
    entries = [entry for entry in _contents(folder) if entry.is_dir()]
    files = {entry.name: _contents(entry) for entry in entries}
    misplaced = [
        file
        for contents in files.values()
        for file in contents
        if is_group_file(file.name) and _leads_elsewhere(file, cwd)
    ]
    left_out = set(misplaced)
    try:
        links.mkdir()
        for key, contents in files.items():
            (links / key).mkdir()
            for file in contents:
                if file not in left_out:
                    (links / key / file.name).symlink_to(file)
    except OSError as error:
        raise disk_refused(error) from error
    return misplaced


def _leads_elsewhere(group: Path, cwd: Path) -> bool:
    """Tell a group file that names a file which does not lie beside it.

    Triton would read that file, of the folder from which this one was copied for example, and not
    the one that is to be proved. Relative paths are those of a script that runs in `cwd`.
    """
    folder = group.parent
    content = read_json_file(group, f"{folder.name}/{group.name}")
    paths = children_of(content, folder.name).values()
    others = {str(path).rpartition("/")[0] for path in paths} - {str(folder)}
    return not all(_is_same(cwd / other, folder) for other in others)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False


def _hash_beside(group: Path) -> str:
    """Return the hash in the metadata beside a group file; empty where it cannot be read."""
    metadata = group.with_name(group.name.removeprefix(GROUP_PREFIX))
    where = f"{group.parent.name}/{metadata.name}"
    with suppress(InputError):
        return str(parse_metadata(read_json_file(metadata, where), where)["hash"])
    return ""


def _contents(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        what = f"The folder {str(folder)!r} cannot be read."
        raise InputError(
            what,
            cause=f"The system said: {error.strerror}.",
            next_step="Make it and what lies in it readable.",
        ) from error
