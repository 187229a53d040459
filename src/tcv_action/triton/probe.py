"""Counts what a script asks of Triton's compiler, and answers for a GPU that is not there.

This one file runs inside the user's interpreter: standard library only, Python 3.8 or later,
Triton 3.0 or later, nothing of this project imported. Put on PYTHONPATH under the name
`sitecustomize`, it is loaded by the script's interpreter and by every Python process that the
script starts; run as a program, it prints the description of its interpreter as JSON.

`TCV_PROBE` holds its orders as JSON: `record`, the file that gets one JSON line for each event,
`cache`, the folder of the entries, and `target`, the GPU to answer for as `[backend, arch, warp_size]`, or null to use the machine's.
"""

from __future__ import annotations

import collections
import functools
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

ORDERS = "TCV_PROBE"

# ---- What is written down ------------------------------------------------------------------


def note(event: str, **content: Any) -> None:
    """Append one JSON line to the record; a single write, so that processes can share the file."""
    line = json.dumps({"event": event, "pid": os.getpid(), **content}, default=_plain) + "\n"
    record = os.open(_orders["record"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(record, line.encode())
    finally:
        os.close(record)


def _plain(value: Any) -> Any:
    """Return a JSON-ready stand-in for a value of Triton's: constexpr, dtype, kernel, options."""
    if hasattr(value, "value") and type(value).__name__ == "constexpr":
        return value.value
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(getattr(value, "__name__", value))


# ---- The environment, as Triton's key sees it ----------------------------------------------

# libtriton knows which variables are part of its key and tells only those that are set, so each
# name that any release knew is set for a moment to learn whether this release knows it.
_CANDIDATE_VARIABLES = """
ALLOW_LHS_TMEM_LAYOUT_CONVERSION AMDGCN_ENABLE_DUMP AMDGCN_USE_BUFFER_ATOMICS
AMDGCN_USE_BUFFER_OPS DISABLE_FAST_REDUCTION DISABLE_LLVM_OPT DISABLE_MMA_V3 DISABLE_MMA_V5
DISABLE_PTXAS_OPT ENABLE_LHS_TO_REGISTERS ENABLE_MMA_V5_ATT_PIPELINE LLVM_ENABLE_TIMING
LLVM_EXTRACT_DI_LOCAL_VARIABLES LLVM_IR_ENABLE_DUMP LLVM_PASS_PLUGIN_PATH
MLIR_DISABLE_MULTITHREADING MLIR_DUMP_PATH MLIR_ENABLE_DIAGNOSTICS MLIR_ENABLE_DUMP
MLIR_ENABLE_REMARK MLIR_ENABLE_TIMING NVPTX_ENABLE_DUMP STORE_TMEM_TO_GLOBAL_BYPASS_SMEM
TRITON_CONSAN_INIT_ALLOCATIONS TRITON_DEFAULT_FP_FUSION TRITON_DISABLE_LINE_INFO
TRITON_DISABLE_RESHAPE_ENCODING_INFERENCE TRITON_DUMP_MIR TRITON_ENABLE_ASAN
TRITON_ENABLE_EXPERIMENTAL_CONSAN TRITON_ENABLE_LLVM_DEBUG TRITON_F32_DEFAULT
TRITON_FORCE_DISABLE_FP_FUSION TRITON_HIP_GLOBAL_PREFETCH TRITON_HIP_LOCAL_PREFETCH
TRITON_HIP_STREAM_PREFETCH TRITON_HIP_USE_ASYNC_COPY TRITON_HIP_USE_BLOCK_PINGPONG
TRITON_HIP_USE_COEXEC_SCHEDULER TRITON_HIP_USE_EXPERT_SCHEDULING
TRITON_HIP_USE_IN_THREAD_TRANSPOSE TRITON_LLVM_DEBUG_ONLY TRITON_OVERRIDE_ARCH
TRITON_PARTITION_SCHEDULING_DUMP_DATA_ONLY TRITON_PARTITION_SCHEDULING_DUMP_LOOP_ONLY
TRITON_PARTITION_SCHEDULING_ENABLE_DUMP_DOT TRITON_PLUGIN_PATHS TRITON_PLUGIN_VERSION_CHECK
TRITON_PREFER_TMEM_16x256_LAYOUT TRITON_STRIP_DEBUG_INFO USE_IR_LOC USE_TTGIR_LOC
"""


def describe() -> dict[str, Any]:
    """Return what the keys of this interpreter's Triton depend on, besides the kernel.

    Raises ImportError where there is no Triton.
    """
    import hashlib
    import platform
    import sysconfig

    import triton

    key = _triton_key()
    abi = str(sysconfig.get_config_var("SOABI") or "").split("-")
    return {
        "triton_version": triton.__version__,
        "triton_key": None if key is None else hashlib.sha256(key.encode()).hexdigest(),
        "triton_key_text": key,
        "python_version": platform.python_version(),
        "python_abi": "-".join(abi[:2]),
        "host_arch": platform.machine(),
        "torch_version": _torch_version(),
        "tools": _tools(os.path.dirname(triton.__file__)),
        "variables": _variables(),
    }


def _torch_version() -> str | None:
    from importlib import metadata

    try:
        return metadata.version("torch")
    except metadata.PackageNotFoundError:
        return None


def _triton_key() -> str | None:
    import importlib

    for home in ("triton.runtime.cache", "triton.compiler.compiler"):
        key = getattr(importlib.import_module(home), "triton_key", None)
        if key is not None:
            return str(key())
    return None


def _variables() -> dict[str, str | None]:
    from triton._C.libtriton import get_cache_invalidating_env_vars as told

    values = told()
    return {name: values.get(name) for name in sorted({*_known_variables, *values})}


_known_variables: set[str] = set()


def _learn_variables() -> None:
    """Learn the names while Triton is imported: another thread might read what is set for it."""
    from triton._C.libtriton import get_cache_invalidating_env_vars as told

    unset = [name for name in _CANDIDATE_VARIABLES.split() if name not in os.environ]
    os.environ.update(dict.fromkeys(unset, "1"))
    try:
        _known_variables.update(told())
    finally:
        for name in unset:
            del os.environ[name]


def _tools(triton_folder: str) -> dict[str, str]:
    tools = _amd_tools(triton_folder)
    for name, variable in (
        ("ptxas", "TRITON_PTXAS_PATH"),
        ("ptxas-blackwell", "TRITON_PTXAS_BLACKWELL_PATH"),
    ):
        bundled = os.path.join(triton_folder, "backends", "nvidia", "bin", name)
        tools[name] = _version_of(os.environ.get(variable) or bundled)
    return {name: tools[name] for name in sorted(tools) if tools[name]}


def _amd_tools(triton_folder: str) -> dict[str, str]:
    try:
        from triton.backends.amd.compiler import HIPBackend, HIPOptions
    except ImportError:
        return {}
    tools = {}
    if hasattr(HIPBackend, "path_to_rocm_lld"):  # up to 3.4, AMD's linker is part of the key
        try:
            tools["ld.lld"] = _version_of(str(HIPBackend.path_to_rocm_lld()))
        except Exception:  # what Triton raises where there is no linker
            tools["ld.lld"] = ""
    if "file_hash" not in HIPOptions.hash.__code__.co_names:
        # Up to 3.8, the key of a HIP kernel holds the place where AMD's bitcode lies.
        tools["amd-bitcode"] = os.path.join(triton_folder, "backends", "amd", "lib")
    return tools


def _version_of(program: str) -> str:
    import subprocess

    try:
        told = subprocess.run([program, "--version"], stdout=-1, stderr=-2, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
    text = told.decode(errors="replace").strip()
    version = re.search(r"release [\d.]+, V([\d.]+)", text)
    return version.group(1) if version else text.splitlines()[0]


# ---- Requests to the compiler --------------------------------------------------------------

_described = threading.Event()
# What a compilation adds to the metadata, beside the options that were asked for.
_RESULTS = """
hash target name shared tmem_size triton_version tensordesc_meta ids global_scratch_size
global_scratch_align profile_scratch_size profile_scratch_align
"""


def _on_request(src: Any, metadata: dict[str, Any], times: Any, cache_hit: bool, **_: Any) -> None:
    if not _described.is_set():
        _described.set()
        note("environment", **describe())
    names = list(getattr(getattr(src, "fn", None), "arg_names", ()))
    target = metadata["target"]
    others = {*_RESULTS.split(), *os.environ}
    note(
        "request",
        name=metadata.get("name") or src.name,
        hash=metadata["hash"],
        hit=bool(cache_hit) and _is_kept(metadata["hash"]),
        target=":".join(str(part) for part in (target.backend, target.arch, target.warp_size)),
        source=_source(src),
        source_hash=getattr(getattr(src, "fn", None), "cache_key", ""),
        signature={_argument(key, names): str(kind) for key, kind in src.signature.items()},
        constants={
            _argument(key, names): _json_ready(value)
            for key, value in getattr(src, "constants", {}).items()
        },
        attributes=_attributes(src, names),
        options={key: _json_ready(value) for key, value in metadata.items() if key not in others},
        seconds={} if cache_hit else times,
    )


def _source(src: Any) -> str:
    kernel = getattr(src, "fn", None)
    if kernel is None:
        return f"{getattr(src, 'path', '')}:1"
    return f"{kernel.fn.__code__.co_filename}:{kernel.starting_line_number}"


def _argument(key: Any, names: list[str]) -> str:
    """Return an argument's name from what a release calls it: name, position or path."""
    if isinstance(key, tuple):
        return ".".join([_argument(key[0], names), *map(str, key[1:])])
    return names[key] if isinstance(key, int) and key < len(names) else str(key)


def _attributes(src: Any, names: list[str]) -> dict[str, dict[str, Any]]:
    attrs = getattr(src, "attrs", {})
    if isinstance(attrs, dict):
        return {
            _argument(key, names): {str(name): value for name, value in properties}
            for key, properties in attrs.items()
        }
    properties = getattr(attrs, "arg_properties", None) or {
        "tt.divisibility": getattr(attrs, "divisible_by_16", ()),
        "tt.equal_to": getattr(attrs, "equal_to_1", ()),
    }
    values = {"tt.divisibility": 16, "tt.equal_to": 1, "tt.pointer_range": 32}
    found: dict[str, dict[str, Any]] = {}
    for name, positions in properties.items():
        for position in positions:
            found.setdefault(_argument(position, names), {})[name] = values.get(name, True)
    return found


def _json_ready(value: Any) -> Any:
    try:
        return json.loads(json.dumps(value, default=_plain))
    except (TypeError, ValueError):
        return str(value)


def _stage_seconds(times: Any) -> dict[str, float]:
    stages = {name: microseconds / 1e6 for name, microseconds in times.lowering_stages}
    return {
        "frontend": times.ir_initialization / 1e6,
        **stages,
        "store": times.store_results / 1e6,
    }


def _listen(compilation: Any) -> None:
    """Hear Triton's own report of each request (3.4 and later), beside a listener of the user's."""
    theirs = {"listener": compilation.listener}

    def tell(*, times: Any, **report: Any) -> None:
        _on_request(times=_stage_seconds(times), **report)
        if theirs["listener"] is not None:
            theirs["listener"](times=times, **report)

    def replace(_: Any, listener: Any) -> None:
        theirs["listener"] = listener

    type(compilation).listener = property(lambda _: tell, replace)


def _watch_compile(triton: Any) -> None:
    """Report each request of a Triton without a listener (before 3.4).

    A request is a miss where its metadata file was written after the request began.
    """
    compile_ = triton.compiler.compiler.compile

    def compile_and_tell(*args: Any, **kwargs: Any) -> Any:
        began, clock = time.time_ns(), time.perf_counter()
        kernel = compile_(*args, **kwargs)
        seconds = {"total": time.perf_counter() - clock}
        metadata = kernel.metadata._asdict()
        hit = _written(kernel.hash, kernel.src.name) < began
        _on_request(kernel.src, {**metadata, "hash": kernel.hash}, seconds, hit)
        return kernel

    for module in (triton, triton.compiler, triton.compiler.compiler):
        module.compile = compile_and_tell


def _keep_cache_folder(triton: Any, folder: str) -> None:
    """Have Triton read and write the ordered folder, wherever the script points it to meanwhile.

    Frameworks set TRITON_CACHE_DIR to a folder of their own while they run: what is compiled then
    would be in no image, and a replay would count the hits of another cache.
    """
    manager, lock = triton.runtime.cache.FileCacheManager, threading.RLock()
    make = manager.__init__
    # A folder that the script chose in Triton's knobs (3.4 and later) wins over the variable.
    chosen = vars(triton.knobs.cache) if hasattr(triton, "knobs") else {}

    def make_there(self: Any, *args: Any, **kwargs: Any) -> None:
        with lock:
            theirs = os.environ.get("TRITON_CACHE_DIR")
            knob = {"dir": chosen.pop("dir")} if "dir" in chosen else {}
            os.environ["TRITON_CACHE_DIR"] = folder
            try:
                make(self, *args, **kwargs)
            finally:
                chosen.update(knob)
                if theirs is None:
                    del os.environ["TRITON_CACHE_DIR"]
                else:
                    os.environ["TRITON_CACHE_DIR"] = theirs

    manager.__init__ = make_there


# A file of a line table, without the time and size that may follow.
_FILE = re.compile(r'^(\s*\.file\s+\d+\s+"[^"\n]*")[ \t]*$', re.MULTILINE)


def _leave_out_times() -> None:
    """Have ptxas write the same bytes for the same kernel after each checkout.

    It writes into the line table when the script's file was changed, unless the PTX tells it. What
    Triton keeps of the PTX stays as it is.
    """
    try:
        from triton.backends.nvidia.compiler import CUDABackend
    except ImportError:
        return
    own = vars(CUDABackend)["make_cubin"]
    assemble = own.__func__ if isinstance(own, staticmethod) else own

    def make_cubin(*given: Any, **options: Any) -> Any:
        return assemble(
            *(_FILE.sub(r"\1, 1, 1", one) if isinstance(one, str) else one for one in given),
            **options,
        )

    CUDABackend.make_cubin = staticmethod(make_cubin) if assemble is not own else make_cubin


def _entry_folders(digest: str) -> list[str]:
    """List where an entry of that hash may lie: releases write the key in three ways."""
    import base64

    base32 = base64.b32encode(bytes.fromhex(digest)).decode().rstrip("=")
    base64_ = base64.urlsafe_b64encode(bytes.fromhex(digest)).decode()[:-1]
    return [os.path.join(_orders["cache"], key) for key in (base32, digest, base64_)]


def _is_kept(digest: str) -> bool:
    """Tell whether the ordered folder has the entry: a manager of the script's may keep others."""
    return any(map(os.path.isdir, _entry_folders(digest)))


def _written(digest: str, name: str) -> int:
    for folder in _entry_folders(digest):
        try:
            return os.stat(os.path.join(folder, name[:150] + ".json")).st_mtime_ns
        except OSError:
            continue
    return time.time_ns()


# ---- A GPU that is not there ---------------------------------------------------------------

# arch: name, multiprocessors, threads of one, shared memory of a block in bytes, memory in GiB,
# L2 cache in MiB.
_GPUS = {
    "70": ("Tesla V100-SXM2-32GB", 80, 2048, 98304, 32, 6),
    "75": ("Tesla T4", 40, 1024, 65536, 16, 4),
    "80": ("NVIDIA A100-SXM4-80GB", 108, 2048, 166912, 80, 40),
    "86": ("NVIDIA A10", 72, 1536, 101376, 24, 6),
    "87": ("Orin", 16, 1536, 166912, 32, 4),
    "89": ("NVIDIA L40S", 142, 1536, 101376, 48, 96),
    "90": ("NVIDIA H100 80GB HBM3", 132, 2048, 232448, 80, 50),
    "100": ("NVIDIA B200", 148, 2048, 232448, 180, 126),
    "103": ("NVIDIA B300", 148, 2048, 232448, 270, 126),
    "120": ("NVIDIA GeForce RTX 5090", 170, 1536, 101376, 32, 96),
    "121": ("NVIDIA GB10", 48, 1536, 101376, 120, 24),
    "gfx908": ("AMD Instinct MI100", 120, 2048, 65536, 32, 8),
    "gfx90a": ("AMD Instinct MI250X", 110, 2048, 65536, 64, 8),
    "gfx942": ("AMD Instinct MI300X", 304, 2048, 65536, 192, 4),
    "gfx950": ("AMD Instinct MI355X", 256, 2048, 163840, 288, 4),
    "gfx1100": ("AMD Radeon RX 7900 XTX", 48, 2048, 65536, 24, 6),
    "gfx1201": ("AMD Radeon RX 9070 XT", 32, 2048, 65536, 16, 8),
}


class Gpu:
    """The GPU that the script is compiled for: what Triton and PyTorch are told about it."""

    def __init__(self, backend: str, arch: str, warp_size: int) -> None:
        self.backend, self.arch, self.warp_size = backend, arch, warp_size
        default = (f"{backend} {arch}", 64, 2048, 65536, 16, 32)
        self.name, self.multiprocessors, self.threads, self.shared, *sizes = _GPUS.get(
            arch, default
        )
        self.memory, self.l2_cache = sizes[0] << 30, sizes[1] << 20

    @property
    def capability(self) -> tuple[int, int]:
        """Major and minor number, as torch.cuda.get_device_capability tells them."""
        # gfx942 is major 9, minor 4, stepping 2; sm_103 is major 10, minor 3.
        digits = self.arch if self.backend == "cuda" else self.arch[3:-1]
        return int(digits[:-1]), int(digits[-1], 16)

    def properties(self) -> dict[str, Any]:
        """Return what a Triton driver tells of its device, frequencies in kHz."""
        amd = {"arch": self.arch, "max_threads_per_sm": self.threads}
        return {
            **(amd if self.backend == "hip" else {}),
            "max_shared_mem": self.shared,
            "max_num_regs": 65536,
            "multiprocessor_count": self.multiprocessors,
            "warpSize": self.warp_size,
            "sm_clock_rate": 1_700_000,
            "mem_clock_rate": 2_600_000,
            "mem_bus_width": 5120,
        }


class DriverUtils:
    """The part of a Triton driver that loads kernels: nothing is loaded."""

    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu

    def get_device_properties(self, _device: int) -> dict[str, Any]:
        return self._gpu.properties()

    def load_binary(self, *_: Any) -> tuple[int, ...]:
        from triton.compiler.compiler import CompiledKernel

        loaded = (1, 1, 32, 0)  # module, function, registers, spills
        tells_threads = "n_max_threads" in CompiledKernel._init_handles.__code__.co_names
        return (*loaded, 1024) if tells_threads else loaded

    def __getattr__(self, name: str) -> Callable[..., int]:
        return lambda *_args, **_kwargs: 0


class Launcher:
    """Launches nothing: the kernel was compiled, and that is all that was wanted."""

    def __init__(self, _src: Any, _metadata: Any) -> None:
        pass

    def __call__(self, *_: Any, **__: Any) -> None:
        pass


class Driver:
    """A Triton driver for a GPU that is not there."""

    launcher_cls = Launcher

    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu
        self.utils = DriverUtils(gpu)

    def get_current_target(self) -> Any:
        from triton.backends.compiler import GPUTarget

        gpu = self._gpu
        arch = int(gpu.arch) if gpu.arch.isdigit() else gpu.arch
        return GPUTarget(gpu.backend, arch, gpu.warp_size)

    def get_current_device(self) -> int:
        return 0

    def set_current_device(self, _device: int) -> None:
        pass

    def get_current_stream(self, _device: int = 0) -> int:
        return 0

    def get_device_capability(self, _device: int = 0) -> tuple[int, int]:
        return self._gpu.capability

    def get_device_interface(self) -> Any:
        import torch

        return torch.cuda

    def get_active_torch_device(self) -> Any:
        import torch

        return torch.device("cuda", 0)

    def get_benchmarker(self) -> Callable[..., Any]:
        return call_once

    def get_empty_cache_for_benchmark(self) -> Any:
        import torch

        return torch.empty(0, dtype=torch.int, device="meta")

    def clear_cache(self, _cache: Any) -> None:
        pass

    def assemble_tensormap_to_arg(self, _descriptors: Any, args: Any) -> Any:
        return args


def call_once(call: Callable[[], Any], *_: Any, **options: Any) -> Any:
    """Stand in for triton.testing.do_bench: compile what is benchmarked, and measure nothing."""
    call()
    quantiles = options.get("quantiles")
    if quantiles is not None:
        return [1.0] * len(quantiles) if len(quantiles) > 1 else 1.0
    return [1.0] if options.get("return_mode") == "all" else 1.0


def _stand_in_for_gpu(triton: Any, gpu: Gpu) -> None:
    triton.runtime.driver.set_active(Driver(gpu))
    for module in (triton.testing, triton.runtime.autotuner):
        for name in ("do_bench", "do_bench_cudagraph"):
            if hasattr(module, name):
                setattr(module, name, call_once)
    autotuner = triton.runtime.autotuner.Autotuner
    if hasattr(autotuner, "check_disk_cache"):
        autotuner.check_disk_cache = _tune_without_results
    autotuner.run = _tune_each_launch(autotuner.run)
    _do_without_torch(triton, gpu)


def _tune_without_results(_tuner: Any, _key: Any, _configs: Any, benchmark: Any) -> bool:
    # Nothing was measured: a result kept in the cache would choose for the real GPU.
    benchmark()
    return False


def _tune_each_launch(run: Callable[..., Any]) -> Callable[..., Any]:
    """Compile every configuration for each launch, whatever an earlier one would have chosen.

    A constant may change the kernel without being in autotune's key: then the real GPU launches it
    with the configuration that it measured as the best, and nobody knows here which that is.
    """

    def tuned(tuner: Any, *args: Any, **kwargs: Any) -> Any:
        tuner.cache.clear()
        return run(tuner, *args, **kwargs)

    return tuned


def _lend_torch(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function of Triton's `import torch` where the script has imported none."""
    stand_in: Any = type(sys)("torch")
    stand_in.Tensor = type("Tensor", (), {})
    stand_in.cuda = type(sys)("torch.cuda")
    stand_in.cuda.is_available = _constant(False)

    def lent(*args: Any, **kwargs: Any) -> Any:
        if "torch" in sys.modules:
            return function(*args, **kwargs)
        sys.modules["torch"] = stand_in
        try:
            return function(*args, **kwargs)
        finally:
            del sys.modules["torch"]

    return lent


def _do_without_torch(triton: Any, gpu: Gpu) -> None:
    autotuner = triton.runtime.autotuner.Autotuner
    if "torch" in autotuner.__init__.__code__.co_names:  # up to 3.1
        autotuner.__init__ = _lend_torch(autotuner.__init__)
    if gpu.backend == "hip":
        from triton.backends.amd.compiler import HIPBackend

        # From 3.3 to 3.7 AMD's backend asks PyTorch whether an argument is a tensor.
        if hasattr(HIPBackend, "is_within_2gb") and not hasattr(HIPBackend, "_torch_available"):
            HIPBackend.is_within_2gb = staticmethod(_lend_torch(HIPBackend.is_within_2gb))


# ---- PyTorch without that GPU --------------------------------------------------------------

# A tensor on the GPU is a tensor of PyTorch's device `meta` here: shapes, strides, types and the
# address's alignment are those of the real one, and it has no values. Other tensors stay real.


class CompileOnlyError(RuntimeError):
    """The script asked for something that only a GPU can answer."""


def _refuse(what: str) -> CompileOnlyError:
    file, line = _script_line()
    note("refusal", what=what, file=file, line=line)
    return CompileOnlyError(f"{file}:{line}: {what}, which cannot be had without the GPU.")


def _script_line() -> tuple[str, int]:
    """Return where the script's own code is: the innermost frame that is in no library."""
    frame: Any = sys._getframe(1)
    while frame is not None and not _is_own(frame.f_code.co_filename):
        frame = frame.f_back
    return ("the script", 0) if frame is None else (frame.f_code.co_filename, frame.f_lineno)


_LIBRARIES = re.compile(r"[/\\](site|dist)-packages[/\\]")


def _is_own(file: str) -> bool:
    library = os.path.dirname(os.__file__)
    return not (file.startswith(("<", library)) or _LIBRARIES.search(file) or file == __file__)


class Idle:
    """Stand in for torch.cuda's streams, events, graphs and contexts: everything is done."""

    cuda_stream = cuda_event = device_index = priority = 0

    @property
    def device(self) -> Any:
        import torch

        return torch.device("cuda", 0)

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_args, **_kwargs: None

    def query(self) -> bool:
        return True

    def elapsed_time(self, _end: Any) -> float:
        return 1.0

    def record_event(self, event: Any = None) -> Any:
        return event or Idle()


def _constant(value: Any) -> Callable[..., Any]:
    return lambda *_args, **_kwargs: value


_CUDA_DOES_NOTHING = """
synchronize set_device empty_cache init _lazy_init _lazy_call ipc_collect manual_seed
manual_seed_all seed seed_all set_rng_state set_rng_state_all set_stream reset_peak_memory_stats
reset_max_memory_allocated reset_max_memory_cached reset_accumulated_memory_stats
set_per_process_memory_fraction
"""
_CUDA_ANSWERS_ZERO = """
current_device memory_allocated max_memory_allocated memory_reserved max_memory_reserved
memory_cached max_memory_cached utilization initial_seed
"""
_CUDA_IS_IDLE = """
Stream Event ExternalStream CUDAGraph graph stream device device_of StreamContext cudart
"""


def _cuda_answers(torch: Any, gpu: Gpu) -> dict[str, Any]:
    """Return what stands in `torch.cuda` in place of its own functions and classes.

    Each is an object of its own: PyTorch keeps tables of its functions.
    """
    known: dict[str, Any] = {
        **dict.fromkeys(_CUDA_DOES_NOTHING.split()),
        **dict.fromkeys(_CUDA_ANSWERS_ZERO.split(), 0),
        "is_available": True,
        "is_initialized": True,
        "device_count": 1,
        "is_current_stream_capturing": False,
        "get_device_capability": gpu.capability,
        "get_device_name": gpu.name,
        "get_device_properties": _device_properties(gpu),
        "get_arch_list": [f"sm_{gpu.arch}" if gpu.backend == "cuda" else gpu.arch],
        "is_bf16_supported": gpu.backend == "hip" or gpu.capability >= (8, 0),
        "mem_get_info": (gpu.memory, gpu.memory),
        "memory_stats": collections.defaultdict(int),
        "memory_summary": "",
        "graph_pool_handle": (0, 0),
        "can_device_access_peer": True,
    }
    idle = {name: type(name, (Idle,), {}) for name in _CUDA_IS_IDLE.split()}
    stream = idle["Stream"]()
    return {
        **{name: _constant(value) for name, value in known.items()},
        **idle,
        "current_stream": _constant(stream),
        "default_stream": _constant(stream),
        "default_generators": (torch.default_generator,),
        "make_graphed_callables": lambda callables, *_args, **_kwargs: callables,
        "get_rng_state": lambda *_args: torch.get_rng_state(),
    }


def _accelerator_answers(torch: Any) -> dict[str, Any]:
    if not hasattr(torch, "accelerator"):  # before 2.6
        return {}
    return {
        "is_available": True,
        "device_count": 1,
        "current_accelerator": torch.device("cuda"),
        "current_device_index": 0,
        "current_device_idx": 0,
        "set_device_index": None,
        "set_device_idx": None,
        "current_stream": Idle(),
        "synchronize": None,
        "memory_allocated": 0,
        "max_memory_allocated": 0,
        "memory_reserved": 0,
        "max_memory_reserved": 0,
        "memory_stats": collections.defaultdict(int),
        "empty_cache": None,
        "reset_peak_memory_stats": None,
    }


def _device_properties(gpu: Gpu) -> Any:
    from types import SimpleNamespace

    major, minor = gpu.capability
    return SimpleNamespace(
        name=gpu.name,
        major=major,
        minor=minor,
        total_memory=gpu.memory,
        multi_processor_count=gpu.multiprocessors,
        warp_size=gpu.warp_size,
        regs_per_multiprocessor=65536,
        max_threads_per_multi_processor=gpu.threads,
        max_threads_per_block=1024,
        shared_memory_per_block=49152 if gpu.backend == "cuda" else gpu.shared,
        shared_memory_per_block_optin=gpu.shared,
        shared_memory_per_multiprocessor=gpu.shared + (1024 if gpu.backend == "cuda" else 0),
        L2_cache_size=gpu.l2_cache,
        gcnArchName=gpu.arch if gpu.backend == "hip" else "",
        is_integrated=0,
        is_multi_gpu_board=0,
    )


def _stand_in_for_torch(torch: Any, gpu: Gpu) -> None:
    for name, answer in _cuda_answers(torch, gpu).items():
        setattr(torch.cuda, name, answer)
    for name in ("Stream", "Event"):
        base: Any = getattr(getattr(torch, "_streambase", None), f"_{name}Base", None)
        if hasattr(base, "register"):  # up to 2.5 an abstract class, which TorchDynamo asks about
            base.register(getattr(torch.cuda, name))
    for name in ("Stream", "Event"):
        if hasattr(torch, name):
            setattr(torch, name, getattr(torch.cuda, name))
    for name in ("range_push", "range_pop", "mark", "range_start", "range_end"):
        setattr(torch.cuda.nvtx, name, _constant(None))
    for name, value in _accelerator_answers(torch).items():
        setattr(torch.accelerator, name, _constant(value))
    version = torch.version
    version.cuda = (version.cuda or "12.8") if gpu.backend == "cuda" else None
    version.hip = (version.hip or "6.4") if gpu.backend == "hip" else None
    _redirect_defaults(torch)
    _refuse_what_cannot_be(torch)
    _redirect_calls(torch)


def _on_meta(torch: Any, device: Any) -> Any:
    """Return PyTorch's device `meta` for any way to write the GPU, and others as they are."""
    if isinstance(device, torch.device):
        return torch.device("meta") if device.type == "cuda" else device
    if isinstance(device, str):
        return "meta" if device == "cuda" or device.startswith("cuda:") else device
    is_index = isinstance(device, int) and not isinstance(device, bool)
    return "meta" if is_index else device


def _redirect_defaults(torch: Any) -> None:
    set_default_device, load, generator = torch.set_default_device, torch.load, torch.Generator

    class Generator(generator):  # type: ignore[misc, valid-type]
        def __new__(cls, device: Any = "cpu") -> Any:
            on_gpu = _on_meta(torch, device) is not device
            return super().__new__(cls, "cpu" if on_gpu else device)

    def load_(*args: Any, map_location: Any = None, **options: Any) -> Any:
        return load(*args, map_location=_on_meta(torch, map_location), **options)

    to = torch.nn.Module.to

    def to_(module: Any, *args: Any, **kwargs: Any) -> Any:
        # A number is a GPU's, which the parser of this call does not take without one.
        index = [torch.device("cuda", one) for one in args[:1] if type(one) is int]
        return to(module, *index, *args[len(index) :], **kwargs)

    torch.nn.Module.to = to_
    torch.set_default_device = lambda device: set_default_device(_on_meta(torch, device))
    torch.load, torch.Generator = load_, Generator


def _refuse_what_cannot_be(torch: Any) -> None:
    _refuse_autocast(torch)
    _refuse_inductor(torch)
    to_cpu = torch.UntypedStorage.cpu

    def cpu(storage: Any) -> Any:
        if storage.device.type == "meta":
            what = "it saves a tensor's values"
            raise _refuse(what)
        return to_cpu(storage)

    torch.UntypedStorage.cpu = cpu


def _refuse_autocast(torch: Any) -> None:
    what = "it enters torch.autocast, whose types are chosen on the GPU"
    enter, switch = torch.autocast.__enter__, torch.set_autocast_enabled

    def enter_autocast(context: Any) -> Any:
        if context._enabled and context.device == "cuda":
            raise _refuse(what)
        return enter(context)

    def set_autocast_enabled(*given: Any) -> None:
        # Without a device, as up to 2.3, it is the GPU's.
        if given[-1] and given[0] in (True, "cuda"):
            raise _refuse(what)
        switch(*given)

    torch.autocast.__enter__ = enter_autocast
    torch.set_autocast_enabled = set_autocast_enabled


def _refuse_inductor(torch: Any) -> None:
    """Refuse a call of what Inductor would compile; what it would not compile runs as it is."""

    def refuse(*_: Any, **__: Any) -> None:
        what = (
            "it calls a function that torch.compile made, and Inductor measures while it compiles"
        )
        raise _refuse(what)

    class Compiled(torch.nn.Module):  # type: ignore[misc, no-any-unimported]
        """A module that was compiled: it is what it was, and its call is refused."""

        def __init__(self, module: Any) -> None:
            super().__init__()
            self._orig_mod = module

        def __getattr__(self, name: str) -> Any:
            own = super().__getattr__("_orig_mod")
            return own if name == "_orig_mod" else getattr(own, name)

        forward = refuse

    def compile_(model: Any = None, *_: Any, **options: Any) -> Any:
        if model is None:
            return lambda function: compile_(function, **options)
        if _runs_as_it_is(options):
            return model
        if isinstance(model, torch.nn.Module):
            return Compiled(model)
        return functools.wraps(model)(lambda *_args, **_options: refuse())

    def compile_module(module: Any, *_: Any, **options: Any) -> None:
        if not _runs_as_it_is(options):
            module._compiled_call_impl = refuse

    torch.compile = compile_
    torch.nn.Module.compile = compile_module


def _runs_as_it_is(options: dict[str, Any]) -> bool:
    return (
        bool(options.get("disable"))
        or os.environ.get("TORCH_COMPILE_DISABLE") == "1"
        or options.get("backend") in ("eager", "aot_eager")
    )


def _redirect_calls(torch: Any) -> None:
    """Let each call of PyTorch, in every thread, take the device `meta` for the GPU."""
    import importlib

    function_mode: Any = importlib.import_module("torch.overrides").TorchFunctionMode
    own, laid_out = _own_answers(torch), _layouts(torch)

    class OnMeta(function_mode):  # type: ignore[misc, no-any-unimported]
        def __torch_function__(
            self, call: Any, _types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            kwargs = dict(kwargs or {})
            if call in own:
                return own[call](call, *args, **kwargs)
            if kwargs.get("device") is not None:
                kwargs["device"] = _on_meta(torch, kwargs["device"])
            if kwargs.get("pin_memory"):
                kwargs["pin_memory"] = False
            try:
                result = call(*args, **kwargs)
            except (RuntimeError, TypeError, ValueError) as error:
                seen = _as_of_a_gpu(error, call)
                if seen is error:
                    raise
                raise seen from error
            return laid_out[call](result, args, kwargs) if call in laid_out else result

    OnMeta().__enter__()
    thread = threading.Thread
    thread._bootstrap_inner = _entering(OnMeta, thread._bootstrap_inner)  # type: ignore[attr-defined]
    _enter_in_autograd(torch, OnMeta)
    _launch_in_operators(torch.library, OnMeta)


def _enter_in_autograd(torch: Any, mode: Callable[[], Any]) -> None:
    """Let also what a person registered with autograd believe in the GPU.

    PyTorch leaves a mode behind while one of its own calls, such as backward, runs.
    """
    backward, hooks = torch.autograd.function.BackwardCFunction, torch.autograd.graph
    backward.apply = _entering(mode, backward.apply)
    make = hooks.saved_tensors_hooks.__init__

    def make_entering(own: Any, pack: Any, unpack: Any) -> None:
        make(own, _entering(mode, pack), _entering(mode, unpack))

    hooks.saved_tensors_hooks.__init__ = make_entering
    for module in (torch.autograd, hooks):
        if hasattr(module, "_engine_run_backward"):  # 2.2 and later
            module._engine_run_backward = _entering(mode, module._engine_run_backward)


_NAMES_META = re.compile(r"(?<![a-z])meta(?![a-z])", re.IGNORECASE)
_SEVERAL_DEVICES = re.compile(r"same device|at least two devices|on the expected device")


def _as_of_a_gpu(error: Exception, call: Any) -> Exception:
    """Return what a failed call of PyTorch is to a script that believes in a GPU."""
    told = str(error)
    if isinstance(error, CompileOnlyError) or not _NAMES_META.search(told):
        return error
    if _SEVERAL_DEVICES.search(told):  # as it would be with a GPU
        return type(error)(_NAMES_META.sub("cuda:0", told))
    if "'Meta' backend" in told or "fake impl" in told:
        name = getattr(call, "__name__", str(call))
        return _refuse(f"it calls {name}, which PyTorch can only do on the GPU")
    return _refuse_read(call)


def _layouts(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Return what lays results out as the GPU's libraries do, where `meta` has other strides."""

    def convolved(result: Any, args: Any, kwargs: Any) -> Any:
        layout = {4: torch.channels_last, 5: torch.channels_last_3d}.get(result.dim())
        operands = (*args[:2], kwargs.get("input"), kwargs.get("weight"))
        # cuDNN takes the layout of either; AMD's library does not unless it is told to.
        if torch.version.hip or layout is None or result.device.type != "meta":
            return result
        wanted = any(
            x is not None and x.is_contiguous(memory_format=layout) and not x.is_contiguous()
            for x in operands
        )
        return result.contiguous(memory_format=layout) if wanted else result

    def attended(result: Any, args: Any, kwargs: Any) -> Any:
        query = args[0] if args else kwargs["query"]
        if result.dim() != 4 or result.device.type != "meta" or query.is_contiguous():
            return result
        turned = query.transpose(1, 2).is_contiguous()
        return result.transpose(1, 2).contiguous().transpose(1, 2) if turned else result

    names = ("conv2d", "conv3d", "conv_transpose2d", "conv_transpose3d")
    convolutions = {getattr(torch, name) for name in names}
    attention = torch.nn.functional.scaled_dot_product_attention
    return {**dict.fromkeys(convolutions, convolved), attention: attended}


def _own_answers(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Return what a tensor on the GPU says of itself, and what PyTorch without CUDA cannot do."""
    tensor = torch.Tensor
    gpu_device = torch.device("cuda", 0)
    tensor.record_stream = _constant(None)  # its parser refuses a stream of ours

    def to(call: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        if "device" in kwargs:
            kwargs["device"] = _on_meta(torch, kwargs["device"])
        try:
            return call(x, *(_on_meta(torch, value) for value in args[:1]), *args[1:], **kwargs)
        except NotImplementedError as error:
            raise _refuse_read(call) from error

    return {
        torch.device: _device,
        tensor.data_ptr: _data_ptr,
        tensor.__format__: _format,
        tensor.type: lambda call, x, *args, **kwargs: _type_of(call(x, *args, **kwargs)),
        tensor.device.__get__: lambda call, x: gpu_device if call(x).type == "meta" else call(x),
        tensor.is_cuda.__get__: lambda _call, x: x.device.type == "meta",
        tensor.is_meta.__get__: lambda _call, _x: False,
        tensor.get_device: lambda call, x: 0 if x.device.type == "meta" else call(x),
        tensor.to: to,
        tensor.numpy: _numpy,
        tensor.cuda: lambda _call, x, *_args, **_kwargs: x.to("meta"),
        tensor.pin_memory: lambda _call, x, *_args: x,
        tensor.is_pinned: lambda _call, _x, *_args: False,
    }


def _device(call: Any, *args: Any, **kwargs: Any) -> Any:
    is_index = len(args) == 1 and isinstance(args[0], int)
    return call("cuda", *args) if is_index else call(*args, **kwargs)


def _data_ptr(call: Any, x: Any) -> int:
    if x.device.type != "meta":
        return int(call(x))
    storage = x.untyped_storage()
    # An address of its own for each storage, beyond 32 bits and aligned as PyTorch aligns it.
    return int(call(x)) + (storage._cdata << 9 if storage.nbytes() else 0)


def _numpy(call: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    if x.device.type == "meta":
        raise _refuse_read(call)
    return call(x, *args, **kwargs)


def _format(call: Any, x: Any, spec: str) -> Any:
    if x.device.type == "meta" and spec:
        raise _refuse_read(call)
    return call(x, spec)


def _type_of(told: Any) -> Any:
    return told.replace("torch.meta.", "torch.cuda.") if isinstance(told, str) else told


def _refuse_read(call: Any) -> CompileOnlyError:
    name = getattr(call, "__name__", str(call))
    return _refuse(f"it reads a tensor's value ({name})")


def _entering(mode: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    def entered(*args: Any, **kwargs: Any) -> Any:
        if _is_entered(mode):  # twice, each would hide from the other what a tensor really is
            return function(*args, **kwargs)
        with mode():
            return function(*args, **kwargs)

    return entered


def _is_entered(mode: Any) -> bool:
    from torch import _C

    count = _C._len_torch_function_stack()
    return any(isinstance(_C._get_function_stack_at(place), mode) for place in range(count))


_PYTORCHS_OWN = {"aten", "prim", "prims", "rngprims", "debugprims", "quantized", "higher_order"}
_FOR_THE_GPU = {"CUDA", "CompositeExplicitAutograd"}
_FOR_ANY = {"CompositeImplicitAutograd", ""}


def _launch_in_operators(library_module: Any, mode: Callable[[], Any]) -> None:
    """Run the real kernel of an operator that a person registered, where PyTorch would fake it."""
    implement = library_module.Library.impl
    taken: set[str] = getattr(library_module, "_impls", set())
    real = set()

    def impl(library: Any, name: Any, function: Any, key: str = "", **options: Any) -> Any:
        if library.ns in _PYTORCHS_OWN or library.ns.startswith("_"):
            return implement(library, name, function, key, **options)
        meant = key or library.dispatch_key
        plain = str(getattr(name, "_name", name)).split("::")[-1]
        operator = f"{library.ns}/{plain}/Meta"
        if meant == "Meta" and operator in real:
            return None
        if meant in _FOR_THE_GPU | _FOR_ANY:
            function = _entering(mode, function)
        if meant in _FOR_THE_GPU:
            real.add(operator)
            taken.discard(operator)
            implement(library, name, function, "Meta", **options)
        return implement(library, name, function, key, **options)

    library_module.Library.impl = impl


# ---- Being there before the script is ------------------------------------------------------


class ImportWatcher:
    """Runs an action on a module when the script has imported it, and costs nothing before."""

    def __init__(self, actions: dict[str, Callable[[Any], None]]) -> None:
        self._actions = actions

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Find a watched module as the other finders do, and let its loader act on it.

        A module that is only looked for, as PyTorch looks for Triton, is watched further.
        """
        if name not in self._actions:
            return None
        spec = None
        for finder in sys.meta_path:
            if finder is not self and spec is None:
                spec = finder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_and_act(module: Any) -> None:
            execute(module)
            act = self._actions.pop(name, None)
            if act is not None:
                act(module)

        spec.loader.exec_module = execute_and_act  # type: ignore[method-assign]
        return spec


def _report_failure(kind: Any, error: Any, trace: Any, then: Any = sys.excepthook) -> None:
    file, line = getattr(error, "filename", None), getattr(error, "lineno", None)
    whole_trace = trace
    while trace is not None:
        if _is_own(trace.tb_frame.f_code.co_filename):
            file, line = trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next
    missing = getattr(error, "name", None) if issubclass(kind, ModuleNotFoundError) else None
    cause, refused = error, False
    while cause is not None and not refused:
        refused = isinstance(cause, CompileOnlyError)
        cause = cause.__cause__ or cause.__context__
    note(
        "failure",
        type=kind.__name__,
        message=str(error),
        file=str(file or ""),
        line=line or 0,
        missing=missing,
        refused=refused,
    )
    then(kind, error, whole_trace)


def _prepare_triton(triton: Any) -> None:
    _learn_variables()
    knobs = getattr(triton, "knobs", None)
    if knobs is not None and hasattr(knobs.compilation, "listener"):
        _listen(knobs.compilation)
    else:
        _watch_compile(triton)
    _keep_cache_folder(triton, _orders["cache"])
    _leave_out_times()
    if _gpu is not None:
        _stand_in_for_gpu(triton, _gpu)


def _prepare_torch(torch: Any) -> None:
    if _gpu is not None and hasattr(torch, "cuda"):
        _stand_in_for_torch(torch, _gpu)


def _give_way() -> None:
    """Load the `sitecustomize` that would have been found without us, if there is one.

    Our folder is back on sys.path afterwards: PyTorch hands sys.path on as the PYTHONPATH of the
    processes that compile for Inductor.
    """
    import importlib

    here = os.path.dirname(os.path.abspath(__file__))
    place = [os.path.abspath(folder) for folder in sys.path].index(here)
    folder = sys.path.pop(place)
    ours = sys.modules["tcv_probe"] = sys.modules.pop("sitecustomize")
    try:
        importlib.import_module("sitecustomize")
    except ImportError:
        sys.modules["sitecustomize"] = ours
    sys.path.insert(place, folder)


def _machine_gpu() -> dict[str, Any] | None:
    """Return the target that this interpreter's Triton finds on the machine, or None."""
    if not any(map(os.path.exists, ("/dev/nvidia0", "/dev/nvidiactl", "/dev/dxg", "/dev/kfd"))):
        return None
    try:
        from triton.runtime import driver

        target = driver.active.get_current_target()
    except Exception:
        return None
    return {"backend": target.backend, "arch": str(target.arch), "warp_size": target.warp_size}


def main() -> int:
    """Print what this interpreter's Triton is, and the GPU that it finds, as one JSON object."""
    try:
        _learn_variables()
        found = describe()
    except ImportError as error:
        print(json.dumps({"missing": str(error)}))  # noqa: T201
        return 1
    print(json.dumps({**found, "gpu": _machine_gpu()}))  # noqa: T201
    return 0


_orders: dict[str, Any] = json.loads(os.environ.get(ORDERS) or "{}")
_gpu = Gpu(*_orders["target"]) if _orders.get("target") else None

if __name__ == "__main__":
    sys.exit(main())
if __name__ == "sitecustomize":
    if _orders:
        sys.excepthook = _report_failure
        watcher = ImportWatcher({"triton": _prepare_triton, "torch": _prepare_torch})
        sys.meta_path.insert(0, watcher)
    _give_way()
