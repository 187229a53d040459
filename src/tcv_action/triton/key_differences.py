"""What differs between two keys: of one kernel, or of all kernels of two environments."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from tcv_action.triton.environment import Environment, as_triton_reads, enters_key
from tcv_action.triton.key_inputs import KeyInputs
from tcv_action.triton.target import Target

_FOLDED = "a constant"

Alike = Callable[[KeyInputs], object]
"""What two entries of a kernel have in common, where each cannot be compared with each."""

ALIKE: tuple[Alike, ...] = (
    lambda one: (one.signature, one.attributes, one.constants, one.options),
    lambda one: (one.signature, one.attributes, one.constants, one.source_hash),
    lambda one: (one.signature, one.constants),
    lambda one: one.options,
)
"""From what a rebuild changes least to what it changes most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An input of the key, with its value on either side; None where that side has none."""

    input: str
    first: str | None
    second: str | None


def grouped(entries: Iterable[KeyInputs], alike: Alike) -> dict[str, list[KeyInputs]]:
    """Group entries of one kernel and target by what they have in common; see `group_of`."""
    groups: dict[str, list[KeyInputs]] = {}
    for entry in entries:
        groups.setdefault(group_of(entry, alike), []).append(entry)
    return groups


def group_of(entry: KeyInputs, alike: Alike) -> str:
    """Return the name of the group that an entry belongs to."""
    return repr((entry.name, entry.target, alike(entry)))


def environment_differences(
    first: Environment, second: Environment, target: Target
) -> Iterator[Difference]:
    """Yield what enters every key of the target and differs: Triton's build, tools, variables."""
    for name in ("triton_version", "triton_key", "python_abi", "host_arch"):
        yield from _unless_equal(
            name.replace("_", " "), getattr(first, name), getattr(second, name)
        )
    for tool in sorted(set(first.tools) | set(second.tools)):
        if enters_key(tool, target):
            yield from _unless_equal(f"tool {tool}", first.tools.get(tool), second.tools.get(tool))
    for name in sorted(set(first.variables) | set(second.variables)):
        sides = [as_triton_reads(side.variables.get(name)) or "unset" for side in (first, second)]
        yield from _unless_equal(f"variable {name}", *sides)


def input_differences(first: KeyInputs, second: KeyInputs) -> Iterator[Difference]:
    """Yield what differs between two keys of one kernel, as far as both sides are known."""
    yield from _unless_equal("target", first.target, second.target)
    yield from _source_differences(first, second)
    yield from _argument_differences(first, second)
    for name in sorted(first.options.keys() & second.options.keys()):
        sides = [_option(name, side.options[name]) for side in (first, second)]
        yield from _unless_equal(f"option {name}", *sides)


def _source_differences(first: KeyInputs, second: KeyInputs) -> Iterator[Difference]:
    hashes = (first.source_hash, second.source_hash)
    if None not in hashes and hashes[0] == hashes[1]:
        return
    if _moved(first, second):
        # The digest of the text holds the line as well: whether the text changed, nobody can tell.
        yield Difference(
            input="first line, and perhaps the text", first=first.source, second=second.source
        )
    elif None not in hashes:
        yield Difference(
            input="text of the kernel, or of a function that it calls, or a global constant",
            first=str(first.source_hash)[:12],
            second=str(second.source_hash)[:12],
        )


def _moved(first: KeyInputs, second: KeyInputs) -> bool:
    if first.line is None and second.line is None:  # then both places are those of the `def`
        lines = [(side.source or "").rpartition(":")[2] for side in (first, second)]
        return "" not in lines and lines[0] != lines[1]
    return None not in (first.line, second.line) and first.line != second.line


def _argument_differences(first: KeyInputs, second: KeyInputs) -> Iterator[Difference]:
    if first.signature is None or second.signature is None:
        return
    folded = first.constants is None or second.constants is None
    names = [
        *first.signature,
        *second.signature,
        *(first.constants or ()),
        *(second.constants or ()),
    ]
    for name in dict.fromkeys(names):
        sides = [_argument(side, name, folded=folded) for side in (first, second)]
        # A type that only the intermediate form has a name for cannot be compared.
        if not any(side and side.startswith("!") for side in sides):
            yield from _unless_equal(f"argument {name}", *sides)


def _argument(inputs: KeyInputs, name: str, *, folded: bool) -> str | None:
    """Return an argument's type and specialization; `folded` where one side knows no constants."""
    type_ = (inputs.signature or {}).get(name)
    if type_ is None or type_ == "constexpr":
        if folded:
            return _FOLDED
        constants = inputs.constants or {}
        return f"constant {_json(constants[name])}" if name in constants else type_
    if folded:  # intermediate forms know integers without a sign
        type_ = type_.replace("u", "i") if type_.lstrip("*").startswith("u") else type_
    attributes = inputs.attributes.get(name) or {}
    known = attributes.items() if isinstance(attributes, dict) else ()
    return ", ".join([type_, *(f"{key} = {_json(value)}" for key, value in sorted(known))])


def _option(name: str, value: object) -> str:
    # The folder of the libraries is no part of the key, or is told by a tool of its own.
    if name == "extern_libs" and isinstance(value, list | tuple):
        pairs = [pair for pair in value if isinstance(pair, list | tuple) and len(pair) == 2]
        return _json([[library, PurePosixPath(str(path)).name] for library, path in pairs])
    return _json(value)


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _unless_equal(name: str, first: str | None, second: str | None) -> Iterator[Difference]:
    if first != second:
        yield Difference(input=name, first=first, second=second)
