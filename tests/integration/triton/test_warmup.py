"""Filling caches for GPUs that are not there, and proving them in another folder."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.integration.triton.conftest import (
    SCRIPTS,
    SUITE,
    here,
    move,
    prove,
    script,
    warm,
    written,
)
from tests.services import interpreters

from tcv_action.errors import InputError, WarmupError
from tcv_action.triton.interpreter import Interpreter
from tcv_action.triton.reader import read_cache
from tcv_action.triton.script import Script
from tcv_action.triton.target import Target
from tcv_action.triton.warmup import Warmup, warm_up_all

pytestmark = pytest.mark.triton

TARGETS = ("cuda:80", "cuda:90", "cuda:100", "hip:gfx90a", "hip:gfx942")
EXAMPLE = Script(
    argv=("examples/vector_add.py",), cwd=Path(__file__).resolve().parents[3], environment={}
)


@pytest.fixture(scope="module")
def suite(
    python_with_torch: interpreters.Interpreter, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Warmup]]:
    """Give the suite's caches for five targets, warmed up two at a time."""
    root = tmp_path_factory.mktemp("suite")
    folders = {Target.parse(target): root / target.replace(":", "-") for target in TARGETS}
    warmups = warm_up_all(
        script(str(SUITE)),
        folders,
        interpreter=here(python_with_torch.path),
        timeout=300,
        on_output=lambda _target, _line: None,
        workers=2,
    )
    yield {str(warmup.target): warmup for warmup in warmups}
    shutil.rmtree(root)


@pytest.mark.parametrize("target", TARGETS)
def test_a_real_suite_is_compiled_whole_and_hits_in_another_folder(
    target: str, suite: dict[str, Warmup], torch_here: Interpreter, tmp_path: Path
) -> None:
    warmup = suite[target]
    cache = read_cache(warmup.cache_dir)
    assert warmup.mode == "compile-only"
    assert len(warmup.requests) == 31
    assert not any(request.hit for request in warmup.requests)
    assert {request.hash for request in warmup.requests} == {entry.hash for entry in cache.entries}
    assert {request.target for request in warmup.requests} == {target}
    assert {str(entry.target) for entry in cache.entries} == {target}
    assert 0 < warmup.compile_seconds < warmup.seconds

    moved = tmp_path / "moved"
    shutil.copytree(warmup.cache_dir, tmp_path / "copy")
    proof = prove(script(str(SUITE)), target, move(tmp_path / "copy", moved), torch_here)
    assert (proof.hits, proof.total, proof.misses) == (31, 31, ())


def test_a_replay_changes_nothing_and_counts_what_is_not_there(
    suite: dict[str, Warmup], torch_here: Interpreter, tmp_path: Path
) -> None:
    warmup = suite["cuda:90"]
    folder = tmp_path / "cache"
    shutil.copytree(warmup.cache_dir, folder)
    move(folder, tmp_path / "moved")
    folder = tmp_path / "moved"
    gone = [entry for entry in read_cache(folder).entries if entry.name == "add_kernel"][:2]
    for entry in gone:
        shutil.rmtree(folder / entry.key)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    folder.chmod(0o555)
    proof = prove(script(str(SUITE)), "cuda:90", folder, torch_here)
    assert (proof.hits, proof.total) == (29, 31)
    assert {request.hash for request in proof.misses} == {entry.hash for entry in gone}
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_another_arch_and_unmoved_group_files_do_not_hit(
    torch_here: Interpreter, tmp_path: Path
) -> None:
    what = script("without_torch.py")
    warm(what, "cuda:90", tmp_path / "cache", torch_here)
    assert prove(what, "cuda:80", tmp_path / "cache", torch_here).hits == 0
    shutil.copytree(tmp_path / "cache", tmp_path / "copy")
    copied = prove(what, "cuda:90", tmp_path / "copy", torch_here)
    assert copied.hits == 0
    assert copied.misplaced == {request.hash for request in copied.misses}
    (tmp_path / "cache").rename(tmp_path / "renamed")
    assert prove(what, "cuda:90", tmp_path / "renamed", torch_here).hits == 0


