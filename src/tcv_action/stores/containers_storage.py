"""Images in the storage of buildah, podman and skopeo, `containers-storage:NAME[:TAG]`.

It is reached by whichever of these programs is installed. The storage keeps the exact manifest and
unpacked layers.
"""

import re
import shutil
import subprocess
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tcv_action.errors import StoreError
from tcv_action.oci.directory import DirectoryBlobs, read_directory, write_directory
from tcv_action.oci.disk import disk_trouble
from tcv_action.oci.image import OciImage
from tcv_action.oci.index import OciIndex
from tcv_action.oci.reference import Reference
from tcv_action.stores import Pushed
from tcv_action.stores.archive import no_index
from tcv_action.stores.reading import check_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class _Program:
    """A program and its words; NAME, FOLDER and ID stand for what they say."""

    name: str
    digest: tuple[str, ...]
    load: tuple[str, ...]
    tag: tuple[str, ...]
    save: tuple[str, ...]


_PLACEHOLDER = re.compile(r"\b(?:NAME|FOLDER|ID)\b")
# buildah stands first, as it did for the tools that this one takes the place of.
_PROGRAMS = (
    _Program(
        name="buildah",
        digest=("inspect", "--type=image", "--format={{.FromImageDigest}}", "NAME"),
        load=("pull", "--quiet", "dir:FOLDER"),
        tag=("tag", "ID", "NAME"),
        save=("push", "--quiet", "--disable-compression", "NAME", "dir:FOLDER"),
    ),
    _Program(
        name="podman",
        digest=("image", "inspect", "--format={{.Digest}}", "NAME"),
        load=("pull", "--quiet", "dir:FOLDER"),
        tag=("tag", "ID", "NAME"),
        save=("push", "--quiet", "NAME", "dir:FOLDER"),
    ),
    _Program(
        name="skopeo",
        digest=("inspect", "--format={{.Digest}}", "containers-storage:NAME"),
        load=("copy", "--quiet", "dir:FOLDER", "containers-storage:NAME"),
        tag=(),
        save=("copy", "--quiet", "containers-storage:NAME", "dir:FOLDER"),
    ),
)


def installed_program(environment: Mapping[str, str] | None) -> str | None:
    """Return the name of the program that would be used, or None where none is installed."""
    found = _find(environment)
    return found[0].name if found else None


def _find(environment: Mapping[str, str] | None) -> tuple[_Program, str] | None:
    path = None if environment is None else environment.get("PATH")
    for program in _PROGRAMS:
        found = shutil.which(program.name, path=path)
        if found is not None:
            return program, found
    return None


class ContainersStorage:
    """Reads and writes images of the storage that the programs find by their own configuration."""

    def __init__(self, environment: Mapping[str, str] | None) -> None:
        """Look for a program; raises StoreError where none is installed."""
        found = _find(environment)
        if found is None:
            what = "containers-storage cannot be reached: no buildah, podman or skopeo is installed"
            step = "Install one of them, or write to oci: or with --push."
            raise StoreError(what, next_step=step)
        self._program, self._path = found
        self._environment = None if environment is None else dict(environment)

    def has(self, reference: Reference) -> bool:
        """Whether the storage has an image of that name."""
        return self._digest(reference.tagged_name) is not None

    def read(self, reference: Reference) -> OciImage:
        """Return the image; its layers are copied to a folder that lives as long as it does."""
        name = reference.tagged_name
        if self._digest(name) is None:
            what = f"containers-storage has no image {name!r}"
            step = "Look at 'buildah images' or 'podman images'."
            raise StoreError(what, cause="The name or the tag is another.", next_step=step)
        folder = Path(tempfile.mkdtemp(prefix="tcv-image-"))
        blobs = DirectoryBlobs(folder)
        weakref.finalize(blobs, shutil.rmtree, folder, ignore_errors=True)
        self._require(self._program.save, NAME=name, FOLDER=str(folder))
        return read_directory(folder, blobs)

    def read_index(self, reference: Reference) -> None:
        """Return None: the storage hands out single images."""

    def write(self, image: OciImage, reference: Reference) -> Pushed:
        """Load the image under its name unless the storage has it there."""
        check_digest(image.digest, reference)
        name = reference.tagged_name
        sent = 0
        if self._digest(name) != image.digest:
            with (
                disk_trouble(Path(tempfile.gettempdir())),
                tempfile.TemporaryDirectory(prefix="tcv-image-") as folder,
            ):
                sent = write_directory(image, Path(folder))
                identity = self._require(self._program.load, NAME=name, FOLDER=folder)
            if self._program.tag:
                self._require(self._program.tag, NAME=name, ID=identity.split()[-1])
        return Pushed(reference=reference, digest=image.digest, uploaded_bytes=sent)

    def write_index(
        self,
        index: OciIndex,
        images: Sequence[OciImage],  # noqa: ARG002
        reference: Reference,
    ) -> Pushed:
        """Raise InputError: images are taken one at a time."""
        raise no_index(index, reference)

    def _digest(self, name: str) -> str | None:
        """Return the digest of the image of that name, or None where there is none."""
        done = self._run(self._program.digest, NAME=name)
        return done.stdout.strip() if done.returncode == 0 else None

    def _require(self, words: Sequence[str], **values: str) -> str:
        done = self._run(words, **values)
        if done.returncode != 0:
            self._fail(done)
        return done.stdout

    def _run(self, words: Sequence[str], **values: str) -> subprocess.CompletedProcess[str]:
        filled = [_PLACEHOLDER.sub(lambda found: values[found[0]], word) for word in words]
        return subprocess.run(
            [self._path, *filled],
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            env=self._environment,
        )

    def _fail(self, done: subprocess.CompletedProcess[str]) -> NoReturn:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        what = f"{self._program.name} {done.args[1]} failed: {last}"
        raise StoreError(
            what,
            cause="The storage cannot be used by this user, or is damaged, or the disk is full.",
            next_step="Try the same program by hand, or write to oci: or with --push.",
        )
