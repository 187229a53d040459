"""What GitHub's runner makes of an action's output.

Source: the runner's `ActionCommandManager.cs` and `ActionCommand.cs`: a line that begins, blanks
aside, with `::NAME PROPERTIES::DATA` is a command unless commands are stopped, and so is
`##[NAME PROPERTIES]DATA` anywhere in a line; `%25 %0D %0A` in data, and `%3A %2C` besides in
properties, are unescaped; masked text is shown as `***`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_COMMAND = re.compile(r"^\s*::(?P<name>[\w-]+)(?: (?P<properties>.*?))?::(?P<data>.*)$")
_OLDER = re.compile(r"##\[(?P<name>[\w-]+)(?: (?P<properties>.*?))?\](?P<data>.*)$")
_ANNOTATIONS = {"error", "warning", "notice"}
_OTHERS = {"group", "endgroup", "debug", "add-mask", "echo", "add-matcher", "remove-matcher"}
_RETIRED = {"set-output", "save-state", "set-env", "add-path"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """What is shown beside the workflow run, and perhaps at a line of a file."""

    level: str
    message: str
    properties: dict[str, str]


@dataclass(slots=True, kw_only=True)
class RunnerLog:
    """The log as a person sees it, and the commands that were found in it."""

    shown: list[str] = field(default_factory=list)
    annotations: list[Annotation] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    masks: list[str] = field(default_factory=list)
    stop_token: str = ""

    @property
    def text(self) -> str:
        """The whole log, masked."""
        return "\n".join(self.shown)

    def read(self, line: str) -> None:
        """Take one line of standard output or standard error."""
        command = _COMMAND.match(line) or _OLDER.search(line)
        if command is None or not self._obey(command):
            self._show(line)

    def _obey(self, command: re.Match[str]) -> bool:
        name, data = command["name"], _unescape(command["data"])
        if self.stop_token:
            if name != self.stop_token:
                return False
            self.stop_token = ""
        elif name == "stop-commands":
            self.stop_token = data
        elif name == "add-mask":
            self.masks.extend(part for part in data.splitlines() if part)
        elif name in _ANNOTATIONS:
            self._annotate(name, data, command["properties"] or "")
        elif name in _RETIRED:
            self.retired.append(f"{name}: {data}")
        elif name in _OTHERS:
            self._other(name, data)
        else:
            return False
        return True

    def _annotate(self, level: str, message: str, properties: str) -> None:
        pairs = (pair.partition("=") for pair in properties.split(",") if pair)
        known = {key.strip(): _unescape_property(value) for key, _, value in pairs}
        self.annotations.append(
            Annotation(level=level, message=self._masked(message), properties=known)
        )
        self._show(f"{level.capitalize()}: {message}")

    def _other(self, name: str, data: str) -> None:
        if name == "group":
            self.groups.append(data)
            self._show(data)

    def _show(self, line: str) -> None:
        self.shown.append(self._masked(line))

    def _masked(self, text: str) -> str:
        for mask in self.masks:
            text = text.replace(mask, "***")
        return text


def read_log(raw: str) -> RunnerLog:
    """Return what the runner makes of the whole output."""
    log = RunnerLog()
    for line in raw.splitlines():
        log.read(line)
    return log


def read_file_command(text: str) -> dict[str, str]:
    """Return the names and values of an output, state or environment file.

    Raises ValueError where the runner would refuse the file.
    """
    values: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        if not line:
            continue
        heredoc = re.match(r"^(?P<name>[^=]+?)<<(?P<delimiter>.+)$", line)
        name, found, value = line.partition("=")
        if heredoc is not None:
            values[heredoc["name"]] = "\n".join(_until(lines, heredoc["delimiter"]))
        elif found:
            values[name] = value
        else:
            message = f"Invalid format {line!r}"
            raise ValueError(message)
    return values


def _until(lines: Iterator[str], delimiter: str) -> list[str]:
    value: list[str] = []
    for line in lines:
        if line == delimiter:
            return value
        value.append(line)
    message = f"Matching delimiter not found {delimiter!r}"
    raise ValueError(message)


def _unescape(data: str) -> str:
    return data.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def _unescape_property(value: str) -> str:
    return _unescape(value.replace("%3A", ":").replace("%2C", ","))
