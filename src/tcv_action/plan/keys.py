"""The keys of `tcv.yml`: the action's inputs that describe a build, and where it runs.

A key has the name of the input and gives the text that the input would have, so one reader serves
both. What says where a run's results go, or who runs it, is no part of the file.
"""

import shlex
from collections.abc import Mapping

from yaml.nodes import MappingNode, Node, SequenceNode

from tcv_action import inputs
from tcv_action.errors import InputError
from tcv_action.oci.reference import Reference, Transport
from tcv_action.plan import nodes
from tcv_action.plan.nodes import Problems, Read
from tcv_action.tags import FIELDS, tags_for
from tcv_action.triton.target import Target


def _lines(node: Node, name: str, problems: Problems) -> str:
    return "\n".join(nodes.items(node, name, problems))


def _pairs(node: Node, name: str, problems: Problems) -> str:
    return "\n".join(nodes.pairs(node, name, problems))


def _command_line(node: Node, name: str, problems: Problems) -> str:
    value = nodes.text(node, name, problems)
    try:
        shlex.split(value)
    except ValueError as error:
        problems.add(node, f"{name}: {value!r} cannot be split as a shell would: {error}.")
    return value


def _arguments(node: Node, name: str, problems: Problems) -> str:
    return shlex.join(nodes.items(node, name, problems))


def _image(node: Node, name: str, problems: Problems) -> str:
    value = nodes.text(node, name, problems)
    try:
        reference = Reference.parse(value) if value else None
    except InputError as error:
        problems.add(node, f"{name}: {error.what}")
        return value
    if reference and (reference.transport is not Transport.REGISTRY or reference.digest):
        problems.add(node, f"{name}: {value!r} is no name in a registry that can be pushed to.")
    return value


def _templates(node: Node, name: str, problems: Problems) -> str:
    count = len(problems.found)
    found = nodes.items(node, name, problems)
    any_values = dict.fromkeys(FIELDS, "1")
    for template in found if len(problems.found) == count else ():
        try:
            tags_for(Target.parse("cuda:90"), [template], any_values)
        except InputError as error:
            problems.add(node, f"{name}: {error.what}")
    return "\n".join(found)


def _choice(name: str) -> Read:
    return nodes.one_of(*next(field.choices for field in inputs.FIELDS if field.name == name))


FOR_ALL: Mapping[str, Read] = {"image": _image, "tags": _templates}
"""Keys that all targets share, since their images are joined to one index."""

FOR_EACH: Mapping[str, Read] = {
    "script": _command_line,
    "arguments": _arguments,
    "cache-dir": nodes.text,
    "python": nodes.text,
    "warmup-in": _choice("warmup-in"),
    "warmup-image": nodes.text,
    "warmup-setup": _lines,
    "warmup-network": nodes.text,
    "require-gpu": nodes.flag,
    "timeout": nodes.number(1),
    "variant": _choice("variant"),
    "contract": _choice("contract"),
    "media-types": _choice("media-types"),
    "path-style": nodes.text,
    "contents": _choice("contents"),
    "labels": _pairs,
    "annotations": _pairs,
    "verify": nodes.flag,
    "min-hit-rate": nodes.number(0, 100),
    "min-entries": nodes.number(1, whole=True),
}
"""Keys that stand at the top for all targets, or at a target for itself."""

EITHER: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("script", "arguments"), ("cache-dir",)),
    (("container",), ("warmup-image", "warmup-setup", "warmup-network")),
)
"""Keys that exclude each other; what a target says replaces what the top says."""

_CONTAINER = ("image", "options", "env", "volumes")


def runs_on(node: Node, problems: Problems) -> object:
    """Read a runner's label, or the list of labels that it must have."""
    found = nodes.items(node, "runs-on", problems)
    return found if isinstance(node, SequenceNode) else found[0]


def container(node: Node, problems: Problems) -> object:
    """Read the job's container: an image, or a mapping as in a workflow, less its secrets."""
    if not isinstance(node, MappingNode):
        return nodes.text(node, "container", problems)
    found = nodes.entries(node, "container", _CONTAINER, problems)
    if "image" not in found:
        problems.add(node, "container has no image.")
    readers = {"env": _environment, "volumes": nodes.items}
    return {
        name: readers.get(name, nodes.text)(value, f"container.{name}", problems)
        for name, (_, value) in found.items()
    }


def _environment(node: Node, name: str, problems: Problems) -> dict[str, str]:
    return dict(one.split("=", 1) for one in nodes.pairs(node, name, problems))
