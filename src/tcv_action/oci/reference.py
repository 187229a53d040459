"""References to images, written as skopeo and podman write them.

`docker://NAME[:TAG][@DIGEST]`, `docker-daemon:NAME[:TAG]`, `containers-storage:NAME[:TAG]`,
`oci:FOLDER[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:NAME:TAG]`, or a plain NAME.
The grammar of names and tags is that of github.com/distribution/reference; short names mean
Docker Hub.
"""

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import NoReturn, Self

from tcv_action.errors import InputError

HUB = "docker.io"
HUB_HOST = "registry-1.docker.io"
DEFAULT_TAG = "latest"

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
# What the OCI layout allows in org.opencontainers.image.ref.name is wider than a registry's tag.
_REF_NAME = re.compile(r"[A-Za-z0-9]+(?:(?:[-._:@/+]|--)[A-Za-z0-9]+)*")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAME_LIMIT = 255


class Transport(StrEnum):
    """Where an image lives, by the word that stands before the colon."""

    REGISTRY = "docker"
    DOCKER_DAEMON = "docker-daemon"
    CONTAINERS_STORAGE = "containers-storage"
    OCI = "oci"
    OCI_ARCHIVE = "oci-archive"
    DOCKER_ARCHIVE = "docker-archive"

    @property
    def prefix(self) -> str:
        """What a reference of this transport begins with."""
        return "docker://" if self is Transport.REGISTRY else f"{self.value}:"

    @property
    def named(self) -> bool:
        """Whether the transport names images as a registry does, and not by a path."""
        return self in {
            Transport.REGISTRY,
            Transport.DOCKER_DAEMON,
            Transport.CONTAINERS_STORAGE,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The place of one image.

    `name` is canonical (`docker.io/library/alpine`) and empty where only a path is given; `path`
    is None for the named transports. `explicit` tells whether the transport was written out.
    """

    transport: Transport
    name: str = ""
    path: Path | None = None
    tag: str | None = None
    digest: str | None = None
    explicit: bool = field(default=True, compare=False)

    @classmethod
    def parse(cls, text: str, *, plain: Transport = Transport.REGISTRY) -> Self:
        """Read a reference; `plain` is the transport of one that names none.

        Raises InputError where the text does not follow the grammar.
        """
        for transport in Transport:
            if text.startswith(transport.prefix):
                return cls._parse(text, text.removeprefix(transport.prefix), transport)
        if "://" in text:
            _refuse(text, f"{text.partition('://')[0]!r} is not a transport", _TRANSPORTS)
        return replace(cls._parse(text, text, plain), explicit=False)

    @classmethod
    def _parse(cls, text: str, rest: str, transport: Transport) -> Self:
        rest, digest = _split_digest(text, rest, certain=transport.named)
        if transport.named:
            name, tag = _split_tag(text, rest)
            return cls(transport=transport, name=_canonical(text, name), tag=tag, digest=digest)
        path, _, tag_text = rest.partition(":")
        if not path:
            _refuse(text, "the path is missing", f"Write {transport.prefix}PATH.")
        if transport is Transport.DOCKER_ARCHIVE and tag_text:
            name, tag = _split_tag(text, tag_text)
            name = _canonical(text, name)
            return cls(transport=transport, path=Path(path), name=name, tag=tag, digest=digest)
        if tag_text and not _REF_NAME.fullmatch(tag_text):
            _refuse(text, f"{tag_text!r} cannot be a tag", _TAG_ADVICE)
        return cls(transport=transport, path=Path(path), tag=tag_text or None, digest=digest)

    @property
    def domain(self) -> str:
        """The name's first part, as people write it: `docker.io`, `ghcr.io`, `localhost:5000`."""
        return self.name.partition("/")[0]

    @property
    def registry_host(self) -> str:
        """The host, and port if any, that answers for the domain."""
        return HUB_HOST if self.domain == HUB else self.domain

    @property
    def repository(self) -> str:
        """The name without its domain: `library/alpine`."""
        return self.name.partition("/")[2]

    @property
    def image(self) -> str:
        """`NAME[:TAG][@DIGEST]` without the transport, as `docker pull` takes it."""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"

    @property
    def tagged_name(self) -> str:
        """`NAME:TAG`, as local stores know an image; the tag is latest where none is given.

        Raises InputError where only a digest is given.
        """
        if self.digest and not self.tag:
            cause = "The store knows its images by tags, and only a digest is given"
            _refuse(str(self), cause, "Write NAME:TAG.")
        return f"{self.name}:{self.tag or DEFAULT_TAG}"

    def with_tag(self, tag: str) -> Self:
        """Return the same place under another tag, no longer fixed to a digest.

        Raises InputError where the tag does not follow the grammar.
        """
        grammar = _TAG if self.name else _REF_NAME
        if not grammar.fullmatch(tag):
            _refuse(tag, f"{tag!r} cannot be a tag", _TAG_ADVICE)
        return replace(self, tag=tag, digest=None)

    def with_digest(self, digest: str) -> Self:
        """Return the same place, fixed to one manifest.

        Raises InputError where the digest is none.
        """
        if not _DIGEST.fullmatch(digest):
            _refuse(f"{self}@{digest}", f"{digest!r} is not a digest", _DIGEST_ADVICE)
        return replace(self, digest=digest)

    def __str__(self) -> str:
        """Return the text that parses to this reference again."""
        prefix = self.transport.prefix if self.explicit else ""
        if self.path is None:
            return prefix + self.image
        name = f":{self.image}" if self.image and self.image[0] not in ":@" else self.image
        return f"{prefix}{self.path}{name}"


_TRANSPORTS = "Write NAME[:TAG], or one of: " + ", ".join(t.prefix + "…" for t in Transport)
_DIGEST_ADVICE = "A digest is sha256: and 64 hex digits."
_TAG_ADVICE = (
    "A tag has up to 128 letters, digits, '_', '.' and '-', and begins with none of '.' and '-'."
)
_NAME_ADVICE = (
    "Write [REGISTRY/]NAME[:TAG][@sha256:DIGEST]; a name has lower-case letters, digits, and "
    "single '.', '_' or '-' between them."
)


def _refuse(text: str, cause: str, advice: str) -> NoReturn:
    what = f"{text!r} is not a reference to an image"
    raise InputError(what, cause=f"{cause[0].upper()}{cause[1:]}.", next_step=advice)


def _split_digest(text: str, rest: str, *, certain: bool) -> tuple[str, str | None]:
    """Cut the digest off; an @ is `certain` to begin one where no path can stand."""
    head, at, digest = rest.rpartition("@")
    if not at or not (certain or digest.startswith("sha256:")):
        return rest, None
    if not _DIGEST.fullmatch(digest):
        _refuse(text, f"{digest!r} is not a digest", _DIGEST_ADVICE)
    return head, digest


def _split_tag(text: str, rest: str) -> tuple[str, str | None]:
    head, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        return rest, None
    if not _TAG.fullmatch(tag):
        _refuse(text, f"{tag!r} cannot be a tag", _TAG_ADVICE)
    return head, tag


def _canonical(text: str, name: str) -> str:
    """Spell out the registry and, on Docker Hub, the `library/` of a short name."""
    domain, slash, repository = name.partition("/")
    if not slash or not _is_domain(domain):
        domain, repository = HUB, name
    if domain == f"index.{HUB}":
        domain = HUB
    if domain == HUB and "/" not in repository:
        repository = f"library/{repository}"
    _check_name(text, domain, repository)
    return f"{domain}/{repository}"


def _is_domain(part: str) -> bool:
    return "." in part or ":" in part or part == "localhost" or part != part.lower()


def _check_name(text: str, domain: str, repository: str) -> None:
    if not repository.removeprefix("library/"):
        _refuse(text, "the name is missing", _NAME_ADVICE)
    if repository != repository.lower():
        lowered = f"{domain}/{repository.lower()}"
        _refuse(text, "a repository is lower case", f"Write {lowered!r}.")
    if not _DOMAIN.fullmatch(domain):
        _refuse(text, f"{domain!r} cannot be a registry", _NAME_ADVICE)
    if not _REPOSITORY.fullmatch(repository):
        _refuse(text, f"{repository!r} cannot be a repository", _NAME_ADVICE)
    if len(domain) + len(repository) + 1 > _NAME_LIMIT:
        _refuse(text, f"the name has more than {_NAME_LIMIT} characters", _NAME_ADVICE)
