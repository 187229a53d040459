"""The GitHub runner's protocol: groups, annotations, masks, outputs, the step's summary.

The one importer of actions_toolkit. Sources: GitHub's "Workflow commands for GitHub Actions" and
the runner's `ActionCommandManager.cs` and `FileCommandManager.cs`.
"""

import contextlib
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from actions_toolkit import core

from tcv_action.errors import InputError, StoreError
from tcv_action.visible import visible

SUMMARY_LIMIT = 1024 * 1024
"""Bytes of a step's summary; the runner drops a larger one whole."""

_CUT = "\n\n_The summary was cut here: GitHub shows at most 1 MiB of it._\n"


class Workflow:
    """Shows the work in a GitHub job's log; a `Progress`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._speakers = 0
        self._token = ""

    @contextlib.contextmanager
    def phase(self, title: str) -> Iterator[None]:
        """Fold what is said meanwhile into a group that ends with its duration."""
        started = self._clock()
        core.start_group(_one_line(visible(title)))
        sys.stdout.flush()
        try:
            yield
        finally:
            self.info(f"{title}: {self._clock() - started:.1f} s")
            core.end_group()
            sys.stdout.flush()

    def info(self, text: str) -> None:
        """Say plain text, none of it a command."""
        with self._lock:
            for line in visible(text).splitlines() or [""]:
                _write(line)

    def warn(self, text: str) -> None:
        """Annotate the run with a warning."""
        with self._lock:
            core.warning(visible(text))
            sys.stdout.flush()

    def fail(self, text: str, *, title: str, file: str = "", line: int = 0) -> None:
        """Annotate the run with an error, at a file's line where one is known."""
        place = {"file": file, "start_line": line} if file and line else {}
        with self._lock:
            core.error(visible(text), title=visible(title), **place)
            sys.stdout.flush()

    @contextlib.contextmanager
    def script_output(self) -> Iterator[Callable[[str], None]]:
        """Stop the runner's commands while scripts speak, with a token that none can guess.

        The runner knows one token at a time: scripts that run beside each other share it, and the
        last to end gives the commands back.
        """
        with self._lock:
            self._speakers += 1
            if self._speakers == 1:
                self._token = secrets.token_hex(16)
                _write(f"::stop-commands::{self._token}")
        try:
            yield self._script_line
        finally:
            with self._lock:
                self._speakers -= 1
                if self._speakers == 0:
                    _write(f"::{self._token}::")

    def _script_line(self, line: str) -> None:
        with self._lock:
            _write(line.rstrip("\r\n"))


def mask(secret: str) -> None:
    """Have the runner hide this text in all that is logged from now on."""
    for line in filter(None, (part.strip() for part in secret.splitlines())):
        core.set_secret(line)
    sys.stdout.flush()


def id_token(audience: str, *, seconds: float = 30.0) -> str:
    """Return the job's OIDC token for an audience, masked in the log from then on.

    Raises StoreError where the job may not ask for one, or GitHub does not answer in time.
    """
    answers: list[str | Exception] = []
    # The toolkit waits for an answer without end.
    asking = threading.Thread(target=lambda: answers.append(_asked(audience)), daemon=True)
    asking.start()
    asking.join(seconds)
    match answers:
        case [str() as token]:
            sys.stdout.flush()
            return token
        case [Exception() as error]:
            why = str(error)[:300]
        case _:
            why = f"there was no answer within {seconds:g} s"
    what = f"GitHub gave no OIDC token for the audience {audience!r}: {why}"
    raise StoreError(
        what,
        cause="The job has no `id-token: write` permission, or does not run on GitHub.",
        next_step="Grant it under `permissions:` of the job.",
    )


def _asked(audience: str) -> str | Exception:
    try:
        return str(core.get_id_token(audience))
    except Exception as error:  # noqa: BLE001 the toolkit raises nothing narrower
        return error


def set_outputs(outputs: Mapping[str, str]) -> None:
    """Append the step's outputs to the file that GITHUB_OUTPUT names.

    Raises InputError for a name that could inject another output.
    """
    for name, value in outputs.items():
        if not name.replace("-", "").replace("_", "").isalnum():
            what = f"The output name {name!r} is not one that GitHub can take."
            raise InputError(what, cause="Names are letters, digits, '-' and '_'.")
        core.set_output(name, value)


def export(name: str, value: str) -> None:
    """Set an environment variable for the steps that follow, in the file that GITHUB_ENV names."""
    core.export_variable(name, value)


def append_summary(path: Path, markdown: str) -> None:
    """Append to the step's summary, cut at the end of a line to stay under GitHub's limit."""
    used = path.stat().st_size if path.exists() else 0
    with path.open("ab") as summary:
        summary.write(truncated(markdown, SUMMARY_LIMIT - 1 - used))


def truncated(markdown: str, room: int) -> bytes:
    """Return the text as UTF-8 of at most `room` bytes; what is cut is said at its end."""
    data = markdown.encode()
    if len(data) <= room:
        return data
    kept = data[: max(0, room - len(_CUT.encode()))]
    whole_lines = kept[: kept.rfind(b"\n") + 1]
    return (whole_lines + _CUT.encode()) if room > len(_CUT) else b""


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _one_line(text: str) -> str:
    return " ".join(text.split())
