"""What a Triton cache key depends on besides the kernel: the interpreter, the build, the tools."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The place where kernels were compiled, as Triton's key sees it.

    `triton_key` is the digest of Triton's own files, None where it cannot be had. `tools` maps a
    tool to its version (`ptxas` → `12.8`). `variables` holds each cache-invalidating environment
    variable of that Triton: its value, or None where it was unset. `python_abi` is such as
    `cpython-312`, `host_arch` such as `x86_64`.
    """

    triton_version: str
    triton_key: str | None
    python_version: str
    python_abi: str
    host_arch: str
    torch_version: str | None = None
    tools: Mapping[str, str]
    variables: Mapping[str, str | None]
