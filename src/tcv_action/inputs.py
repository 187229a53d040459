"""One table of what a person can say: it feeds options, the action's inputs and the defaults.

An action's input arrives as an environment variable `INPUT_<NAME>`: the name in capitals, blanks
turned to `_`, dashes kept (source: the runner's `ActionRunner.cs`).
"""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tcv_action.errors import InputError

_YES = frozenset({"true", "yes", "on", "1"})
_NO = frozenset({"false", "no", "off", "0"})


def text(value: str) -> object:
    """Read one line of text."""
    return value.strip()


def lines(value: str) -> object:
    """Read a list: an item a line."""
    return tuple(item.strip() for item in value.splitlines() if item.strip())


def words(value: str) -> object:
    """Read a list whose items hold no blanks: separated by lines, blanks or commas."""
    return tuple(value.replace(",", " ").split())


def command_line(value: str) -> object:
    """Read words as a shell would split them."""
    return tuple(shlex.split(value, comments=True))


def flag(value: str) -> object:
    """Read a YAML boolean, in any case."""
    lowered = value.strip().lower()
    if lowered not in _YES | _NO:
        what = f"{value!r} is neither true nor false."
        raise ValueError(what)
    return lowered in _YES


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """An input of the action and the option that says the same.

    `parameter` is the name under which the command receives it. `default` is what stands in
    action.yml; empty where the command decides.
    """

    name: str
    parameter: str
    help: str
    read: Callable[[str], object] = text
    default: str = ""
    choices: tuple[str, ...] = ()
    secret: bool = False


FIELDS: tuple[Field, ...] = (
    Field(
        name="script",
        parameter="command",
        read=command_line,
        help="Warmup script that launches the kernels, with its arguments.",
    ),
    Field(
        name="arguments",
        parameter="arguments",
        read=command_line,
        help="Further arguments of the script, as a shell would split them.",
    ),
    Field(
        name="cache-dir",
        parameter="cache_dir",
        help="Folder with an existing Triton cache to package instead of running a script.",
    ),
    Field(
        name="targets",
        parameter="targets",
        read=words,
        help="GPUs to compile for, such as cuda:90 or hip:gfx942, one a line.",
    ),
    Field(
        name="image",
        parameter="image",
        help="Image name to push to, such as ghcr.io/OWNER/NAME:TAG.",
    ),
    Field(
        name="tags",
        parameter="tags",
        read=lines,
        help="Tag templates or rules (type=semver,…), one a line; the target's suffix is on each.",
    ),
    Field(name="python", parameter="python", help="Interpreter that has Triton."),
    Field(
        name="warmup-in",
        parameter="warmup_in",
        choices=("auto", "host", "container", "compile-only"),
        default="auto",
        help="Where the script runs: on this machine, in a container, or without any GPU.",
    ),
    Field(
        name="warmup-image",
        parameter="warmup_image",
        help="Container image whose Python runs the script, as in production.",
    ),
    Field(
        name="warmup-setup",
        parameter="warmup_setup",
        read=lines,
        help="Shell commands that are run in that container first, one a line.",
    ),
    Field(
        name="warmup-network",
        parameter="warmup_network",
        help="Network of that container; without it, the network of this one.",
    ),
    Field(
        name="require-gpu",
        parameter="require_gpu",
        read=flag,
        default="false",
        help="Fail at once where a target has no GPU within reach.",
    ),
    Field(
        name="timeout",
        parameter="timeout",
        help="Seconds that the script may take, for each target.",
    ),
    Field(
        name="variant",
        parameter="variant",
        choices=("compat", "oci"),
        default="compat",
        help="A layer that every tool reads, or one with a media type of its own.",
    ),
    Field(
        name="contract",
        parameter="contract",
        choices=("mcv", "tcv"),
        default="mcv",
        help="Whose labels and manifest.json: the newest tool's, or the first one's.",
    ),
    Field(
        name="media-types",
        parameter="media_types",
        choices=("oci", "docker"),
        default="oci",
        help="Media types of manifest and layer.",
    ),
    Field(
        name="path-style",
        parameter="path_style",
        default="portable",
        help="Paths in the group files: portable, or baked:/PATH for one mount path.",
    ),
    Field(
        name="contents",
        parameter="contents",
        choices=("full", "binary"),
        default="full",
        help="Files to package: all, or binaries and metadata only.",
    ),
    Field(
        name="labels",
        parameter="labels",
        read=lines,
        help="Further labels of the image, NAME=VALUE, one a line.",
    ),
    Field(
        name="annotations",
        parameter="annotations",
        read=lines,
        help="Further annotations of an OCI manifest, NAME=VALUE, one a line.",
    ),
    Field(
        name="registry-username",
        parameter="registry_username",
        help="User that signs in to the registry.",
    ),
    Field(
        name="registry-password",
        parameter="registry_password",
        secret=True,
        help="Password or token that signs in to the registry.",
    ),
    Field(
        name="insecure",
        parameter="insecure",
        read=flag,
        default="false",
        help="Speak plain HTTP to the registry, as is always done on loopback.",
    ),
    Field(
        name="push",
        parameter="push",
        read=flag,
        default="true",
        help="Push the images; false is the same as a dry run.",
    ),
    Field(
        name="dry-run",
        parameter="dry_run",
        read=flag,
        default="false",
        help="Write everything to the output folder and touch no network.",
    ),
    Field(
        name="verify",
        parameter="verify",
        read=flag,
        default="true",
        help="Replay the script against the restored cache and count its hits.",
    ),
    Field(
        name="min-hit-rate",
        parameter="min_hit_rate",
        default="100",
        help="Percent of the requests that must hit for an image to get its tags.",
    ),
    Field(
        name="min-entries",
        parameter="min_entries",
        default="1",
        help="Kernels that each target's cache must hold at least.",
    ),
    Field(
        name="output",
        parameter="output",
        default="tcv-out",
        help="Folder for summary.md, outputs.json and, in a dry run, the OCI layout.",
    ),
    Field(
        name="github-token",
        parameter="github_token",
        secret=True,
        default="${{ github.token }}",
        help="Token that reads the repository's description and writes the comment.",
    ),
    Field(
        name="comment",
        parameter="comment",
        read=flag,
        default="false",
        help="Keep a comment with the result on the pull request; needs pull-requests: write.",
    ),
    Field(
        name="config",
        parameter="config",
        help="Configuration with the inputs that are not given here, such as tcv.yml.",
    ),
)


