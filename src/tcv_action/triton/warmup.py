"""Running a script so that its kernels are compiled into a fresh cache folder."""

import json
import shutil
import tempfile
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tcv_action.errors import InputError, StoreError, TcvError, WarmupError
from tcv_action.triton.environment import Environment, interprets
from tcv_action.triton.failures import why_unusable
from tcv_action.triton.interpreter import PROBE, Place
from tcv_action.triton.process import Finished, Stop
from tcv_action.triton.reader import read_entries
from tcv_action.triton.records import Records, read_records
from tcv_action.triton.request import Request
from tcv_action.triton.script import Script
from tcv_action.triton.target import Target

Mode = Literal["gpu", "compile-only"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Warmup:
    """A cache folder that a script filled, and what it asked for.

    `seconds` is the whole process, `compile_seconds` what Triton's compiler took of it.
    """

    target: Target
    cache_dir: Path
    mode: Mode
    requests: tuple[Request, ...]
    seconds: float
    compile_seconds: float
    environment: Environment

    @property
    def kernels(self) -> tuple[Request, ...]:
        """Return the first request of each entry: several processes may ask for the same."""
        first: dict[str, Request] = {}
        for request in self.requests:
            first.setdefault(request.hash, request)
        return tuple(first.values())


def warm_up(  # noqa: PLR0913
    script: Script,
    target: Target,
    cache_dir: Path,
    *,
    interpreter: Place,
    timeout: float | None,
    on_output: Callable[[str], None],
    gpu: bool,
    stop: Stop | None = None,
) -> Warmup:
    """Run a script for a target, its kernels going to `cache_dir`, which is made and must be new.

    With `gpu` it runs on the machine's own GPU; else compile-only: every launch is a compilation.
    The script and what it started are killed after `timeout` seconds, and when `stop` is requested.

    Raises InputError, WarmupError, or NothingToPackageError where nothing was launched.
    """
    script.check()
    with _new_folder(cache_dir):
        finished, records = run_watched(
            script,
            None if gpu else target,
            cache_dir,
            interpreter=interpreter,
            timeout=timeout,
            on_output=on_output,
            stop=stop,
        )
        _check_kept(script, records.requests, cache_dir)
    return Warmup(
        target=target,
        cache_dir=cache_dir,
        mode="gpu" if gpu else "compile-only",
        requests=records.requests,
        seconds=finished.seconds,
        compile_seconds=sum(sum(request.seconds.values()) for request in records.requests),
        environment=records.environment or interpreter.describe()[0],
    )


def warm_up_all(  # noqa: PLR0913
    script: Script,
    folders: Mapping[Target, Path],
    *,
    interpreter: Place,
    timeout: float | None,
    on_output: Callable[[Target, str], None],
    gpus: Collection[Target] = (),
    workers: int,
) -> tuple[Warmup, ...]:
    """Warm up several targets, `workers` at a time, each into its own folder.

    Targets in `gpus` run on the machine's GPU, the others compile-only. `on_output` is called by
    one thread at a time. The first failure, or an interrupt, ends the other runs as well.

    Raises what `warm_up` raises.
    """
    stop, lock = Stop(), threading.Lock()

    def one(target: Target) -> Warmup:
        def hand_on(line: str) -> None:
            with lock:
                on_output(target, line)

        return warm_up(
            script,
            target,
            folders[target],
            interpreter=interpreter,
            timeout=timeout,
            on_output=hand_on,
            gpu=target in gpus,
            stop=stop,
        )

    try:
        with ThreadPoolExecutor(max_workers=workers) as pool:
            runs = [pool.submit(one, target) for target in folders]
            try:
                ended, _ = wait(runs, return_when=FIRST_EXCEPTION)
                failed = [run for run in runs if run in ended and run.exception()]
                return tuple(run.result() for run in failed or runs)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
                stop.request()
    finally:
        stop.close()


def run_watched(  # noqa: PLR0913
    script: Script,
    stand_in: Target | None,
    cache_dir: Path,
    *,
    interpreter: Place,
    timeout: float | None,
    on_output: Callable[[str], None],
    stop: Stop | None = None,
) -> tuple[Finished, Records]:
    """Run a script under the probe with the given cache folder, and read what the probe wrote.

    The probe answers for the GPU `stand_in`, or watches a script that uses the machine's own.

    Raises WarmupError or NothingToPackageError where the run is of no use, and StoreError where the
    disk refuses what the run needs; InputError where Triton is told to compile nothing.
    """
    _check_compiles({**interpreter.environment, **script.environment})
    with scratch_folder() as work:
        record = work / "record.jsonl"
        cache = str(cache_dir.absolute())
        orders = {"record": str(record), "cache": cache, "target": _as_order(stand_in)}
        variables = {
            "TCV_PROBE": json.dumps(orders),
            "PYTHONPATH": str(_hook_in(work)),
            "PYTHONUNBUFFERED": "1",
            "TRITON_CACHE_DIR": cache,
            # What Inductor remembers from another run would keep Triton from being asked.
            "TORCHINDUCTOR_CACHE_DIR": str(work / "inductor"),
        }
        finished = interpreter.run(
            script, variables, on_output=on_output, timeout=timeout, stop=stop
        )
        records = read_records(record)
    error = why_unusable(script, finished, records, interpreter, timeout)
    if error is not None:
        raise error
    return finished, records


def _check_compiles(variables: Mapping[str, str]) -> None:
    if interprets(variables):
        what = f"The variable TRITON_INTERPRET is set to {variables['TRITON_INTERPRET']!r}."
        raise InputError(
            what,
            cause="With it Triton runs kernels in Python, and compiles none.",
            next_step="Unset it for this command.",
        )


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a folder for the time of one run.

    Raises StoreError where the disk refuses it.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix="tcv-"))
    except OSError as error:
        raise disk_refused(error) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def disk_refused(error: OSError) -> StoreError:
    """Return the error that says that the folder for temporary files cannot be used."""
    return StoreError(
        f"The folder for temporary files {tempfile.gettempdir()!r} refused a file.",
        cause=f"The system said: {error.strerror}.",
        next_step="Free space there, or name another folder in TMPDIR.",
    )


