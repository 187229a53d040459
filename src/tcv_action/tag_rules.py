"""Tag rules as docker/metadata-action writes them, `type=…` a line, turned to templates.

A rule that does not apply to the event gives no tag: `type=semver` on a branch, `type=schedule` on
a push. `latest` comes only with the tag of a real release. Source: the README of
docker/metadata-action 5.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from tcv_action.errors import InputError

_SEMVER = re.compile(
    r"v?(?P<version>(?P<major>0|[1-9]\d*)\.(?P<minor>0|[1-9]\d*)\.(?P<patch>0|[1-9]\d*)"
    r"(?P<pre>-[0-9A-Za-z.-]+)?)(?:\+[0-9A-Za-z.-]+)?"
)
_FIELD = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_ATTRIBUTES = {
    "semver": {"pattern", "value"},
    "ref": {"event"},
    "sha": {"format"},
    "raw": {"value"},
    "pr": set(),
    "schedule": {"pattern"},
}
_SHARED = {"type", "enable", "prefix", "suffix"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What started the job: `push`, `pull_request`, `schedule` …, on which ref and commit."""

    name: str = ""
    ref: str = ""
    ref_name: str = ""
    sha: str = ""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Self:
        """Read it from GitHub's variables; empty outside GitHub."""
        return cls(
            name=environ.get("GITHUB_EVENT_NAME", ""),
            ref=environ.get("GITHUB_REF", ""),
            ref_name=environ.get("GITHUB_REF_NAME", ""),
            sha=environ.get("GITHUB_SHA", ""),
        )

    @property
    def kind(self) -> str:
        """`tag`, `branch`, `pr`, or empty."""
        for kind, prefix in (
            ("tag", "refs/tags/"),
            ("branch", "refs/heads/"),
            ("pr", "refs/pull/"),
        ):
            if self.ref.startswith(prefix):
                return kind
        return ""


def templates_of(lines: Iterable[str], event: Event) -> tuple[str, ...]:
    """Turn rules to the templates that hold for the event; other lines are templates already.

    Raises InputError for a rule that cannot be read, and where there are rules and none applies.
    """
    given = tuple(lines)
    made = [template for line in given for template in _of_line(line, event)]
    if given and not made:
        what = (
            f"No tag rule applies to the event {event.name or 'outside GitHub'!r} on {event.ref!r}."
        )
        raise InputError(
            what,
            cause="type=semver needs a release's tag, type=schedule a schedule, type=ref its event.",
            next_step="Add a rule that always applies, such as type=sha or type=raw,value=edge.",
        )
    return tuple(dict.fromkeys(made))


def _of_line(line: str, event: Event) -> Iterator[str]:
    if not line.startswith("type="):
        yield line
        return
    rule = _parsed(line)
    if rule.get("enable", "true") == "true":
        for value in _RULES[rule["type"]](rule, event):
            yield f"{rule.get('prefix', _PREFIXES.get(rule['type'], ''))}{value}{rule.get('suffix', '')}"
        yield from _latest(rule, event)


def _parsed(line: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in line.split(",")]
    rule = {name.strip(): value.strip() for name, _, value in pairs}
    known = _ATTRIBUTES.get(rule["type"])
    if known is None:
        what = f"The tag rule {line!r} has an unknown type."
        raise InputError(what, next_step=f"The types are {', '.join(_ATTRIBUTES)}.")
    unknown = rule.keys() - known - _SHARED
    if unknown or not all(equals for _, equals, _ in pairs):
        what = f"The tag rule {line!r} cannot be read{f': {sorted(unknown)}' if unknown else ''}."
        raise InputError(
            what, next_step=f"Its attributes are {', '.join(sorted(known | _SHARED))}, NAME=VALUE."
        )
    return rule


def _semver(rule: Mapping[str, str], event: Event) -> Iterator[str]:
    match = _version(rule, event)
    if match is None:
        return
    # Of a prerelease only the whole version is a tag: 1.2 means the last release of it.
    pattern = "{{version}}" if match["pre"] else rule.get("pattern", "{{version}}")
    fields = {**match.groupdict(), "raw": rule.get("value", event.ref_name)}
    yield _FIELD.sub(lambda field: _field(field, fields, pattern), pattern)


def _field(field: re.Match[str], fields: Mapping[str, str | None], pattern: str) -> str:
    value = fields.get(field[1])
    if value is None or field[1] == "pre":
        what = f"The semver pattern {pattern!r} names {field[1]!r}."
        raise InputError(what, next_step="The fields are version, major, minor, patch and raw.")
    return value


def _version(rule: Mapping[str, str], event: Event) -> re.Match[str] | None:
    if "value" in rule:
        return _SEMVER.fullmatch(rule["value"])
    return _SEMVER.fullmatch(event.ref_name) if event.kind == "tag" else None


def _latest(rule: Mapping[str, str], event: Event) -> Iterator[str]:
    match = _version(rule, event) if rule["type"] == "semver" else None
    if match is not None and not match["pre"]:
        yield "latest"


def _ref(rule: Mapping[str, str], event: Event) -> Iterator[str]:
    wanted = rule.get("event", "branch")
    if wanted not in {"branch", "tag", "pr"}:
        what = f"The tag rule's event {wanted!r} is unknown."
        raise InputError(what, next_step="Write event=branch, event=tag or event=pr.")
    if event.kind == wanted:
        yield f"pr-{event.ref_name.partition('/')[0]}" if wanted == "pr" else _slug(event.ref_name)


def _sha(rule: Mapping[str, str], event: Event) -> Iterator[str]:
    if event.sha:
        yield event.sha if rule.get("format", "short") == "long" else event.sha[:7]


def _raw(rule: Mapping[str, str], _event: Event) -> Iterator[str]:
    if not rule.get("value"):
        what = "The tag rule 'type=raw' has no value."
        raise InputError(what, next_step="Write type=raw,value=TAG.")
    yield rule["value"]


def _pr(_rule: Mapping[str, str], event: Event) -> Iterator[str]:
    if event.kind == "pr":
        yield event.ref_name.partition("/")[0]


def _schedule(rule: Mapping[str, str], event: Event) -> Iterator[str]:
    if event.name == "schedule":
        yield rule.get("pattern", "nightly")


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")


_RULES: dict[str, Callable[[Mapping[str, str], Event], Iterator[str]]] = {
    "semver": _semver,
    "ref": _ref,
    "sha": _sha,
    "raw": _raw,
    "pr": _pr,
    "schedule": _schedule,
}
_PREFIXES = {"sha": "sha-", "pr": "pr-"}