def test_every_way_to_launch_is_compiled(torch_here: Interpreter, tmp_path: Path) -> None:
    what = script("features.py")
    warmup = warm(what, "cuda:90", tmp_path / "cache", torch_here)
    # The same 26 keys came from this script on an NVIDIA H100.
    assert len({request.hash for request in warmup.requests}) == len(warmup.requests) == 26
    scales = [request for request in warmup.requests if request.name == "scale_kernel"]
    blocks = {request.constants["BLOCK"] for request in scales}
    assert blocks == {16, 32, 64, 128, 256, 512, 1024, 2048, 4096}
    proof = prove(what, "cuda:90", move(tmp_path / "cache", tmp_path / "moved"), torch_here)
    assert proof.hits == proof.total == 26


@pytest.mark.parametrize("arguments", [(), ("op",)], ids=["functions", "triton_op"])
def test_pytorch_around_the_kernels_behaves_as_on_a_gpu(
    arguments: tuple[str, ...], torch_here: Interpreter, tmp_path: Path
) -> None:
    warmup = warm(script("models.py", *arguments), "cuda:90", tmp_path / "cache", torch_here)
    scales = [(request.signature["x_ptr"], request.constants) for request in warmup.requests]
    assert scales == [
        ("*fp16", {"BLOCK": 1024}),
        ("*bf16", {"BLOCK": 1024}),
        ("*fp32", {"BLOCK": 128}),
        ("*fp32", {"BLOCK": 256}),
        ("*fp32", {"BLOCK": 512}),
    ]


@pytest.mark.parametrize(
    ("target", "always"), [("cuda:90", {}), ("hip:gfx942", {"tt.pointer_range": 32})]
)
def test_misaligned_views_and_integers_get_their_real_specialization(
    target: str, always: dict[str, int], torch_here: Interpreter, tmp_path: Path
) -> None:
    code = """
import sys; sys.path.insert(0, %r)
import torch
from features import scale
x = torch.ones(64, device="cuda", dtype=torch.float16)
for start, factor in ((0, 1), (1, 16), (8, 5)):
    scale(x[start:], factor=factor)
"""
    warmup = warm(written(tmp_path, code % str(SCRIPTS)), target, tmp_path / "c", torch_here)
    first, second, third = (request.attributes for request in warmup.requests)
    assert (first["x_ptr"], third["x_ptr"]) == ({"tt.divisibility": 16, **always},) * 2
    assert second["x_ptr"] == always
    assert [request.signature["factor"] for request in warmup.requests] == [
        "constexpr",
        "i32",
        "i32",
    ]
    assert second["factor"] == {"tt.divisibility": 16}
    assert third["factor"] == {}


@pytest.mark.parametrize("target", ["cuda:90", "hip:gfx942"])
def test_the_example_asks_for_the_same_kernels_with_and_without_pytorch(
    target: str, torch_here: Interpreter, triton_here: Interpreter, tmp_path: Path
) -> None:
    with_torch = warm(EXAMPLE, target, tmp_path / "a", torch_here)
    without = warm(EXAMPLE, target, tmp_path / "b", triton_here)
    specializations = [
        [(request.name, request.signature, request.attributes) for request in warmup.requests]
        for warmup in (with_torch, without)
    ]
    assert specializations[0] == specializations[1]
    assert prove(EXAMPLE, target, tmp_path / "b", triton_here).hits == 3
    if without.environment.python_version == with_torch.environment.python_version:
        moved = move(tmp_path / "b", tmp_path / "moved")
        hits = prove(EXAMPLE, target, moved, torch_here).hits
        # AMD's keys hold the place of its libraries, which another environment has elsewhere.
        assert hits == (3 if target == "cuda:90" else 0)