def from_environment(
    environ: Mapping[str, str], configured: Mapping[str, str] | None = None
) -> dict[str, object]:
    """Return the parameters that `INPUT_*` variables set; an empty variable sets nothing.

    `configured` has the text of inputs that a configuration sets. An input at its default yields
    to it, since the runner sets the variable of a default as well. Secrets are not among them:
    `registry_password` and `github_token` read them.

    Raises InputError that names every input that cannot be read.
    """
    found: dict[str, object] = {}
    wrong: list[str] = []
    for field in FIELDS:
        value = environ.get(_variable(field.name), "")
        if value.strip() in {"", field.default}:
            value = (configured or {}).get(field.name, value)
        if field.secret or not value.strip():
            continue
        try:
            found[field.parameter] = _chosen(field, value)
        except ValueError as error:
            wrong.append(f"{field.name}: {error}")
    if wrong:
        raise InputError("\n".join(wrong), next_step="Correct the inputs under `with:`.")
    return _with_arguments(found)


def _with_arguments(found: dict[str, object]) -> dict[str, object]:
    """Put the arguments behind their script: a command line has one place for both."""
    arguments, command = found.pop("arguments", ()), found.get("command", ())
    if isinstance(arguments, tuple) and isinstance(command, tuple) and command:
        found["command"] = (*command, *arguments)
    return found


def registry_password(environ: Mapping[str, str]) -> str:
    """Return the password that signs in to the registry; it never stands in argv."""
    return environ.get("TCV_REGISTRY_PASSWORD") or environ.get(_variable("registry-password"), "")


def github_token(environ: Mapping[str, str]) -> str:
    """Return the token for GitHub's API, empty where there is none; it never stands in argv."""
    return environ.get(_variable("github-token")) or environ.get("GITHUB_TOKEN", "")


def secrets(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return every secret that was given, to be hidden in the log."""
    given = [environ.get(_variable(field.name), "") for field in FIELDS if field.secret]
    return tuple(filter(None, [*given, environ.get("TCV_REGISTRY_PASSWORD", "")]))


def _variable(name: str) -> str:
    return f"INPUT_{name.upper().replace(' ', '_')}"


def _chosen(field: Field, value: str) -> object:
    read = field.read(value)
    if field.choices and read not in field.choices:
        what = f"{value!r} is not one of {', '.join(field.choices)}."
        raise ValueError(what)
    return read
