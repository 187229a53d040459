"""Scripts that a person might write wrongly: each ends in the right message and code."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.integration.triton.conftest import SCRIPTS, here, prove, script, warm, written
from tests.services.interpreters import TRITON, interpreter, require_python

from tcv_action.errors import NothingToPackageError, TcvError, WarmupError
from tcv_action.triton.failures import ScriptError
from tcv_action.triton.interpreter import Interpreter
from tcv_action.triton.target import Target
from tcv_action.triton.warmup import Warmup, warm_up

pytestmark = pytest.mark.triton

LAUNCH = f"import runpy; runpy.run_path({str(SCRIPTS / 'without_torch.py')!r}, run_name='__main__')"


@pytest.fixture(scope="module")
def plain() -> Interpreter:
    """Give a Python with Triton and without PyTorch."""
    version, python = require_python("3.12")
    return here(interpreter(python, version, [TRITON]).path)


@pytest.fixture
def attempt(tmp_path: Path) -> Callable[..., Warmup]:
    """Run a piece of Python as the user's script."""

    def run(
        code: str, place: Interpreter, timeout: float = 120, lines: list[str] | None = None
    ) -> Warmup:
        heard: list[str] = [] if lines is None else lines
        return warm_up(
            written(tmp_path, code),
            Target.parse("cuda:90"),
            tmp_path / "cache",
            interpreter=place,
            timeout=timeout,
            on_output=heard.append,
            gpu=False,
        )

    return run


def failure(
    attempt: Callable[..., Warmup],
    code: str,
    place: Interpreter,
    kind: type[TcvError],
    **how: float,
) -> TcvError:
    """Run a script that must fail, and return its error, which has all three parts."""
    with pytest.raises(kind) as caught:
        attempt(code, place, **how)
    assert type(caught.value) is kind
    assert caught.value.cause
    assert caught.value.next_step
    return caught.value


def test_it_launches_nothing(
    attempt: Callable[..., Warmup], plain: Interpreter, tmp_path: Path
) -> None:
    error = failure(attempt, "import triton\nprint('hello')", plain, NothingToPackageError)
    assert error.what == "The script 'script.py' launched no Triton kernel."
    assert not (tmp_path / "cache").exists()


def test_it_has_a_syntax_error(attempt: Callable[..., Warmup], plain: Interpreter) -> None:
    error = failure(attempt, "x = 1\ndef f(:\n", plain, ScriptError)
    assert isinstance(error, ScriptError)
    assert "SyntaxError" in error.what
    assert (Path(error.file).name, error.line) == ("script.py", 2)


def test_it_exits_3(attempt: Callable[..., Warmup], plain: Interpreter, tmp_path: Path) -> None:
    error = failure(attempt, f"{LAUNCH}\nprint('bye')\nraise SystemExit(3)", plain, ScriptError)
    assert "ended with exit code 3" in error.what
    assert "bye" in error.cause
    assert not (tmp_path / "cache").exists()


def test_it_hangs(attempt: Callable[..., Warmup], plain: Interpreter) -> None:
    code = "import time\nprint('waiting', flush=True)\ntime.sleep(600)"
    began = time.monotonic()
    error = failure(attempt, code, plain, WarmupError, timeout=1)
    assert "did not end within 1 s" in error.what
    assert "waiting" in error.cause
    assert time.monotonic() - began < 300


def test_its_output_is_heard_while_it_runs(
    attempt: Callable[..., Warmup], plain: Interpreter, tmp_path: Path
) -> None:
    class Answer(list[str]):
        def append(self, line: str) -> None:
            (tmp_path / line).touch()

    code = "import os, time\nprint('heard')\nwhile not os.path.exists('heard'):\n    time.sleep(0.01)\n"
    assert len(attempt(code + LAUNCH, plain, lines=Answer()).requests) == 8


def test_its_output_is_handed_on_as_it_is(
    attempt: Callable[..., Warmup], plain: Interpreter
) -> None:
    lines: list[str] = []
    warmup = attempt(f"{LAUNCH}\nprint('::error::not ours')", plain, lines=lines)
    assert len(warmup.requests) == 8
    assert "::error::not ours" in lines


def test_it_forks_and_leaves_a_child_behind(
    attempt: Callable[..., Warmup], plain: Interpreter
) -> None:
    code = f"import os, time\nif os.fork() == 0:\n    time.sleep(600)\n{LAUNCH}"
    assert len(attempt(code, plain).requests) == 8


def test_its_forked_child_launches(attempt: Callable[..., Warmup], plain: Interpreter) -> None:
    code = f"import os\nif os.fork() == 0:\n    {LAUNCH}\n    os._exit(0)\nos.wait()"
    assert len(attempt(code, plain).requests) == 8


def test_it_deletes_its_cache_folder(attempt: Callable[..., Warmup], plain: Interpreter) -> None:
    code = f"{LAUNCH}\nimport os, shutil\nshutil.rmtree(os.environ['TRITON_CACHE_DIR'])"
    error = failure(attempt, code, plain, WarmupError)
    assert "left kernels out of its cache folder" in error.what


