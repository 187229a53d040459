"""Which folder of the host a folder of ours is: what a bind mount of a sibling container needs.

In a container action, `/github/workspace` is a mount of a folder that the engine's host knows by
another path. Source: mountinfo in proc(5); "Mounts" in the engine's container inspection.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tcv_action.errors import InputError

_OWN_ID = re.compile(r"/containers/([0-9a-f]{64})/")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPaths:
    """The mounts of our own container as (host's path, our path); None where we run on the host."""

    mounts: tuple[tuple[Path, Path], ...] | None = None

    def bind(self, folder: Path) -> tuple[Path, Path]:
        """Return what to mount for `folder`: the host's path, and the same path as ours.

        Inside a container that is the whole mount that the folder lies in.
        Raises InputError where the host does not know the folder.
        """
        if self.mounts is None:
            return folder, folder
        found = [
            (source, destination)
            for source, destination in self.mounts
            if folder.is_relative_to(destination)
        ]
        if not found:
            what = f"The folder {str(folder)!r} is not visible to the docker engine's host."
            raise InputError(
                what,
                cause="It lies in our own container, and a sibling container can mount host folders"
                " only.",
                next_step="Work in a mounted folder, as the workspace is: -v HOST:/github/workspace.",
            )
        return max(found, key=lambda mount: len(mount[1].parts))

    def knows(self, path: Path) -> bool:
        """Tell whether the host knows this path of ours."""
        return self.mounts is None or any(
            path.is_relative_to(destination) for _, destination in self.mounts
        )


def own_container_id(mountinfo: str) -> str | None:
    """Find our container's id in the text of /proc/self/mountinfo; None outside a container.

    The engine mounts hostname and resolv.conf out of a folder that bears the id.
    """
    match = _OWN_ID.search(mountinfo)
    return match[1] if match else None


def host_paths(mounts: Iterable[Mapping[str, object]]) -> HostPaths:
    """Read the `Mounts` of our own container's inspection."""
    return HostPaths(
        mounts=tuple(
            (Path(str(mount["Source"])), Path(str(mount["Destination"])))
            for mount in mounts
            if mount.get("Source") and mount.get("Type") in {"bind", "volume"}
        )
    )
