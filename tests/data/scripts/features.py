"""Launches kernels in every way that people do; each kernel's name says which."""

import multiprocessing
import subprocess
import sys
import threading

import torch
import triton
import triton.language as tl

LENGTH = 4096


@triton.jit
def scale_kernel(x_ptr, out_ptr, length, factor, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = offsets < length
    tl.store(out_ptr + offsets, tl.load(x_ptr + offsets, mask=inside) * factor, mask=inside)


def scale(x, factor=2.0, block=1024):
    out = torch.empty_like(x)
    scale_kernel[(triton.cdiv(x.numel(), block),)](x, out, x.numel(), factor, BLOCK=block)
    return out


@triton.autotune(
    configs=[triton.Config({"BLOCK": block}, num_warps=warps) for block, warps in ((128, 2), (256, 4))],
    key=["length"],
    restore_value=["x_ptr"],
)
@triton.jit
def restored_kernel(x_ptr, length, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = offsets < length
    tl.store(x_ptr + offsets, tl.load(x_ptr + offsets, mask=inside) + 1, mask=inside)


@triton.autotune(
    configs=[triton.Config({"BLOCK": block}) for block in (128, 512)],
    key=["length"],
    reset_to_zero=["sum_ptr"],
)
@triton.heuristics({"EVEN": lambda args: args["length"] % args["BLOCK"] == 0})
@triton.jit
def heuristic_kernel(x_ptr, sum_ptr, length, EVEN: tl.constexpr, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    if EVEN:
        x = tl.load(x_ptr + offsets)
    else:
        x = tl.load(x_ptr + offsets, mask=offsets < length, other=0.0)
    tl.atomic_add(sum_ptr, tl.sum(x, axis=0))


class Square(torch.autograd.Function):
    """Launches in forward and in backward."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return scale(x, factor=3.0)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        device = torch.device("cuda")
        out = torch.zeros(x.shape, device=device, dtype=x.dtype)
        scale_kernel[(1,)](gradient.contiguous(), out, x.numel(), 7, BLOCK=64)
        return out


def plain():
    device = torch.device("cuda", torch.cuda.current_device())
    x = torch.randn(LENGTH, device=device)
    assert x.is_cuda
    assert x.device.type == "cuda"
    scale(x)
    scale(x, factor=1)  # an int that Triton specializes
    scale(x, factor=16)
    scale(x, factor=3)
    scale(x.double())
    scale(x[1:])  # not aligned to 16 bytes
    scale(x[4:])
    scale(x.half()[1:])
    scale(x.to(torch.float8_e5m2).view(torch.int8))
    scale(torch.arange(LENGTH, device="cuda"))


def tuned():
    x = torch.randn(LENGTH, device="cuda")
    total = torch.zeros(1, device="cuda")
    grid = lambda meta: (triton.cdiv(LENGTH, meta["BLOCK"]),)  # noqa: E731
    restored_kernel[grid](x, LENGTH)
    heuristic_kernel[grid](x, total, LENGTH)
    heuristic_kernel[grid](x, total, LENGTH - 1)


def warmed():
    scale_kernel.warmup(torch.bfloat16, torch.bfloat16, 33, 1.5, BLOCK=32, grid=(1,))


def measured():
    x = torch.randn(LENGTH, device="cuda", dtype=torch.float16)
    triton.testing.do_bench(lambda: scale(x, block=256), warmup=1, rep=1)
    stream, start, end = torch.cuda.Stream(), torch.cuda.Event(enable_timing=True), torch.cuda.Event()
    with torch.cuda.stream(stream):
        start.record()
        scale(x, block=512)
        end.record()
    torch.cuda.synchronize()
    properties = torch.cuda.get_device_properties(0)
    assert properties.multi_processor_count > 0
    assert properties.warp_size in (32, 64)
    assert torch.cuda.get_device_capability()[0] >= 7
    torch.cuda.empty_cache()
    assert torch.cuda.max_memory_allocated() >= 0


def graphed():
    x = torch.randn(LENGTH, device="cuda")
    scale(x, block=2048)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        scale(x, block=2048)
    graph.replay()


def moved():
    module = torch.nn.Linear(64, 64).cuda().to(torch.bfloat16)
    scale(module(torch.ones(2, 64, device="cuda", dtype=torch.bfloat16)), block=128)
    x = torch.zeros(LENGTH).to("cuda", non_blocking=True).requires_grad_()
    Square.apply(x).sum().backward()
    assert x.grad is not None
    (gradient,) = torch.autograd.grad(Square.apply(x).sum(), x)
    assert gradient.is_cuda


def occupied():
    """Asks a kernel for its registers and shared memory, as Triton's own tutorial does."""
    x = torch.randn(LENGTH, device="cuda")
    kernel = scale_kernel.warmup(x, x, LENGTH, 2.5, BLOCK=4096, grid=(1,))
    kernel._init_handles()
    properties = triton.runtime.driver.active.utils.get_device_properties(0)
    assert properties["max_shared_mem"] >= kernel.metadata.shared
    assert kernel.n_regs > 0


def threaded():
    thread = threading.Thread(target=lambda: scale(torch.randn(LENGTH, device="cuda"), block=64))
    thread.start()
    thread.join()


def spawned(block):
    scale(torch.randn(LENGTH, device="cuda", dtype=torch.bfloat16), block=block)


def main():
    for ways in (plain, tuned, warmed, measured, graphed, moved, occupied, threaded):
        ways()
    process = multiprocessing.get_context("spawn").Process(target=spawned, args=(32,))
    process.start()
    process.join()
    assert process.exitcode == 0
    subprocess.run([sys.executable, __file__, "child"], check=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["child"]:
        spawned(16)
    else:
        main()
