"""What is known of the inputs that an entry's key was computed from.

Source: triton/compiler/compiler.py (ASTSource.hash, compile) and triton/runtime/jit.py (cache_key).
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tcv_action.errors import InputError
from tcv_action.triton.cache import Cache, Entry
from tcv_action.triton.listing import read_json_file
from tcv_action.triton.metadata import parse_metadata
from tcv_action.triton.reader import metadata_names
from tcv_action.triton.request import Request

_FUNCTION = re.compile(
    r"^\s*tt\.func public @\"?(?P<name>[\w.]+)\"?\((?P<arguments>.*)$", re.MULTILINE
)
_ARGUMENT = re.compile(r"%(?P<name>\w+): (?P<type>[^ {,)]+)(?: \{(?P<attributes>[^}]*)\})?")
_ATTRIBUTE = re.compile(r"(?P<name>tt\.\w+) = (?P<value>\d+) : i32")
_TYPES = {
    "f16": "fp16",
    "f32": "fp32",
    "f64": "fp64",
    "f8E4M3FN": "fp8e4nv",
    "f8E4M3B11FNUZ": "fp8e4b15",
    "f8E4M3FNUZ": "fp8e4b8",
    "f8E5M2": "fp8e5",
    "f8E5M2FNUZ": "fp8e5b16",
}

# What a compilation adds to the metadata, or what stands elsewhere in the key.
_NO_OPTIONS = frozenset(
    [
        "hash",
        "target",
        "name",
        "shared",
        "tmem_size",
        "triton_version",
        "tensordesc_meta",
        "ids",
        "global_scratch_size",
        "global_scratch_align",
        "profile_scratch_size",
        "profile_scratch_align",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInputs:
    """The inputs of one key; what is not known is None, and then compared with nothing.

    `source` is where a person finds the kernel, `line` its first line (decorators included).
    `signature` maps arguments to types; one that is fixed at compile time reads `constexpr`, or is
    missing where `constants` is None. `attributes` and `constants` are the specialization.
    """

    name: str
    hash: str
    target: str
    source: str | None = None
    line: int | None = None
    source_hash: str | None = None
    signature: Mapping[str, str] | None = None
    attributes: Mapping[str, object] = field(default_factory=dict)
    constants: Mapping[str, object] | None = None
    options: Mapping[str, object] = field(default_factory=dict)


def of_request(request: Request) -> KeyInputs:
    """Take all that Triton reported of a request."""
    line = request.source.rpartition(":")[2]
    return KeyInputs(
        name=request.name,
        hash=request.hash,
        target=request.target,
        source=request.source,
        line=int(line) if line.isdecimal() else None,
        source_hash=request.source_hash or None,
        signature=request.signature,
        attributes=request.attributes,
        constants=request.constants,
        options=request.options,
    )


def of_entry(entry: Entry, metadata: Mapping[str, object], intermediate: str = "") -> KeyInputs:
    """Take what an entry's metadata and its first intermediate form tell.

    `intermediate` is the text of its `.source` or `.ttir`. Constants are folded there, and so is
    the line, which is that of `def` and not the first one.
    """
    match = _FUNCTION.search(intermediate)
    arguments = _ARGUMENT.finditer(match["arguments"]) if match else ()
    found = [(item["name"], item["type"], item["attributes"] or "") for item in arguments]
    return KeyInputs(
        name=entry.name,
        hash=entry.hash,
        target=str(entry.target),
        source=_place(intermediate),
        signature={name: _type(type_) for name, type_, _ in found} if match else None,
        attributes={name: _attributes(text) for name, _, text in found},
        options={name: value for name, value in metadata.items() if name not in _NO_OPTIONS},
    )


def read_key_inputs(cache: Cache, recorded: Iterable[Request] = ()) -> tuple[KeyInputs, ...]:
    """Return the inputs of each entry: as its image recorded them, else as its files tell.

    Files that cannot be read tell nothing.
    """
    requests = {request.hash: request for request in recorded}
    return tuple(
        of_request(requests[entry.hash])
        if entry.hash in requests
        else of_entry(entry, _metadata(cache.root, entry), _intermediate(cache.root, entry))
        for entry in cache.entries
    )


def _metadata(root: Path, entry: Entry) -> Mapping[str, object]:
    for name in metadata_names(file.name for file in entry.files):
        with suppress(InputError):
            return parse_metadata(read_json_file(root / entry.key / name, name), entry.key)
    return {}


def _intermediate(root: Path, entry: Entry) -> str:
    paths = {Path(file.path).suffix: root / file.path for file in entry.files}
    for kind in (".source", ".ttir"):
        if kind in paths:
            try:
                return paths[kind].read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
    return ""


def _place(intermediate: str) -> str | None:
    match = re.search(r'^#loc\d* = loc\("([^"]+)":(\d+):\d+\)', intermediate, re.MULTILINE)
    return f"{match[1]}:{match[2]}" if match else None


def _type(text: str) -> str:
    pointed = re.fullmatch(r"!tt\.ptr<(\w+)>", text)
    return f"*{_TYPES.get(pointed[1], pointed[1])}" if pointed else _TYPES.get(text, text)


def _attributes(text: str) -> dict[str, int]:
    return {item["name"]: int(item["value"]) for item in _ATTRIBUTE.finditer(text)}
