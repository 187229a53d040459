"""Versions of a container package, through the packages API, which PyGithub does not wrap.

Source: GitHub's REST API, "Packages": a version of a container package is one manifest or index.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Self
from urllib.parse import quote

from tcv_action.github.api import Api, Item
from tcv_action.github.refusal import ApiError, unexpected
from tcv_action.github.version import PackageVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One container package; `path` is where the API has it."""

    api: Api
    path: str

    @classmethod
    def find(cls, api: Api, repository: str) -> Self:
        """Return the package of an image name without its registry, such as `octo/kernels`.

        Organizations and users have theirs in different places. Raises ApiError.
        """
        owner, _, name = repository.partition("/")
        place = f"{quote(owner)}/packages/container/{quote(name, safe='')}"
        try:
            api.call("GET", f"/orgs/{place}/versions?page=1&per_page=1")
        except ApiError as error:
            if error.status != 404:
                raise
            return cls(api=api, path=f"/users/{place}")
        return cls(api=api, path=f"/orgs/{place}")

    def versions(self) -> tuple[PackageVersion, ...]:
        """Return every version; raises ApiError."""
        path = f"{self.path}/versions"
        return tuple(_version(item, path) for item in self.api.pages(path))

    def current(self, version: PackageVersion) -> PackageVersion | None:
        """Return the version as it is now; None where it is gone. Raises ApiError."""
        path = self._path(version)
        try:
            return _version(self.api.get(path), path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def delete(self, version: PackageVersion) -> None:
        """Delete the version; one that is gone is no failure. Raises ApiError."""
        try:
            self.api.call("DELETE", self._path(version))
        except ApiError as error:
            if error.status != 404:
                raise

    def _path(self, version: PackageVersion) -> str:
        return f"{self.path}/versions/{version.id}"


def _version(item: Item, path: str) -> PackageVersion:
    match item:
        case {
            "id": int(identity),
            "name": str(digest),
            "created_at": str(created),
            "metadata": {"container": {"tags": list(tags)}},
        }:
            return PackageVersion(
                id=identity,
                digest=digest,
                tags=tuple(str(tag) for tag in tags),
                created=datetime.fromisoformat(created),
            )
        case _:
            raise unexpected(path, item)