def test_the_record_tells_what_was_compiled_and_where(
    triton_here: Interpreter, tmp_path: Path
) -> None:
    warmup = warm(script("without_torch.py"), "cuda:90", tmp_path / "cache", triton_here)
    add = warmup.requests[0]
    assert add.name == "add_kernel"
    assert add.source == f"{SCRIPTS / 'without_torch.py'}:10"
    assert add.signature["x_ptr"] == "*fp32"
    assert add.constants == {"BLOCK": 1024}
    assert add.options["num_warps"] == 4
    assert add.source_hash
    assert {"ttir", "ttgir", "llir", "ptx", "cubin"} <= add.seconds.keys()
    matmul = [request for request in warmup.requests if request.name == "matmul_kernel"]
    assert {(request.constants["BM"], request.constants["EVEN"]) for request in matmul} == {
        (64, True),
        (64, False),
        (32, True),
        (32, False),
    }
    environment, gpu = triton_here.describe()
    assert gpu is None
    assert warmup.environment == environment
    assert environment.triton_version == "3.6.0"
    assert environment.tools["ptxas"].startswith("12.8")
    assert environment.variables["TRITON_DISABLE_LINE_INFO"] is None


def test_a_variable_of_the_key_is_told_as_triton_reads_it(
    triton_here: Interpreter, tmp_path: Path
) -> None:
    what = Script(
        argv=("without_torch.py",), cwd=SCRIPTS, environment={"TRITON_DISABLE_LINE_INFO": "1"}
    )
    warmup = warm(what, "cuda:90", tmp_path / "cache", triton_here)
    assert warmup.environment.variables["TRITON_DISABLE_LINE_INFO"] == "true"
    assert prove(script("without_torch.py"), "cuda:90", tmp_path / "cache", triton_here).hits == 0


def test_a_listener_of_the_scripts_own_is_heard_too(
    triton_here: Interpreter, tmp_path: Path
) -> None:
    code = """
import runpy, sys
from triton import knobs
heard = []
knobs.compilation.listener = lambda **report: heard.append(report["cache_hit"])
runpy.run_path(sys.argv[1], run_name="__main__")
assert heard == [False] * 8, heard
"""
    what = written(tmp_path, code)
    what = Script(argv=(*what.argv, str(SCRIPTS / "without_torch.py")), cwd=tmp_path)
    assert len(warm(what, "cuda:90", tmp_path / "cache", triton_here).requests) == 8


@pytest.mark.parametrize(
    "what",
    [
        Script(argv=("-m", "without_torch", "as", "a", "module"), cwd=SCRIPTS),
        Script(argv=("sh", "-c", "python without_torch.py"), cwd=SCRIPTS, is_command=True),
    ],
    ids=["module", "command line"],
)
def test_modules_and_command_lines_are_watched(
    what: Script, triton_here: Interpreter, tmp_path: Path
) -> None:
    warmup = warm(what, "cuda:90", tmp_path / "cache", triton_here)
    assert len(warmup.requests) == 8