def test_a_replay_survives_that_too(plain: Interpreter, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    warm(script("without_torch.py"), "cuda:90", folder, plain)
    before = sorted(folder.rglob("*"))
    code = f"{LAUNCH}\nimport os, shutil\nshutil.rmtree(os.environ['TRITON_CACHE_DIR'])"
    assert prove(written(tmp_path, code), "cuda:90", folder, plain).hits == 8
    assert sorted(folder.rglob("*")) == before


def test_the_disk_fills_up(attempt: Callable[..., Warmup], plain: Interpreter) -> None:
    # /dev/full answers every write as a full disk does; the entry's files go there.
    code = f"""
import os, triton.runtime.cache as cache
real = cache.FileCacheManager.put
def put(self, data, filename, binary=True):
    os.symlink("/dev/full", os.path.join(self.cache_dir, "lock.tmp"))
    with open(os.path.join(self.cache_dir, "lock.tmp"), "w", buffering=1) as file:
        file.write("full\\n")
cache.FileCacheManager.put = put
{LAUNCH}
"""
    error = failure(attempt, code, plain, ScriptError)
    assert "No space left on device" in error.what
    assert "Free space" in error.next_step


def test_it_needs_a_module_that_is_missing(
    attempt: Callable[..., Warmup], plain: Interpreter
) -> None:
    error = failure(attempt, "import not_to_be_found.at_all", plain, ScriptError)
    assert "No module named 'not_to_be_found'" in error.what
    assert error.next_step.startswith("Install 'not_to_be_found' in ")
    assert str(plain) in error.next_step


@pytest.mark.parametrize(
    "reading",
    [
        "float(x.sum())",
        "x.tolist()",
        "x.cpu()",
        "f'{x.sum():.3f}'",
        "x[x > 0]",
        "torch.testing.assert_close(x, x)",
        "assert (x > 0).all()",
        "torch.ones(3).copy_(x)",
    ],
)
def test_it_reads_a_value_back(
    reading: str, attempt: Callable[..., Warmup], torch_here: Interpreter
) -> None:
    code = f"import torch\nx = torch.ones(3, device='cuda')\n\n{reading}\n"
    error = failure(attempt, code, torch_here, ScriptError)
    assert isinstance(error, ScriptError)
    assert (Path(error.file).name, error.line) == ("script.py", 4)
    assert "script.py:4 it reads a tensor's value" in error.what
    assert "--warmup-in host or container" in error.next_step


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("@torch.compile\ndef f(x):\n    return x\nf(x)", "torch.compile"),
        ("m = torch.compile(torch.nn.ReLU())\n\n\nm(x)", "torch.compile"),
        ("\n\n\ntorch.set_autocast_enabled('cuda', True)", "torch.autocast"),
        ("import io\n\n\ntorch.save(x, io.BytesIO())", "saves a tensor's values"),
        ("\n\n\ntorch.linalg.lstsq(x, x)", "can only do on the GPU"),
        ("\n\nwith torch.autocast('cuda'):\n    x @ x", "torch.autocast"),
    ],
)
def test_it_asks_for_what_compile_only_cannot_do(
    code: str, what: str, attempt: Callable[..., Warmup], torch_here: Interpreter
) -> None:
    code = f"import torch\nx = torch.ones(3, 3, device='cuda')\n{code}"
    error = failure(attempt, code, torch_here, ScriptError)
    assert what in error.what
    assert "--warmup-in" in error.next_step


def test_a_child_of_it_reads_a_value(
    attempt: Callable[..., Warmup], torch_here: Interpreter
) -> None:
    code = """
import torch, multiprocessing
def child():
    torch.ones(3, device="cuda").tolist()
if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=child)
    process.start(); process.join()
    assert process.exitcode == 0
"""
    error = failure(attempt, code, torch_here, ScriptError)
    assert isinstance(error, ScriptError)
    assert error.line == 4


def test_it_catches_what_is_refused_and_goes_on(
    attempt: Callable[..., Warmup], torch_here: Interpreter
) -> None:
    code = f"""
import sys, threading, torch
sys.path.insert(0, {str(SCRIPTS)!r})
from features import scale
x = torch.ones(64, device="cuda")
scale(x)
try:
    torch.testing.assert_close(x, x)
    scale(x.half())
except Exception as error:
    print("FAILED", error)
thread = threading.Thread(target=lambda: x.tolist())
thread.start(); thread.join()
"""
    error = failure(attempt, code, torch_here, ScriptError)
    assert isinstance(error, ScriptError)
    assert (Path(error.file).name, error.line) == ("script.py", 8)
    assert "refused 2 times" in error.cause


def test_values_of_its_own_tensors_can_be_read(
    attempt: Callable[..., Warmup], torch_here: Interpreter
) -> None:
    code = f"""
import torch, sys
sys.path.insert(0, {str(SCRIPTS)!r})
from features import scale
sizes = torch.tensor([64, 128]).tolist()
for size in sizes:
    scale(torch.randn(size, generator=torch.Generator("cuda").manual_seed(0), device="cuda"))
print(torch.ones(2, device="cuda"))
"""
    assert len(attempt(code, torch_here).requests) == 1


def test_there_is_no_triton(attempt: Callable[..., Warmup]) -> None:
    _, python = require_python("3.11")
    for code in ("import triton", "print('nothing')"):
        error = failure(attempt, code, here(python), WarmupError)
        assert "There is no Triton" in error.what


def test_it_crashes(attempt: Callable[..., Warmup], plain: Interpreter) -> None:
    error = failure(attempt, "import os; os.kill(os.getpid(), 11)", plain, ScriptError)
    assert "was killed by SIGSEGV" in error.what


def test_a_replay_that_launches_nothing_proves_nothing(plain: Interpreter, tmp_path: Path) -> None:
    warm(script("without_torch.py"), "cuda:90", tmp_path / "cache", plain)
    with pytest.raises(TcvError, match="Nothing is proved for cuda:90") as caught:
        prove(written(tmp_path, "import triton"), "cuda:90", tmp_path / "cache", plain)
    assert caught.value.exit_code == 7
