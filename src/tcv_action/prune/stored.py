"""A version of a package, with what its manifest says of others.

Source: OCI image specification 1.1, image-index.md and manifest.md; OCI distribution specification
1.1, "Referrers tag schema".
"""

import re
from dataclasses import dataclass

from tcv_action.github.version import PackageVersion
from tcv_action.oci import document

# cosign adds what it is: sha256-<hex>.sig, .att, .sbom.
_REFERRER_TAG = re.compile(r"sha256-([0-9a-f]{64})(?:\.[a-z]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A version and what its manifest says: the digests that it joins, and those it refers to."""

    version: PackageVersion
    children: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()

    @property
    def digest(self) -> str:
        """The manifest's digest."""
        return self.version.digest

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that people gave; a referrers' tag is none."""
        return tuple(tag for tag in self.version.tags if not _REFERRER_TAG.fullmatch(tag))

    @property
    def name(self) -> str:
        """What a person calls it: its first tag, else the digest's beginning."""
        return self.tags[0] if self.tags else f"{self.digest[:19]}…"


def stored(version: PackageVersion, manifest: bytes) -> Stored:
    """Join a version and its manifest; raises InputError for one that cannot be read."""
    content = document.load(manifest, "manifest")
    joined = document.parse_list(content.get("manifests"), "index", "manifests")
    subject = content.get("subject")
    named = [document.parse_descriptor(subject, "manifest").digest] if subject else []
    by_tag = (_REFERRER_TAG.fullmatch(tag) for tag in version.tags)
    return Stored(
        version=version,
        children=frozenset(document.parse_descriptor(one, "index").digest for one in joined),
        subjects=frozenset([*named, *(f"sha256:{match[1]}" for match in by_tag if match)]),
    )
