"""`tcv.yml`: what is built, for which targets, and where each is built."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from tcv_action.errors import InputError
from tcv_action.plan import keys, nodes
from tcv_action.plan.nodes import Problems
from tcv_action.triton.target import Target

_PLACES = {"runs-on": keys.runs_on, "container": keys.container}
_AT_TARGET = (*_PLACES, *keys.FOR_EACH)
_AT_TOP = ("targets", *keys.FOR_ALL, *_AT_TARGET)
_NEXT = "docs/tcv-yml.md has every key; its schema tells it to your editor."


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """How one target is built: the action's inputs as texts, the runner and the container.

    `runs_on` is a label or a list of them, `container` an image or a workflow's mapping; None
    where the file does not say.
    """

    target: Target
    settings: Mapping[str, str] = field(default_factory=dict)
    runs_on: object = None
    container: object = None


def read_legs(path: Path) -> tuple[Leg, ...]:
    """Read the file's targets, each with what the top says for all of them.

    Raises ConfigurationError that names everything that is wrong, each with its line, and
    InputError for a file that cannot be read.
    """
    problems = Problems(path)
    root = nodes.root_of(path)
    found = nodes.entries(root, "The configuration", _AT_TOP, problems)
    top = _values(found, problems)
    legs: dict[Target, Leg] = {}
    for node in _target_nodes(root, found, problems):
        leg = _leg(node, top, problems)
        if leg and leg.target in legs:
            problems.add(node, f"The target {str(leg.target)!r} is there already.")
        elif leg:
            legs[leg.target] = leg
    problems.refuse(_NEXT)
    return tuple(legs.values())


def replaced(settings: Mapping[str, object], nearer: Collection[str]) -> dict[str, object]:
    """Return the settings less those that nearer keys replace: themselves and what they exclude."""
    gone = set(nearer)
    for sides in keys.EITHER:
        for one, other in (sides, sides[::-1]):
            gone |= set(other) if gone & set(one[:1]) else set()
    return {name: value for name, value in settings.items() if name not in gone}


def _target_nodes(
    root: Node, found: Mapping[str, tuple[Node, Node]], problems: Problems
) -> list[Node]:
    if "targets" not in found:
        problems.add(root, "There are no targets: name at least one under the key 'targets'.")
        return []
    node = found["targets"][1]
    if not isinstance(node, SequenceNode) or not node.value:
        problems.add(node, "targets must be a list, such as [cuda:90, hip:gfx942].")
        return []
    return list(node.value)


def _leg(node: Node, top: Mapping[str, object], problems: Problems) -> Leg | None:
    if isinstance(node, ScalarNode):
        target, own = _target(node, problems), {}
    else:
        found = nodes.entries(node, "A target", ("target", *_AT_TARGET), problems)
        own = _values(found, problems)
        if "target" not in found and isinstance(node, MappingNode):
            problems.add(node, "This entry has no key 'target', such as cuda:90.")
        target = _target(found["target"][1], problems) if "target" in found else None
    if target is None:
        return None
    values = {**replaced(top, own), **own}
    runs_on, container = values.pop("runs-on", None), values.pop("container", None)
    texts = {name: str(value) for name, value in values.items()}
    return Leg(target=target, settings=texts, runs_on=runs_on, container=container)


def _target(node: Node, problems: Problems) -> Target | None:
    if isinstance(node, ScalarNode) and node.value.isdecimal():
        problems.add(node, f'{node.value} does not say the backend. Write "cuda:{node.value}".')
        return None
    count = len(problems.found)
    text = nodes.text(node, "target", problems)
    if len(problems.found) > count:
        return None
    try:
        return Target.parse(text)
    except InputError as error:
        problems.add(node, f"{error.what} {error.next_step}")
        return None


def _values(found: Mapping[str, tuple[Node, Node]], problems: Problems) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, (_, node) in found.items():
        if name in _PLACES:
            values[name] = _PLACES[name](node, problems)
        elif read := keys.FOR_ALL.get(name) or keys.FOR_EACH.get(name):
            values[name] = read(node, name, problems)
    for one, other in keys.EITHER:
        both = [name for name in (one[0], other[0]) if name in values]
        if len(both) > 1:
            problems.add(found[both[1]][0], f"Give either {both[0]} or {both[1]}, and not both.")
    return values
