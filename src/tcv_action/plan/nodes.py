"""YAML read strictly: every problem with its line, no value whose type YAML guessed.

Works on PyYAML's nodes, which still have the text as it stands in the file: `1.10` and `010` are
not yet the numbers 1.1 and 8.
"""

import difflib
import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from tcv_action.errors import ConfigurationError, InputError

_TAG = "tag:yaml.org,2002:"
_READ_AS = {
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "timestamp": "a date",
}
_NUMBER = re.compile(r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_BOOLEANS = {"true", "false"}


@dataclass(frozen=True, slots=True)
class Problems:
    """What is wrong with a file, collected until all of it is read."""

    path: Path
    found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, node: Node, text: str) -> None:
        """Remember what is wrong at the line where the node starts."""
        self.found.append((line_of(node), text))

    def refuse(self, next_step: str) -> None:
        """Raise ConfigurationError that names every problem with its line, if there is one."""
        found = sorted(set(self.found))
        if found:
            what = "\n".join(f"{self.path}:{line}: {text}" for line, text in found)
            file, first = str(self.path), found[0][0]
            raise ConfigurationError(what, file=file, line=first, next_step=next_step)


Read = Callable[[Node, str, Problems], str]
"""Reads a key's value and returns it as the text of the action's input; problems are added."""


def line_of(node: Node) -> int:
    """Return the line where a node starts, counted from 1."""
    return int(node.start_mark.line) + 1


def root_of(path: Path) -> Node:
    """Read a file that holds one YAML document.

    Raises InputError for a file that cannot be read or holds nothing, ConfigurationError for one
    that is no YAML.
    """
    try:
        root: Node | None = yaml.compose(path.read_bytes(), Loader=yaml.SafeLoader)
    except OSError as error:
        what = f"The configuration {str(path)!r} cannot be read: {error.strerror}."
        raise InputError(
            what, next_step="Name the file; docs/tcv-yml.md has an example."
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        line, trouble = _trouble(error)
        what = f"{path}:{line}: {trouble}: the configuration is no YAML."
        raise ConfigurationError(
            what, file=str(path), line=line, next_step="Correct the line."
        ) from error
    if root is None:
        what = f"The configuration {str(path)!r} holds nothing."
        raise InputError(what, next_step="docs/tcv-yml.md has an example.")
    return root


def entries(
    node: Node, what: str, known: Collection[str], problems: Problems
) -> dict[str, tuple[Node, Node]]:
    """Return a mapping's keys and values by the key's text; `known` empty admits any key."""
    if not isinstance(node, MappingNode):
        problems.add(node, f"{what} is {_kind(node)}, and must be a mapping of keys to values.")
        return {}
    found: dict[str, tuple[Node, Node]] = {}
    for key, value in node.value:
        name = key.value if isinstance(key, ScalarNode) else ""
        if name in found:
            first = line_of(found[name][0])
            problems.add(key, f"The key {name!r} stands here and in line {first}: keep one.")
        elif known and name not in known:
            problems.add(key, _unknown(name, known))
        else:
            found[name] = (key, value)
    return found


def text(node: Node, name: str, problems: Problems) -> str:
    """Read one line of text; what YAML takes for something else must be quoted."""
    if not isinstance(node, ScalarNode):
        problems.add(node, f"{name} is {_kind(node)}, and must be text.")
        return ""
    kind = node.tag.removeprefix(_TAG)
    value = str(node.value)
    if kind == "null" or (kind == "str" and not value.strip()):
        problems.add(node, f"{name} is empty: write its value, or leave the key out.")
    elif kind in _READ_AS:
        problems.add(node, f"{name}: {value} is read as {_READ_AS[kind]}. Write {_quoted(value)}.")
    elif kind != "str":
        problems.add(node, f"{name}: {value!r} has the tag {node.tag!r}, and must be plain text.")
    elif "\n" in value or "\r" in value:
        problems.add(node, f"{name} is more than one line: write >- instead of | or >.")
    return value


def items(node: Node, name: str, problems: Problems) -> list[str]:
    """Read a list of texts, or one text that stands for a list of one."""
    if not isinstance(node, SequenceNode):
        return [text(node, name, problems)]
    if not node.value:
        problems.add(node, f"{name} is empty: write its values, or leave the key out.")
    return [text(item, name, problems) for item in node.value]


def pairs(node: Node, name: str, problems: Problems) -> list[str]:
    """Read a mapping of names to texts as `NAME=VALUE`."""
    found = entries(node, name, (), problems)
    return [
        f"{text(key, name, problems)}={text(value, f'{name}.{key.value}', problems)}"
        for key, value in found.values()
    ]


def flag(node: Node, name: str, problems: Problems) -> str:
    """Read `true` or `false`; YAML's other spellings, `on` and `yes`, differ between readers."""
    value = str(node.value).lower()
    if node.tag != f"{_TAG}bool" or value not in _BOOLEANS:
        problems.add(node, f"{name} must be true or false, without quotes.")
    return value


def number(minimum: float, maximum: float = float("inf"), *, whole: bool = False) -> Read:
    """Read a number within these bounds, both included."""

    def read(node: Node, name: str, problems: Problems) -> str:
        value = str(node.value) if isinstance(node, ScalarNode) else ""
        numeric = node.tag in {f"{_TAG}int", f"{_TAG}float"} and _NUMBER.fullmatch(value)
        if not numeric or not minimum <= float(value) <= maximum or (whole and "." in value):
            what = "a whole number" if whole else "a number"
            upto = f" to {maximum:g}" if maximum != float("inf") else " on"
            problems.add(node, f"{name} must be {what} from {minimum:g}{upto}, without quotes.")
        return value

    return read


def one_of(*choices: str) -> Read:
    """Read one of these texts."""

    def read(node: Node, name: str, problems: Problems) -> str:
        count = len(problems.found)
        value = text(node, name, problems)
        if value not in choices and len(problems.found) == count:
            near = _near(value, choices)
            problems.add(node, f"{name}: {value!r} is not one of {', '.join(choices)}.{near}")
        return value

    return read


def _unknown(name: str, known: Collection[str]) -> str:
    return f"There is no key {name!r} here.{_near(name, known)}"


def _near(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name.lower().replace("_", "-"), list(known), n=1)
    return f" Perhaps you meant {close[0]!r}." if close else ""


def _kind(node: Node) -> str:
    kinds = {MappingNode: "a mapping", SequenceNode: "a list", ScalarNode: "one value"}
    return kinds.get(type(node), "something else")


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _trouble(error: Exception) -> tuple[int, str]:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return (mark.line + 1 if mark else 1), problem
