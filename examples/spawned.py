"""Warm up kernels in processes that the script spawns, as data-parallel workers are."""

import torch
import torch.multiprocessing
import triton
import triton.language as tl


@triton.jit
def shift_kernel(x_ptr, out_ptr, length, SHIFT: tl.constexpr, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + at, tl.load(x_ptr + at, mask=at < length) + SHIFT, mask=at < length)


def work(rank):
    x = torch.ones(4096, device="cuda")
    shift_kernel[(triton.cdiv(4096, 256),)](x, x, 4096, SHIFT=rank, BLOCK=256)
    torch.cuda.synchronize()


if __name__ == "__main__":
    torch.multiprocessing.spawn(work, nprocs=2)
