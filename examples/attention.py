"""Warm up a flash-attention-like kernel: one pass over keys and values, softmax kept online."""

import torch
import triton
import triton.language as tl


@triton.autotune(
    configs=[
        triton.Config({"BLOCK_M": m, "BLOCK_N": n}, num_warps=w, num_stages=s)
        for m, n, w, s in ((128, 64, 4, 3), (128, 128, 8, 2), (64, 64, 4, 2))
    ],
    key=["length", "HEAD"],
)
@triton.jit
def attention_kernel(
    q_ptr,
    k_ptr,
    v_ptr,
    out_ptr,
    scale,
    length,
    HEAD: tl.constexpr,
    CAUSAL: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
):
    start, head = tl.program_id(0) * BLOCK_M, tl.program_id(1) * length * HEAD
    rows, columns, width = start + tl.arange(0, BLOCK_M), tl.arange(0, BLOCK_N), tl.arange(0, HEAD)
    q = tl.load(q_ptr + head + rows[:, None] * HEAD + width[None, :])
    best = tl.full((BLOCK_M,), -float("inf"), tl.float32)
    total = tl.zeros((BLOCK_M,), tl.float32)
    out = tl.zeros((BLOCK_M, HEAD), tl.float32)
    end = start + BLOCK_M if CAUSAL else length
    for at in range(0, end, BLOCK_N):
        k = tl.load(k_ptr + head + (at + columns)[None, :] * HEAD + width[:, None])
        scores = tl.dot(q, k) * scale
        if CAUSAL:
            scores = tl.where(rows[:, None] >= (at + columns)[None, :], scores, -float("inf"))
        higher = tl.maximum(best, tl.max(scores, 1))
        weights = tl.exp2(scores - higher[:, None])
        shrink = tl.exp2(best - higher)
        v = tl.load(v_ptr + head + (at + columns)[:, None] * HEAD + width[None, :])
        out = out * shrink[:, None] + tl.dot(weights.to(v.dtype), v)
        total = total * shrink + tl.sum(weights, 1)
        best = higher
    out = out / total[:, None]
    tl.store(
        out_ptr + head + rows[:, None] * HEAD + width[None, :], out.to(out_ptr.dtype.element_ty)
    )


def main():
    heads, length = 8, 1024
    for head in (64, 128):
        q = torch.randn(heads, length, head, device="cuda", dtype=torch.float16)
        out = torch.empty_like(q)
        for causal in (False, True):
            attention_kernel[lambda meta: (triton.cdiv(length, meta["BLOCK_M"]), heads)](
                q, q, q, out, 1.44269504 / head**0.5, length, HEAD=head, CAUSAL=causal
            )


if __name__ == "__main__":
    main()