def test_the_script_keeps_its_arguments_its_site_and_its_place(
    triton_here: Interpreter, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text("import os; os.environ['THEIR_SITE'] = '1'\n")
    code = """
import os, runpy, sys
assert sys.argv[1:] == ["--a", "b c"], sys.argv
assert os.environ["THEIR_SITE"] == "1"
assert os.environ["EXTRA"] == "yes"
assert os.getcwd() == %r
assert __name__ == "__main__" and __file__.endswith("script.py")
sys.argv[1:] = []
runpy.run_path(%r, run_name="__main__")
"""
    what = written(tmp_path, code % (str(tmp_path), str(SCRIPTS / "without_torch.py")))
    what = Script(
        argv=(*what.argv, "--a", "b c"),
        cwd=tmp_path,
        environment={"EXTRA": "yes", "PYTHONPATH": str(site)},
    )
    assert len(warm(what, "cuda:90", tmp_path / "cache", triton_here).requests) == 8


@pytest.mark.parametrize(
    "choice",
    ["knobs.cache.dir = sys.argv[1]", "os.environ['TRITON_CACHE_DIR'] = sys.argv[1]"],
    ids=["knob", "variable"],
)
def test_a_cache_folder_of_the_scripts_own_is_not_taken(
    choice: str, triton_here: Interpreter, tmp_path: Path
) -> None:
    code = f"""
import os, runpy, sys
from triton import knobs
{choice}
runpy.run_path({str(SCRIPTS / "without_torch.py")!r}, run_name="__main__")
"""
    what = written(tmp_path, code)
    what = Script(argv=(*what.argv, str(tmp_path / "theirs")), cwd=tmp_path)
    assert len(warm(what, "cuda:90", tmp_path / "cache", triton_here).requests) == 8
    assert not (tmp_path / "theirs").exists()
    (tmp_path / "moved").mkdir()
    (tmp_path / "cache").rename(tmp_path / "moved" / "cache")
    assert prove(what, "cuda:90", tmp_path / "moved" / "cache", triton_here).hits == 0


def test_entries_that_a_manager_of_the_scripts_own_keeps_are_missed(
    triton_here: Interpreter, tmp_path: Path
) -> None:
    code = """
import runpy, sys
from triton import knobs
from triton.runtime.cache import FileCacheManager

class Manager(FileCacheManager):
    def __init__(self, key, override=False, dump=False):
        super().__init__(key, override, dump)
        self.cache_dir = sys.argv[1]
        self.key = "theirs"

knobs.cache.manager_class = Manager
runpy.run_path(%r, run_name="__main__")
"""
    what = written(tmp_path, code % str(SCRIPTS / "without_torch.py"))
    what = Script(argv=(*what.argv, str(tmp_path / "theirs")), cwd=tmp_path)
    (tmp_path / "theirs").mkdir()
    with pytest.raises(WarmupError, match="left kernels out of its cache folder: add_kernel"):
        warm(what, "cuda:90", tmp_path / "cache", triton_here)


def test_what_autograd_calls_back_believes_in_the_gpu(
    torch_here: Interpreter, tmp_path: Path
) -> None:
    code = """
import sys; sys.path.insert(0, %r)
import torch
from torch.utils.checkpoint import checkpoint
from features import scale

def layer(x, factor):
    out = torch.empty(x.shape, device="cuda")
    assert x.is_cuda and out.is_cuda
    scale(x, factor=factor)
    return x * out

def hook(gradient):
    assert gradient.is_cuda
    scale(gradient, factor=16)

x = torch.ones(64, device="cuda", requires_grad=True)
y = checkpoint(layer, x, 7, use_reentrant=False)
y.register_hook(hook)
y.sum().backward()
"""
    warmup = warm(written(tmp_path, code % str(SCRIPTS)), "cuda:90", tmp_path / "c", torch_here)
    assert [request.attributes["factor"] for request in warmup.requests] == [
        {},
        {"tt.divisibility": 16},
    ]


def test_tensors_have_addresses_strides_and_devices_as_on_the_gpu(
    torch_here: Interpreter, tmp_path: Path
) -> None:
    code = """
import torch
import torch.nn.functional as F

x, y = torch.ones(2, 64, device="cuda"), torch.ones(64, device=0)
assert x.data_ptr() == x[:1].data_ptr() != y.data_ptr() > 1 << 32
assert x[0, 1:].data_ptr() - x.data_ptr() == 4
assert torch.device(0) == torch.device("cuda", 0) == torch.nn.Linear(2, 2).to(0).weight.device
assert x.type() == "torch.cuda.FloatTensor"
x.record_stream(torch.cuda.current_stream())
assert isinstance(torch.cuda.current_stream(), torch.cuda.Stream)
assert torch.cuda.memory_stats()["allocated_bytes.all.peak"] == 0
assert y.data_ptr() // 512 * 512 == y.data_ptr()

image = torch.ones(2, 3, 8, 8, device="cuda").to(memory_format=torch.channels_last)
weight = torch.ones(4, 3, 3, 3, device="cuda")
assert F.conv2d(image, weight).is_contiguous(memory_format=torch.channels_last)
assert F.conv2d(image.contiguous(), weight).is_contiguous()
heads = torch.ones(2, 5, 4, 16, device="cuda").transpose(1, 2)
attended = F.scaled_dot_product_attention(heads, heads, heads)
assert attended.shape == heads.shape and attended.stride() == heads.stride()

for alike in (dict(disable=True), dict(backend="eager")):
    assert torch.compile(torch.sin, **alike)(x).is_cuda
model = torch.nn.Linear(64, 64).cuda()
compiled = torch.compile(model)
assert compiled.weight is model.weight and model(x).is_cuda
try:
    x + torch.ones(64)
except RuntimeError as error:
    assert "meta" not in str(error) and "cuda:0" in str(error)
else:
    raise AssertionError

import runpy
runpy.run_path(%r, run_name="__main__")
"""
    what = written(tmp_path, code % str(SCRIPTS / "without_torch.py"))
    assert len(warm(what, "cuda:90", tmp_path / "cache", torch_here).requests) == 8


def test_amds_driver_tells_what_the_softmax_of_tritons_tutorial_asks(
    triton_here: Interpreter, tmp_path: Path
) -> None:
    code = """
import runpy
from triton.runtime import driver
properties = driver.active.utils.get_device_properties(0)
assert (properties["max_threads_per_sm"], properties["arch"]) == (2048, "gfx942")
runpy.run_path(%r, run_name="__main__")
"""
    what = written(tmp_path, code % str(SCRIPTS / "without_torch.py"))
    assert len(warm(what, "hip:gfx942", tmp_path / "cache", triton_here).requests) == 8


def test_a_fresh_checkout_compiles_the_same_bytes(triton_here: Interpreter, tmp_path: Path) -> None:
    what = written(tmp_path, (SCRIPTS / "without_torch.py").read_text())
    for name, changed in (("first", 1_000_000_000), ("second", 1_200_000_000)):
        os.utime(tmp_path / "script.py", (changed, changed))
        warm(what, "cuda:90", tmp_path / name, triton_here)
    first, second = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in cubins}
        for name in ("first", "second")
        for cubins in [(tmp_path / name).rglob("*.cubin")]
    )
    assert len(first) == 8
    assert first == second


