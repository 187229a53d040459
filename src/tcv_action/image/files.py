"""Which files come into the layer, and under which names."""

from collections.abc import Iterator
from pathlib import Path

from tcv_action.frameworks.tree import Tree
from tcv_action.image.names import CACHE_FOLDER
from tcv_action.image.options import Contents, PackOptions
from tcv_action.oci.layer import LayerFile
from tcv_action.triton.cache import Cache, CachedFile
from tcv_action.triton.groups import is_group_file, rewrite_group
from tcv_action.triton.listing import read_json_file

_BINARY_KINDS = frozenset({"cubin", "hsaco", "json", "so"})


def cache_files(cache: Cache, options: PackOptions) -> Iterator[LayerFile]:
    """Give the files of a Triton cache as a layer takes them, sorted by the bytes of their names.

    Group files are read when they come, and rewritten for the path style.
    """
    return _triton_files(cache, CACHE_FOLDER, options.path_style.prefix, options.contents)


def tree_files(tree: Tree, folder: str, options: PackOptions) -> list[LayerFile]:
    """List the files of a framework's cache under `folder`, those of its Triton caches as above."""
    files: list[LayerFile] = []
    for place, cache in tree.triton.items():
        prefix = f"{options.path_style.prefix.rstrip('/')}/{place}"
        files += _triton_files(cache, f"{folder}/{place}", prefix, options.contents)
    inside = {
        f"{place}/{file.path}" for place, cache in tree.triton.items() for file in cache.files
    }
    others = (file for file in tree.files if file.path not in inside)
    files += [_plain_file(tree.root, file, folder) for file in others]
    return sorted(files, key=lambda file: file.name.encode())


def _triton_files(
    cache: Cache, folder: str, prefix: str, contents: Contents
) -> Iterator[LayerFile]:
    for one in sorted(cache.folders, key=lambda one: f"{one.key}/".encode()):
        kept = [file for file in one.files if _is_kept(file, contents)]
        present = {file.name for file in kept}
        for file in kept:
            if is_group_file(file.name):
                yield _group_file(cache.root, file, folder, prefix, present)
            else:
                yield _plain_file(cache.root, file, folder)


def _is_kept(file: CachedFile, contents: Contents) -> bool:
    return contents is Contents.FULL or file.kind in _BINARY_KINDS


def _plain_file(root: Path, file: CachedFile, folder: str) -> LayerFile:
    return LayerFile(
        name=f"{folder}/{file.path}",
        size=file.size,
        executable=file.executable,
        source=f"{root}/{file.path}",
    )


def _group_file(
    root: Path, file: CachedFile, folder: str, prefix: str, present: set[str]
) -> LayerFile:
    content = read_json_file(root / file.path, file.path)
    rewritten = rewrite_group(content, key=file.key, prefix=prefix, present=present)
    return LayerFile(
        name=f"{folder}/{file.path}",
        size=len(rewritten),
        executable=file.executable,
        source=rewritten,
    )
