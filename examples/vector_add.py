"""Add vectors of three types: the smallest script that fills a Triton cache.

    tcv run --dry-run --target cuda:90 --target hip:gfx942 examples/vector_add.py

With PyTorch it launches the kernel, as a program would. Without PyTorch it asks Triton to compile
the same kernel for arguments that only have a type: the entries of the cache are the same.
"""

import triton
import triton.language as tl
from triton.runtime.jit import MockTensor

try:
    import torch
except ModuleNotFoundError:
    torch = None

LENGTH = 98432


@triton.jit
def add_kernel(x_ptr, y_ptr, out_ptr, length, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = offsets < length
    x = tl.load(x_ptr + offsets, mask=inside)
    y = tl.load(y_ptr + offsets, mask=inside)
    tl.store(out_ptr + offsets, x + y, mask=inside)


def launch(dtype):
    x = torch.rand(LENGTH, device="cuda").to(getattr(torch, dtype))
    y = torch.rand(LENGTH, device="cuda").to(getattr(torch, dtype))
    out = torch.empty_like(x)
    add_kernel[(triton.cdiv(LENGTH, 1024),)](x, y, out, LENGTH, BLOCK=1024)
    return out


def compile_only(dtype):
    vector = MockTensor(getattr(tl, dtype))
    add_kernel.warmup(vector, vector, vector, LENGTH, BLOCK=1024, grid=(1,))


def main():
    for dtype in ("float32", "float16", "bfloat16"):
        if torch is None:
            compile_only(dtype)
        else:
            launch(dtype)
        print(f"added two vectors of {LENGTH} {dtype}")


if __name__ == "__main__":
    main()
