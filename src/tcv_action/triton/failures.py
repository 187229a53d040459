"""Why a run of the user's script cannot be used, said in three parts."""

import signal
from collections.abc import Sequence

from tcv_action.errors import NothingToPackageError, TcvError, WarmupError
from tcv_action.triton.interpreter import Place, no_triton
from tcv_action.triton.process import Finished
from tcv_action.triton.records import Failure, Records, Refusal
from tcv_action.triton.script import Script

_SHOWN_LINES = 10
_DISK_FULL = "No space left on device"
_INTERPRETER = "triton/runtime/interpreter.py"


class ScriptError(WarmupError):
    """The user's script failed; `file` and `line` say where, and are empty where nobody knows."""

    def __init__(
        self, what: str, *, cause: str = "", next_step: str = "", file: str = "", line: int = 0
    ) -> None:
        super().__init__(what, cause=cause, next_step=next_step)
        self.file = file
        self.line = line


def why_unusable(
    script: Script, finished: Finished, records: Records, place: Place, timeout: float | None
) -> TcvError | None:
    """Return the error that a run amounts to, or None for one that compiled something."""
    if finished.stopped == "interrupt":
        return WarmupError(f"The script '{script}' was interrupted.")
    if finished.stopped == "timeout":
        return _too_long(script, finished, timeout)
    if finished.exit_code != 0:
        return _failed(script, finished, records, place)
    if records.refusals:
        return _refused(records.refusals, went_on=True)
    if not records.requests:
        return _nothing(script, place)
    return None


def _too_long(script: Script, finished: Finished, timeout: float | None) -> WarmupError:
    return WarmupError(
        f"The script '{script}' did not end within {timeout:g} s, and was killed.",
        cause=_last_words(finished.last_lines) or "It had printed nothing.",
        next_step="Let it do less, or give it more time with --timeout.",
    )


def _failed(script: Script, finished: Finished, records: Records, place: Place) -> WarmupError:
    failure = records.failure
    reasons = [
        refusal
        for refusal in records.refusals
        if failure is None or failure.refused or failure.pid != refusal.pid
    ]
    if reasons:
        return _refused(reasons)
    if failure is None:
        return ScriptError(
            f"The script '{script}' {_ending(finished.exit_code)}.",
            cause=_last_words(finished.last_lines) or "It had printed nothing.",
            next_step="Run it by itself, and mend what it says.",
        )
    if failure.missing is not None and failure.missing.partition(".")[0] == "triton":
        return no_triton(str(place), failure.message)
    return _raised(script, finished, failure, place)


def _raised(script: Script, finished: Finished, failure: Failure, place: Place) -> ScriptError:
    where = f"{failure.file}:{failure.line}" if failure.file else "its start"
    next_step = "Run it by itself, and mend what it says."
    if failure.missing is not None:
        next_step = f"Install {failure.missing!r} in {place}, or name another Python with --python."
    if any(_INTERPRETER in line for line in finished.last_lines):
        next_step = "Let it leave TRITON_INTERPRET unset: with it Triton compiles no kernel."
    if _DISK_FULL in failure.message:
        next_step = "Free space on the disk that holds the cache folder, or choose another one."
    return ScriptError(
        f"The script '{script}' failed at {where} with {failure.type}: {failure.message}",
        cause=f"It {_ending(finished.exit_code)}. {_last_words(finished.last_lines)}".rstrip(),
        next_step=next_step,
        file=failure.file,
        line=failure.line,
    )


def _refused(refusals: Sequence[Refusal], *, went_on: bool = False) -> ScriptError:
    refusal = refusals[0]
    cause = "Without a GPU, its tensors have shapes and types but no values, and nothing runs."
    if went_on:
        times = "once" if len(refusals) == 1 else f"{len(refusals)} times"
        cause += (
            f" It was refused {times}, went on and ended well;"
            " what it would have launched otherwise was not compiled."
        )
    return ScriptError(
        f"The script cannot run compile-only: at {refusal.file}:{refusal.line} {refusal.what}.",
        cause=cause,
        next_step="Run it where the GPU is (--warmup-in host or container), or leave that line out.",
        file=refusal.file,
        line=refusal.line,
    )


def _nothing(script: Script, place: Place) -> NothingToPackageError:
    place.describe()  # without Triton, that is the error
    return NothingToPackageError(
        f"The script '{script}' launched no Triton kernel.",
        cause="It ended well, and no process of it asked Triton's compiler for anything.",
        next_step="Let it launch each kernel with the shapes and types that are used later.",
    )


def _ending(exit_code: int) -> str:
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    try:
        name = signal.Signals(-exit_code).name
        return f"was killed by {name}" + (", as for want of memory" if name == "SIGKILL" else "")
    except ValueError:
        return f"was killed by signal {-exit_code}"


def _last_words(lines: Sequence[str]) -> str:
    shown = [line for line in lines if line.strip()][-_SHOWN_LINES:]
    return "Its last lines:\n" + "\n".join(f"  {line}" for line in shown) if shown else ""