def test_a_script_that_looks_for_triton_before_it_imports_it_is_watched(
    triton_here: Interpreter, tmp_path: Path
) -> None:
    code = """
import importlib.util, runpy
assert importlib.util.find_spec("triton")
runpy.run_path(%r, run_name="__main__")
"""
    what = written(tmp_path, code % str(SCRIPTS / "without_torch.py"))
    assert len(warm(what, "cuda:90", tmp_path / "cache", triton_here).requests) == 8


def test_a_process_that_gets_the_modules_path_as_its_pythonpath_is_watched(
    triton_here: Interpreter, tmp_path: Path
) -> None:
    # As PyTorch starts the processes in which Inductor's kernels are compiled.
    code = """
import os, subprocess, sys
subprocess.run(
    [sys.executable, %r], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, check=True
)
"""
    what = written(tmp_path, code % str(SCRIPTS / "without_torch.py"))
    assert len(warm(what, "cuda:90", tmp_path / "cache", triton_here).requests) == 8


def test_kernels_of_pytorchs_compile_workers_are_watched(
    torch_here: Interpreter, tmp_path: Path
) -> None:
    code = """
import sys; sys.path.insert(0, %r)
from without_torch import main
from torch._inductor.compile_worker.subproc_pool import SubprocPool

if __name__ == "__main__":
    pool = SubprocPool(2)
    pool.submit(main).result()
    pool.shutdown()
"""
    what = written(tmp_path, code % str(SCRIPTS))
    assert len(warm(what, "cuda:90", tmp_path / "cache", torch_here).requests) == 8


