"""All that one archive holds, as a value: add images to it, then write its files as a stream."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Self

from tcv_action.oci.archive import INDEX, MARKER_FILE, ArchivedLayout, blob_name, read_member
from tcv_action.oci.descriptor import Descriptor
from tcv_action.oci.docker_archive import SAVED, SavedImage, build_saved, parse_saved
from tcv_action.oci.image import OciImage
from tcv_action.oci.index import OciIndex
from tcv_action.oci.layout_index import MARKER, NamedImage, build_layout_index, renamed
from tcv_action.oci.members import Members, NewMember

# Where engines that keep OCI images look for the name of one that they load.
_ENGINE_NAME = "io.containerd.image.name"
_DOCUMENTS = frozenset({MARKER_FILE, INDEX, SAVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Rows of index.json and, for docker, of manifest.json; the other files by name."""

    images: tuple[NamedImage, ...] = ()
    saved: tuple[SavedImage, ...] = ()
    files: Mapping[str, NewMember] = field(default_factory=dict)

    @classmethod
    def read(cls, members: Members, place: str) -> Self:
        """Return what an archive holds; raises InputError where it is broken."""
        sizes = members.sizes
        images = ArchivedLayout(members, place).images() if INDEX in sizes else ()
        saved = parse_saved(read_member(members, SAVED, place)) if SAVED in sizes else ()
        files = {
            name: NewMember(name=name, size=size, open=partial(members.open, name))
            for name, size in sizes.items()
            if name not in _DOCUMENTS
        }
        return cls(images=images, saved=saved, files=files)

    def with_image(self, image: OciImage, tags: Sequence[str]) -> Self:
        """Return the contents with the image under these tags, taken from whoever had them."""
        return replace(
            self,
            images=renamed(self.images, image.descriptor, tags),
            files={**self.files, **_files(image)},
        )

    def with_index(self, index: OciIndex, images: Sequence[OciImage], tags: Sequence[str]) -> Self:
        """Return the contents with the images, and the index that joins them under these tags."""
        files = dict(self.files)
        for image in images:
            files |= _files(image)
        files |= _document(index.descriptor, index.data)
        return replace(self, images=renamed(self.images, index.descriptor, tags), files=files)

    def with_name(self, image: OciImage, name: str | None) -> Self:
        """Return the contents with the image under `NAME:TAG`, readable for docker too."""
        row = SavedImage(
            config=blob_name(image.config_descriptor.digest),
            layers=tuple(blob_name(layer.digest) for layer in image.layers),
        )
        names = tuple(n for old in self.saved if old.config == row.config for n in old.names)
        if name is not None and name not in names:
            names = (*names, name)
        others = [
            replace(old, names=tuple(n for n in old.names if n != name))
            for old in self.saved
            if old.config != row.config
        ]
        annotations = {**image.descriptor.annotations, **({_ENGINE_NAME: name} if name else {})}
        descriptor = replace(image.descriptor, annotations=annotations)
        tags = (name.rpartition(":")[2],) if name else ()
        return replace(
            self,
            images=renamed(self.images, descriptor, tags),
            saved=(*others, replace(row, names=names)),
            files={**self.files, **_files(image)},
        )

    def members(self) -> list[NewMember]:
        """Return the files in the order in which they are written: documents first."""
        documents = [
            NewMember.of(MARKER_FILE, MARKER),
            NewMember.of(INDEX, build_layout_index(self.images)),
        ]
        if self.saved:
            documents.append(NewMember.of(SAVED, build_saved(self.saved)))
        return [*documents, *(self.files[name] for name in sorted(self.files))]


def _files(image: OciImage) -> dict[str, NewMember]:
    blobs = {
        blob_name(blob.digest): NewMember(
            name=blob_name(blob.digest),
            size=blob.size,
            open=partial(image.blobs.open_blob, blob),
        )
        for blob in (*image.layers, image.config_descriptor)
    }
    return blobs | _document(image.descriptor, image.manifest)


def _document(descriptor: Descriptor, data: bytes) -> dict[str, NewMember]:
    name = blob_name(descriptor.digest)
    return {name: NewMember.of(name, data)}
