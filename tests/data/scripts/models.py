"""Uses PyTorch around kernels as models and libraries do, on a GPU that is not there."""

import sys

import torch
import torch.nn.functional as F
from features import scale

assert torch.cuda.is_available()
assert torch.cuda.device_count() == 1

# Devices in every spelling.
for device in ("cuda", "cuda:0", 0, torch.device("cuda"), torch.device("cuda", 0)):
    x = torch.zeros(8, 64, device=device)
    assert x.is_cuda, device
    assert x.device == torch.device("cuda", 0), x.device
    assert torch.ones(3).to(device).is_cuda
assert torch.ones(3).cuda(0).get_device() == 0
assert x.new_zeros(3).is_cuda
assert torch.empty_like(x, pin_memory=False).is_cuda
assert not torch.ones(3).is_cuda
assert torch.ones(3, pin_memory=True).pin_memory().tolist() == [1.0] * 3
with torch.device("cuda"):
    assert torch.ones(3).is_cuda
torch.set_default_device("cuda")
assert torch.ones(3).is_cuda
torch.set_default_device("cpu")
if hasattr(torch, "accelerator"):
    assert torch.accelerator.is_available()
    assert torch.accelerator.current_accelerator().type == "cuda"
    torch.accelerator.synchronize()

# Contexts, streams, numbers.
with torch.cuda.device(x.device.index), torch.cuda.stream(torch.cuda.current_stream()):
    assert torch.cuda.current_stream().cuda_stream == 0
torch.cuda.nvtx.range_push("here")
torch.cuda.nvtx.range_pop()
torch.manual_seed(3)
torch.cuda.manual_seed_all(3)
free, total = torch.cuda.mem_get_info()
assert 0 < free <= total
start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
start.record()
end.record()
assert start.elapsed_time(end) > 0
assert (torch.version.cuda is None) != (torch.version.hip is None)
print(x, f"{x.sum()}")

# A model, its gradients and an optimizer.
model = torch.nn.Sequential(
    torch.nn.Embedding(100, 64), torch.nn.LayerNorm(64), torch.nn.Linear(64, 32), torch.nn.GELU()
).to(device="cuda", dtype=torch.bfloat16)
optimizer = torch.optim.AdamW(model.parameters())
tokens = torch.randint(0, 100, (2, 16), device="cuda")
out = model(tokens)
assert out.dtype == torch.bfloat16
loss = F.cross_entropy(out.float().flatten(0, 1), tokens.flatten() % 32)
loss.backward()
assert model[2].weight.grad.is_cuda
optimizer.step()
optimizer.zero_grad()
q = torch.randn(1, 2, 16, 64, device="cuda", dtype=torch.float16)
attention = F.scaled_dot_product_attention(q, q, q, is_causal=True)
image = F.conv2d(torch.randn(1, 3, 8, 8, device="cuda"), torch.randn(4, 3, 3, 3, device="cuda"))
assert image.shape == (1, 4, 6, 6)
scale(attention)
scale(out.detach())


# Operators of the user's own, in each way to register them.
@torch.library.custom_op("tests::twice", mutates_args=())
def twice(x: torch.Tensor) -> torch.Tensor:
    assert torch.empty(1, device="cuda").is_cuda
    return scale(x, factor=2.25, block=128)


@twice.register_fake
def _(x):
    return torch.empty_like(x)


library = torch.library.Library("tests_library", "DEF")
library.define("thrice(Tensor x) -> Tensor")
library.impl("thrice", lambda x: torch.empty_like(x), "Meta")
library.impl("thrice", lambda x: scale(x, factor=3.25, block=256), "CUDA")


def many(x: torch.Tensor) -> torch.Tensor:
    return scale(x, factor=4.25, block=512)


if hasattr(torch.library, "triton_op"):
    many = torch.library.triton_op("tests::many", many, mutates_args={}) if "op" in sys.argv else many

x = torch.randn(4096, device="cuda")
assert twice(x).is_cuda
assert torch.ops.tests.twice(x).is_cuda
assert torch.ops.tests_library.thrice(x).is_cuda
many(x)