def _hook_in(work: Path) -> Path:
    hook = work / "probe"
    try:
        hook.mkdir()
        shutil.copy(PROBE, hook / "sitecustomize.py")
    except OSError as error:
        raise disk_refused(error) from error
    return hook


def _as_order(target: Target | None) -> tuple[str, str, int] | None:
    return None if target is None else (target.backend, target.arch, target.warp_size)


@contextmanager
def _new_folder(folder: Path) -> Iterator[None]:
    """Make a folder for the kernels, and empty it again where the run is of no use."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        what = f"The cache folder {str(folder)!r} is not empty."
        raise InputError(
            what,
            cause="Kernels that lie there already would not be compiled, and not be counted.",
            next_step="Name a folder that is new or empty.",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"The cache folder {str(folder)!r} cannot be made."
        raise InputError(
            what,
            cause=f"The system said: {error.strerror}.",
            next_step="Name a folder that you may write.",
        ) from error
    try:
        yield
    except (TcvError, KeyboardInterrupt):
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _check_kept(script: Script, requests: Iterable[Request], cache_dir: Path) -> None:
    entries = read_entries(cache_dir).entries if cache_dir.is_dir() else ()
    kept = {entry.hash for entry in entries}
    lost = sorted({request.name for request in requests if request.hash not in kept})
    if lost:
        what = f"The script '{script}' left kernels out of its cache folder: {', '.join(lost)}."
        raise WarmupError(
            what,
            cause="It removed files there, or chose a cache manager of its own in Triton's knobs.",
            next_step="Let it leave the folder in TRITON_CACHE_DIR as it is.",
        )
