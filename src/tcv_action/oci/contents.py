"""All that one archive holds, as a value: add images to it, then write its files as a stream."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Self

from tcv_action.errors import InputError
from tcv_action.oci import document
from tcv_action.oci.archive import INDEX, MARKER_FILE, ArchivedLayout, blob_name, read_member
from tcv_action.oci.descriptor import Descriptor
from tcv_action.oci.docker_archive import SAVED, SavedImage, build_saved, parse_saved
from tcv_action.oci.image import OciImage
from tcv_action.oci.index import OciIndex
from tcv_action.oci.layout_index import MARKER, NamedImage, build_layout_index, renamed
from tcv_action.oci.media_types import INDEXES, MANIFESTS
from tcv_action.oci.members import Members, NewMember

# Where engines that keep OCI images look for the name of one that they load.
_ENGINE_NAME = "io.containerd.image.name"
_LISTS = ("layers", "manifests")
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

    def with_image(self, image: OciImage, names: Sequence[str | None]) -> Self:
        """Return the contents with the image under these names, taken from whoever had them.

        Here as below, the files that only a replaced image needed are left out; for names see
        `renamed`.
        """
        new = replace(
            self,
            images=renamed(self.images, image.descriptor, names),
            files={**self.files, **_files(image)},
        )
        return new._without_unused(self)

    def with_index(
        self, index: OciIndex, images: Sequence[OciImage], names: Sequence[str | None]
    ) -> Self:
        """Return the contents with the images, and the index that joins them under these names."""
        files = dict(self.files)
        for image in images:
            files |= _files(image)
        files |= _document(index.descriptor, index.data)
        rows = renamed(self.images, index.descriptor, names)
        return replace(self, images=rows, files=files)._without_unused(self)

    def with_name(self, image: OciImage, name: str | None) -> Self:
        """Return the contents with the image under `NAME:TAG`, readable for docker too."""
        row = SavedImage(
            config=blob_name(image.config_descriptor.digest),
            layers=tuple(blob_name(layer.digest) for layer in image.layers),
        )
        names = tuple(n for old in self.saved if old.config == row.config for n in old.names)
        if name is not None and name not in names:
            names = (*names, name)
        new = replace(
            self,
            images=self._indexed(image.descriptor, name),
            saved=(*self._other_rows(row.config, name), replace(row, names=names)),
            files={**self.files, **_files(image)},
        )
        return new._without_unused(self)

    def _indexed(self, descriptor: Descriptor, name: str | None) -> tuple[NamedImage, ...]:
        """Return index.json's rows; the same tag under another name is another image."""
        others = [row for row in self.images if _engine_name(row, name) != name]
        rows = [row for row in self.images if _engine_name(row, name) == name]
        if name is None:
            return (*others, *renamed(rows, descriptor, (None,)))
        annotations = {**descriptor.annotations, _ENGINE_NAME: name}
        named = replace(descriptor, annotations=annotations)
        return (*others, *renamed(rows, named, (name.rpartition(":")[2],)))

    def _other_rows(self, config: str, name: str | None) -> Iterator[SavedImage]:
        """Give manifest.json's other rows without the name, less one that had no other name."""
        for old in self.saved:
            names = tuple(each for each in old.names if each != name)
            replaced = name in (old.names or (None,)) and not names
            if old.config != config and not replaced:
                yield replace(old, names=names)

    def _without_unused(self, old: Self) -> Self:
        unused = old._used() - self._used()
        files = {name: file for name, file in self.files.items() if name not in unused}
        return replace(self, files=files)

    def _used(self) -> set[str]:
        """Return the names of the files that the rows lead to."""
        used = {name for row in self.saved for name in (row.config, *row.layers)}
        waiting = [image.descriptor for image in self.images]
        while waiting:
            descriptor = waiting.pop()
            name = blob_name(descriptor.digest)
            if name not in used:
                waiting += _parts(self.files.get(name), descriptor)
            used.add(name)
        return used

    def members(self) -> list[NewMember]:
        """Return the files in the order in which they are written: documents first."""
        documents = [
            NewMember.of(MARKER_FILE, MARKER),
            NewMember.of(INDEX, build_layout_index(self.images)),
        ]
        if self.saved:
            documents.append(NewMember.of(SAVED, build_saved(self.saved)))
        return [*documents, *(self.files[name] for name in sorted(self.files))]


def _engine_name(row: NamedImage, otherwise: str | None) -> str | None:
    return row.descriptor.annotations.get(_ENGINE_NAME, otherwise)


def _parts(file: NewMember | None, descriptor: Descriptor) -> list[Descriptor]:
    """Return what a manifest or index names; nothing where it is missing or broken."""
    known = descriptor.media_type in (*MANIFESTS, *INDEXES)
    if file is None or not known or file.size > document.MANIFEST_LIMIT:
        return []
    with suppress(InputError), file.open() as stream:
        content = document.load(stream.read(), "manifest")
        lists = (document.parse_list(content.get(key), "manifest", key) for key in _LISTS)
        parts = [content["config"]] if "config" in content else []
        return [document.parse_descriptor(part, "manifest") for part in chain(parts, *lists)]
    return []


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
