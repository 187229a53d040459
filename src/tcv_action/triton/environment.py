"""What a Triton cache key depends on besides the kernel: the interpreter, the build, the tools."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from tcv_action.errors import InputError
from tcv_action.strict_json import loads
from tcv_action.triton.target import Target

ENVIRONMENT_LIMIT = 16 * 1024
"""Bytes that the record may have: it travels as an image label, and a config must stay small."""

_AMD_TOOLS = frozenset({"ld.lld", "amd-bitcode"})
_TRUE = frozenset({"on", "true", "1"})
_FALSE = frozenset({"off", "false", "0"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The place where kernels were compiled, as Triton's key sees it.

    `triton_key` is the digest of Triton's own files, None where it cannot be had;
    `triton_key_text` is the whole text that Triton's `triton_key()` returned. `tools` maps a
    tool to its version (`ptxas` → `12.8`), and `amd-bitcode` to the folder of AMD's libraries where
    that Triton puts it into the keys (before 3.9). `variables` holds each cache-invalidating
    environment variable of that Triton: its value, or None where it was unset. `python_abi` is
    such as `cpython-312`, `host_arch` such as `x86_64`.
    """

    triton_version: str
    triton_key: str | None
    python_version: str
    python_abi: str
    host_arch: str
    torch_version: str | None = None
    tools: Mapping[str, str]
    variables: Mapping[str, str | None]
    triton_key_text: str | None = None


def to_json(environment: Environment) -> str:
    """Write the record as compact JSON, keys sorted; equal records give equal text.

    `triton_key_text` stays out: `triton_key` names it in a hundredth of the bytes.

    Raises InputError where it is longer than `ENVIRONMENT_LIMIT` bytes.
    """
    record = asdict(environment)
    del record["triton_key_text"]
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    size = len(text.encode())
    if size > ENVIRONMENT_LIMIT:
        what = f"The environment record has {size} bytes; an image carries {ENVIRONMENT_LIMIT}."
        raise InputError(
            what,
            cause="An environment variable that invalidates Triton's cache has a very long value.",
            next_step="Unset it, or shorten it.",
        )
    return text


def from_json(text: str) -> Environment:
    """Read what `to_json` wrote; fields of a newer writer are passed over.

    Raises InputError where the text is no such record.
    """
    try:
        record = _object(loads(text))
        tools, variables = _object(record["tools"]), _object(record["variables"])
        return Environment(
            triton_version=_text(record, "triton_version"),
            triton_key=_optional_text(record, "triton_key"),
            python_version=_text(record, "python_version"),
            python_abi=_text(record, "python_abi"),
            host_arch=_text(record, "host_arch"),
            torch_version=_optional_text(record, "torch_version"),
            tools={name: _text(tools, name) for name in tools},
            variables={name: _optional_text(variables, name) for name in variables},
        )
    except (ValueError, KeyError, TypeError) as error:
        what = f"The environment record {text[:80]!r} cannot be read: {error}."
        raise InputError(
            what,
            cause="Another program wrote the label, or the image was damaged.",
            next_step="Build the image again.",
        ) from error


def as_triton_reads(value: str | None) -> str | None:
    """Return the value that enters Triton's key: `1`, `on` and `True` are one, empty is unset.

    Source: Triton, include/triton/Tools/Sys/GetEnv.hpp, and get_cache_invalidating_env_vars.
    """
    if not value:
        return None
    lower = value.lower()
    return "true" if lower in _TRUE else "false" if lower in _FALSE else value


def always_compiles(variables: Mapping[str, str]) -> bool:
    """Tell whether Triton is told to compile whatever its cache holds."""
    return as_triton_reads(variables.get("TRITON_ALWAYS_COMPILE")) == "true"


def interprets(variables: Mapping[str, str]) -> bool:
    """Tell whether Triton is told to run kernels in Python, and to compile none."""
    return as_triton_reads(variables.get("TRITON_INTERPRET")) == "true"


def enters_key(tool: str, target: Target) -> bool:
    """Tell whether the tool is part of the keys of this target's kernels.

    Source: CUDABackend.hash and HIPBackend.hash, HIPOptions.hash, get_ptxas of each release.
    """
    if tool == "ptxas-blackwell":
        return target.backend == "cuda" and int(target.arch) >= 100
    if tool == "ptxas":
        return target.backend == "cuda"
    return tool not in _AMD_TOOLS or target.backend == "hip"


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        message = "it holds no object where one is expected"
        raise TypeError(message)
    return value


def _text(record: Mapping[str, object], name: str) -> str:
    value = record[name]
    if not isinstance(value, str):
        message = f"{name!r} is not a string"
        raise TypeError(message)
    return value


def _optional_text(record: Mapping[str, object], name: str) -> str | None:
    return None if record.get(name) is None else _text(record, name)
