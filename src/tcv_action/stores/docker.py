"""Images in a docker engine, `docker-daemon:NAME[:TAG]`.

An engine keeps the config and the unpacked layers and gives the image an id; it names no manifest,
so an image that is read back has one made for it.
"""

import json
import tarfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

import docker
from docker.errors import DockerException, ImageNotFound
from requests import RequestException

from tcv_action.errors import StoreError
from tcv_action.oci.archive import read_member
from tcv_action.oci.contents import Contents
from tcv_action.oci.docker_archive import SAVED, choose_saved, open_saved, parse_saved
from tcv_action.oci.image import OciImage
from tcv_action.oci.index import OciIndex
from tcv_action.oci.members import tar_chunks
from tcv_action.oci.reference import Reference
from tcv_action.oci.streams import StreamMembers
from tcv_action.stores import Pushed
from tcv_action.stores.archive import no_index
from tcv_action.stores.reading import check_digest

_USUAL_HOST = "unix:///var/run/docker.sock"
# An engine that is there says so at once; one that loads a large image is silent for minutes.
_HELLO = 5
_SECONDS = 900


class DockerStore:
    """Reads and writes images of one engine."""

    def __init__(self, environment: Mapping[str, str] | None) -> None:
        """Connect to the engine that DOCKER_HOST and its like name in the environment.

        Raises StoreError where none answers.
        """
        _require_socket(environment)
        with _trouble("reach the docker engine"):
            client = docker.from_env(
                environment=None if environment is None else dict(environment), timeout=_HELLO
            )
            # The stubs know the client only in part.
            self._api: Any = client.api
            weakref.finalize(self, client.close)
            self._api.ping()
            self._api.timeout = _SECONDS

    def has(self, reference: Reference) -> bool:
        """Whether the engine has an image of that name."""
        return self._id(_name(reference)) is not None

    def read(self, reference: Reference) -> OciImage:
        """Return the image; documents are read now, its layers stream from the engine."""
        name = _name(reference)
        place = f"docker-daemon:{name}"
        with _trouble(f"read the image {name!r} from docker"):
            self._api.inspect_image(name)
            members = StreamMembers(lambda: self._saved(name))
        saved = parse_saved(read_member(members, SAVED, place))
        return open_saved(members, choose_saved(saved, None, place), place)

    def read_index(self, reference: Reference) -> None:
        """Return None: the engine hands out single images."""

    def write(self, image: OciImage, reference: Reference) -> Pushed:
        """Load the image under its name, or only name it where the engine has it."""
        check_digest(image.digest, reference)
        name = reference.tagged_name
        ids = (image.config_descriptor.digest, image.digest)
        with _trouble(f"load the image {name!r} into docker"):
            sent = 0
            if self._id(name) not in ids:
                sent = self._tag_or_load(image, name, ids)
            if self._id(name) not in ids:
                raise _other_image(name, image)
        return Pushed(reference=reference, digest=image.digest, uploaded_bytes=sent)

    def write_index(
        self,
        index: OciIndex,
        images: Sequence[OciImage],  # noqa: ARG002
        reference: Reference,
    ) -> Pushed:
        """Raise InputError: the engine takes single images."""
        raise no_index(index, reference)

    def _tag_or_load(self, image: OciImage, name: str, ids: Sequence[str]) -> int:
        known = next((each for each in ids if self._id(each)), None)
        if known is not None:
            repository, _, tag = name.rpartition(":")
            self._api.tag(known, repository, tag)
            return 0
        contents = Contents().with_name(image, name)
        for line in self._api.load_image(tar_chunks(contents.members())):
            # An error comes inside the stream, under a status of success.
            if "error" in line:
                raise DockerException(str(line["error"]))
        return sum(member.size for member in contents.files.values())

    def _id(self, name: str) -> str | None:
        """Return the id of the image of that name; it decides, as a load may answer otherwise."""
        try:
            found: str = self._api.inspect_image(name)["Id"]
        except ImageNotFound:
            return None
        return found

    @contextmanager
    def _saved(self, name: str) -> Iterator[BinaryIO]:
        # Asked for directly, as a stream of the package's own cannot be closed half-way.
        url = f"{self._api.base_url}/v{self._api.api_version}/images/{quote(name, '/:@')}/get"
        with (
            _trouble(f"read the image {name!r} from docker"),
            self._api.get(url, stream=True, timeout=_SECONDS) as response,
        ):
            response.raise_for_status()
            yield response.raw


def _require_socket(environment: Mapping[str, str] | None) -> None:
    # The docker package leaves a socket open that found nothing to connect to.
    if environment is None:
        return
    host = environment.get("DOCKER_HOST") or _USUAL_HOST
    if host.startswith("unix://") and not Path(host.removeprefix("unix://")).exists():
        with _trouble("reach the docker engine"):
            message = f"there is no socket {host!r}"
            raise DockerException(message)


def _name(reference: Reference) -> str:
    """Return what the engine calls the image; a digest names one that came from a registry."""
    by_digest = reference.digest and not reference.tag
    return reference.image if by_digest else reference.tagged_name


@contextmanager
def _trouble(doing: str) -> Iterator[None]:
    try:
        yield
    except ImageNotFound as error:
        what = f"cannot {doing}: it has no such image"
        step = "Check the name with 'docker images', or pull it first."
        raise StoreError(what, cause="The name or the tag is another.", next_step=step) from error
    except (DockerException, RequestException, tarfile.TarError, json.JSONDecodeError) as error:
        what = f"cannot {doing}: {error}"
        raise StoreError(
            what,
            cause="No engine runs there, you may not use it, or it failed.",
            next_step="Look at 'docker info' and DOCKER_HOST, or write to oci: or with --push.",
        ) from error


def _other_image(name: str, image: OciImage) -> StoreError:
    return StoreError(
        f"docker has another image under {name!r} than the one that was loaded",
        cause=f"It did not keep the config {image.config_descriptor.digest!r}.",
        next_step="Try again, or write to oci: or with --push.",
    )
