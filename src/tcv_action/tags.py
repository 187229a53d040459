"""Tags from templates: one a target and template, never without the target's suffix."""

import re
import string
from collections.abc import Iterable, Mapping

from tcv_action.errors import InputError
from tcv_action.triton.target import Target

DEFAULT_TEMPLATE = "{tag}-{backend}-{arch}"
FIELDS = [
    "tag",
    "version",
    "major",
    "minor",
    "sha",
    "ref",
    "branch",
    "pr",
    "run",
    "date",
    "triton",
    "torch",
    "python",
    "variant",
    "backend",
    "arch",
]
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_RELEASE = re.compile(r"v?(?P<version>(?P<minor>(?P<major>\d+)\.\d+)\.\d+(?:[-+].+)?)")


def tags_for(
    target: Target, templates: Iterable[str], fields: Mapping[str, str]
) -> tuple[str, ...]:
    """Fill the templates for a target, without repeats, in their order.

    Fields are written `{sha}`; a template that does not name both backend and arch gets
    `-{backend}-{arch}` at its end. `fields` holds the known fields' values.

    Raises InputError for an unknown or unset field and for a tag that no registry takes.
    """
    values = {**fields, "backend": target.backend, "arch": target.tag_arch}
    return tuple(dict.fromkeys(_filled(template, values) for template in templates))


def index_tags(templates: Iterable[str], fields: Mapping[str, str]) -> tuple[str, ...]:
    """Return the tags of the index over all targets: the templates less the target's suffix."""
    bare = (
        re.sub(r"[-_.]?\{(?:backend|arch)\}", "", template) or "{tag}" for template in templates
    )
    return tuple(dict.fromkeys(_checked(_substituted(one, fields), one) for one in bare))


def fields_from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what GitHub's variables tell: sha, ref, branch, pr, run, version, major, minor."""
    ref = environ.get("GITHUB_REF", "")
    name = environ.get("GITHUB_REF_NAME", "")
    known = {
        "sha": environ.get("GITHUB_SHA", "")[:7],
        "ref": name,
        "run": environ.get("GITHUB_RUN_NUMBER", ""),
        "branch": name if ref.startswith("refs/heads/") else environ.get("GITHUB_HEAD_REF", ""),
        "pr": name.partition("/")[0] if ref.startswith("refs/pull/") else "",
    }
    release = _RELEASE.fullmatch(name) if ref.startswith("refs/tags/") else None
    if release:
        known |= {
            field: release[field].replace("+", "_") for field in ("version", "major", "minor")
        }
    return {field: _slug(value) for field, value in known.items() if value}


def _filled(template: str, values: Mapping[str, str]) -> str:
    whole = template
    if "{backend}" not in template or "{arch}" not in template:
        whole = f"{template}-{{backend}}-{{arch}}"
    return _checked(_substituted(whole, values), template)


def _substituted(template: str, values: Mapping[str, str]) -> str:
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
    except ValueError as error:
        what = f"The tag template {template!r} cannot be read: {error}."
        raise InputError(what, next_step="Write fields as {sha}.") from error
    unset = [name for name in names if not values.get(name)]
    if unset:
        what = f"The tag template {template!r} names {unset[0]!r}, which is not known here."
        raise InputError(
            what,
            cause=f"The fields are {', '.join(FIELDS)}; those of a commit are set on GitHub only.",
            next_step="Take another field, or write the text itself.",
        )
    return template.format_map(values)


def _checked(tag: str, template: str) -> str:
    if not _TAG.fullmatch(tag):
        what = f"The tag {tag!r} (from the template {template!r}) is not one that registries take."
        raise InputError(
            what,
            cause="A tag has up to 128 letters, digits, '_', '.' and '-', and starts with none of the last two.",
            next_step="Change the template.",
        )
    return tag


def _slug(value: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", value).strip("-.")
