"""Warm up the kernels that torch.compile writes for a small model; this needs the GPU itself."""

import torch


def main():
    model = torch.nn.Sequential(
        torch.nn.Linear(256, 512),
        torch.nn.GELU(),
        torch.nn.LayerNorm(512),
        torch.nn.Linear(512, 64),
    ).cuda()
    compiled = torch.compile(model)
    with torch.no_grad():
        for batch in (32, 64):
            compiled(torch.ones(batch, 256, device="cuda"))
    torch.cuda.synchronize()


if __name__ == "__main__":
    main()