def test_a_cache_folder_with_something_in_it_is_refused(
    triton_here: Interpreter, tmp_path: Path
) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(InputError, match="is not empty"):
        warm(script("without_torch.py"), "cuda:90", tmp_path, triton_here)
    assert os.listdir(tmp_path) == ["mine"]  # noqa: PTH208


def test_every_configuration_is_compiled_also_where_an_earlier_launch_chose(
    triton_here: Interpreter, tmp_path: Path
) -> None:
    code = """
import triton
import triton.language as tl
from triton.runtime.jit import MockTensor

@triton.autotune([triton.Config({"BLOCK": block}) for block in (32, 64)], key=["length"])
@triton.jit
def kernel(x_ptr, length, MORE: tl.constexpr, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(x_ptr + offsets, tl.load(x_ptr + offsets) + MORE)

for more in (1, 2):
    for _ in range(2):
        kernel[(4,)](MockTensor(tl.float32), 256, MORE=more)
"""
    warmup = warm(written(tmp_path, code), "cuda:90", tmp_path / "cache", triton_here)
    made = [(request.constants["MORE"], request.constants["BLOCK"]) for request in warmup.requests]
    assert made == [(1, 32), (1, 64), (2, 32), (2, 64)]


def test_a_kernel_that_differs_from_run_to_run_is_named(
    triton_here: Interpreter, tmp_path: Path
) -> None:
    code = """
import os, triton
import triton.language as tl
from triton.runtime.jit import MockTensor

@triton.jit
def steady_kernel(x_ptr, VALUE: tl.constexpr):
    tl.store(x_ptr, VALUE)

@triton.jit
def fickle_kernel(x_ptr, VALUE: tl.constexpr):
    tl.store(x_ptr, VALUE)

for kernel, value in ((steady_kernel, 3), (fickle_kernel, os.getpid())):
    kernel[(1,)](MockTensor(tl.int32), VALUE=value)
"""
    what = written(tmp_path, code)
    warm(what, "cuda:90", tmp_path / "cache", triton_here)
    proof = prove(what, "cuda:90", tmp_path / "cache", triton_here)
    assert (proof.hits, proof.total) == (1, 2)
    (miss,) = proof.misses
    assert (miss.name, miss.source) == ("fickle_kernel", f"{tmp_path / 'script.py'}:10")


def test_autotuning_results_are_not_kept_where_nothing_was_measured(
    triton_here: Interpreter, tmp_path: Path
) -> None:
    what = Script(
        argv=("without_torch.py",), cwd=SCRIPTS, environment={"TRITON_CACHE_AUTOTUNING": "1"}
    )
    warmup = warm(what, "cuda:90", tmp_path / "cache", triton_here)
    assert len(warmup.requests) == 8
    assert not list((tmp_path / "cache").rglob("*.autotune.json"))


REDIRECTING = """
import os, sys
os.environ["TRITON_CACHE_DIR"] = os.path.join(os.getcwd(), "elsewhere")
import runpy
runpy.run_path(sys.argv[1], run_name="__main__")
assert os.environ["TRITON_CACHE_DIR"].endswith("elsewhere")
"""


def test_entries_are_kept_where_a_framework_points_the_cache_elsewhere(
    torch_here: Interpreter, tmp_path: Path
) -> None:
    what = written(tmp_path, REDIRECTING)
    what = replace(what, argv=(*what.argv, str(SCRIPTS / "without_torch.py")), cwd=tmp_path)
    warmup = warm(what, "cuda:90", tmp_path / "cache", torch_here)
    assert len(read_cache(warmup.cache_dir).entries) == len(warmup.requests)
    assert not (tmp_path / "elsewhere").exists()
    proof = prove(what, "cuda:90", move(warmup.cache_dir, tmp_path / "moved"), torch_here)
    assert proof.hits == proof.total == len(warmup.requests)
