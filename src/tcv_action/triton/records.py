"""What the probe wrote down, read back into values."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tcv_action.triton.environment import Environment
from tcv_action.triton.request import Request
from tcv_action.triton.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Where and how a process of the script stopped: an exception that nobody caught.

    `missing` is the module that could not be imported; `refused` tells that the exception came of
    a refusal.
    """

    pid: int
    type: str
    message: str
    file: str
    line: int
    missing: str | None
    refused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a process of the script asked of a GPU that was not there, and where."""

    pid: int
    what: str
    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """All that the processes of one run told, in the order in which it was written."""

    requests: tuple[Request, ...] = ()
    environment: Environment | None = None
    failure: Failure | None = None
    refusals: tuple[Refusal, ...] = ()


def read_records(path: Path) -> Records:
    """Read the file that the probe wrote: JSON lines, the last one perhaps cut off.

    A file that is not there holds nothing: the script's interpreter never got so far.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return Records()
    events = [event for event in map(_event, lines) if event is not None]
    environment = _last(events, "environment")
    failure = _last(events, "failure")
    return Records(
        requests=tuple(_request(event) for event in events if event["event"] == "request"),
        environment=None if environment is None else _environment(environment),
        failure=None if failure is None else Failure(**failure),
        refusals=tuple(Refusal(**content) for content in _all(events, "refusal")),
    )


def _event(line: str) -> dict[str, Any] | None:
    try:
        # Python's own words for infinity and NaN, which JSON has no numbers for, become strings.
        event = json.loads(line, parse_constant=str)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _last(events: Iterable[Mapping[str, Any]], kind: str) -> dict[str, Any] | None:
    contents = _all(events, kind)
    return contents[-1] if contents else None


def _all(events: Iterable[Mapping[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [
        {key: value for key, value in event.items() if key != "event"}
        for event in events
        if event["event"] == kind
    ]


def _environment(content: Mapping[str, Any]) -> Environment:
    return Environment(**{key: value for key, value in content.items() if key != "pid"})


def _request(event: Mapping[str, Any]) -> Request:
    content = {key: value for key, value in event.items() if key not in {"event", "pid"}}
    backend, arch, warp_size = str(content["target"]).split(":")
    content["target"] = str(Target(backend, arch, int(warp_size)))
    return Request(**content)
