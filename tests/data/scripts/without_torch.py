"""Asks Triton for kernels without PyTorch, with arguments that have a type and no memory."""

import sys

import triton
import triton.language as tl
from triton.runtime.jit import MockTensor


@triton.jit
def add_kernel(x_ptr, y_ptr, out_ptr, length, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = offsets < length
    x = tl.load(x_ptr + offsets, mask=inside)
    tl.store(out_ptr + offsets, x + tl.load(y_ptr + offsets, mask=inside), mask=inside)


@triton.jit
def softmax_kernel(out_ptr, in_ptr, stride, columns, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * stride + tl.arange(0, BLOCK)
    inside = tl.arange(0, BLOCK) < columns
    x = tl.load(in_ptr + offsets, mask=inside, other=-float("inf")).to(tl.float32)
    e = tl.exp(x - tl.max(x, axis=0))
    tl.store(out_ptr + offsets, e / tl.sum(e, axis=0), mask=inside)


@triton.autotune(
    configs=[
        triton.Config({"BM": 64, "BN": 64, "BK": 32}, num_warps=4),
        triton.Config({"BM": 32, "BN": 64, "BK": 32}, num_warps=2),
    ],
    key=["M", "N", "K"],
)
@triton.heuristics({"EVEN": lambda args: args["K"] % args["BK"] == 0})
@triton.jit
def matmul_kernel(
    a_ptr, b_ptr, c_ptr, M, N, K,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, EVEN: tl.constexpr,
):  # fmt: skip
    rows = tl.program_id(0) * BM + tl.arange(0, BM)
    columns = tl.program_id(1) * BN + tl.arange(0, BN)
    depth = tl.arange(0, BK)
    total = tl.zeros((BM, BN), dtype=tl.float32)
    for k in range(0, K, BK):
        a = a_ptr + rows[:, None] * K + (k + depth)[None, :]
        b = b_ptr + (k + depth)[:, None] * N + columns[None, :]
        if EVEN:
            total += tl.dot(tl.load(a), tl.load(b))
        else:
            inside = k + depth < K
            total += tl.dot(
                tl.load(a, mask=inside[None, :], other=0.0),
                tl.load(b, mask=inside[:, None], other=0.0),
            )
    tl.store(c_ptr + rows[:, None] * N + columns[None, :], total.to(tl.float16))


def main():
    for dtype in (tl.float32, tl.float16):
        x = MockTensor(dtype)
        add_kernel.warmup(x, x, x, 98432, BLOCK=1024, grid=(97,))
        softmax_kernel[(64,)](x, x, 1000, 1000, BLOCK=1024)
    half = MockTensor(tl.float16)
    for depth in (128, 100):
        matmul_kernel[lambda meta: (128 // meta["BM"], 128 // meta["BN"])](
            half, half, half, 128, 128, depth
        )
    print("asked for 8 kernels", *sys.argv[1:])


if __name__ == "__main__":
    main()
