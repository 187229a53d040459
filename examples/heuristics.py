"""Warm up a kernel whose constants are chosen by heuristics from the arguments."""

import torch
import triton
import triton.language as tl


@triton.heuristics(
    {
        "EVEN": lambda arguments: arguments["length"] % arguments["BLOCK"] == 0,
        "num_warps": lambda arguments: 8 if arguments["BLOCK"] > 1024 else 4,
    }
)
@triton.jit
def scale_kernel(x_ptr, out_ptr, factor, length, BLOCK: tl.constexpr, EVEN: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + at) if EVEN else tl.load(x_ptr + at, mask=at < length)
    if EVEN:
        tl.store(out_ptr + at, x * factor)
    else:
        tl.store(out_ptr + at, x * factor, mask=at < length)


def main():
    for length in (4096, 4097, 1):
        for block in (512, 2048):
            x = torch.ones(length, device="cuda")
            scale_kernel[(triton.cdiv(length, block),)](x, x, 2.0, length, BLOCK=block)


if __name__ == "__main__":
    main()
