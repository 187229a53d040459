"""The flags of the original tools, tcv and mcv, as they stood at the root of their command line.

Source: redhat-et/TKDK tcv/cmd/main.go, redhat-et/GKM mcv/cmd/main.go (cobra and pflag).
"""

import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click

BUILDERS = ("buildah", "docker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What was given: actions first, of which one must be chosen."""

    create: bool = False
    extract: bool = False
    check_compat: bool = False
    gpu_info: bool = False
    push: bool = False
    pull: bool = False
    sign: bool = False
    verify: bool = False
    image: str | None = None
    folder: Path | None = None
    baremetal: bool = False
    no_gpu: bool = False
    stub: bool = False
    builder: str | None = None
    timeout: int | None = None

    @property
    def given(self) -> tuple[str, ...]:
        """The flags that were given, as people write them."""
        names = {field.name for field in fields(self) if getattr(self, field.name)}
        return tuple(_SPELLED.get(name, f"--{name.replace('_', '-')}") for name in sorted(names))


_SPELLED = {"folder": "--dir"}


def original(group: Callable[..., None]) -> Callable[..., None]:
    """Add the flags; the group receives them as `flags`."""

    @functools.wraps(group)
    def with_flags(*args: Any, **given: Any) -> None:
        names = {field.name for field in fields(Flags)}
        chosen = {name: given.pop(name) for name in names}
        group(*args, **given, flags=Flags(**chosen))

    for option in reversed(_OPTIONS):
        with_flags = option(with_flags)
    return with_flags


_OPTIONS = (
    click.option("--create", "-c", is_flag=True, help="Create an image of the folder DIR."),
    click.option("--extract", "-e", is_flag=True, help="Extract the cache of the image."),
    click.option("--image", "-i", metavar="NAME", help="The image."),
    click.option(
        "--dir",
        "-d",
        "folder",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Cache folder.  [default of -e: where the cache's program looks]",
    ),
    click.option(
        "--check-compat", is_flag=True, help="Tell whether the image has kernels for a GPU here."
    ),
    click.option("--gpu-info", "--hw-info", is_flag=True, help="Show this machine's GPUs."),
    click.option(
        "--baremetal", "-b", is_flag=True, help="Compare Triton and environment as well as GPUs."
    ),
    click.option("--no-gpu", is_flag=True, help="Check nothing against this machine."),
    click.option("--stub", is_flag=True, help="Take made-up GPUs instead of this machine's."),
    click.option(
        "--builder", type=click.Choice(BUILDERS), help="Local store that -c puts a NAME into."
    ),
    click.option("--timeout", "-t", type=int, hidden=True),
    click.option("--push", is_flag=True, hidden=True),
    click.option("--pull", is_flag=True, hidden=True),
    click.option("--sign", "-s", is_flag=True, hidden=True),
    click.option("--verify", is_flag=True, hidden=True),
)

_SWITCH = re.compile(r"(--[a-z-]+|-[a-z]+)=(.*)", re.DOTALL)
_SWITCHES = frozenset(
    {"-b", "-c", "-e", "-s", "--baremetal", "--check-compat", "--create", "--extract"}
    | {"--gpu-info", "--hw-info", "--no-gpu", "--pull", "--push", "--sign", "--stub", "--verify"}
)
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


def as_click_reads(arguments: Iterable[str], verbs: Iterable[str]) -> list[str]:
    """Write what stands before a verb as click reads it: pflag also takes `--create=true`, `-d=DIR`."""
    known, read = frozenset(verbs), []
    rest = iter(arguments)
    for argument in rest:
        read += _parts(argument)
        if argument in known or argument == "--":
            break
    return [*read, *rest]


def _parts(argument: str) -> list[str]:
    found = _SWITCH.fullmatch(argument)
    if found is None:
        return [argument]
    name, value = found.groups()
    if name in _SWITCHES and value in _TRUE:
        return [name]
    if name in _SWITCHES and value in _FALSE:
        return []
    return [argument] if name.startswith("--") else [name, value]
