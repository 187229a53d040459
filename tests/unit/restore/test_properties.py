"""What holds for any cache and for any damage, tried on many."""

import json
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.archives import archive, entry_members, gzip_layer, image_of, labels, manifest_member
from tests.caches import CUDA, hash_of, key_of

from tcv_action.errors import TcvError
from tcv_action.image import PackOptions, pack
from tcv_action.oci.layout import Layout
from tcv_action.restore import restore
from tcv_action.triton.reader import read_cache

SLOW = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters="/"), max_size=40
)
KINDS = st.sampled_from(["cubin", "ptx", "so", "llir", "bin"])
FILES = st.dictionaries(
    st.builds("{}.{}".format, NAMES, KINDS).filter(lambda name: not name.endswith(".lock")),
    st.tuples(st.binary(max_size=3000), st.booleans()),
    max_size=5,
).filter(lambda files: len({name.casefold() for name in files}) == len(files))
TAR = archive([*entry_members(0), *entry_members(1), manifest_member((0, 1))])


def write_cache(folder: Path, entries: list[dict[str, tuple[bytes, bool]]]) -> Path:
    for number, files in enumerate(entries):
        entry = folder / key_of(number)
        entry.mkdir(parents=True)
        metadata = {"hash": hash_of(number), "target": CUDA, "name": "k"}
        (entry / "k.json").write_text(json.dumps(metadata))
        (entry / "k.cubin").write_bytes(b"cubin")
        for name, (content, executable) in files.items():
            (entry / name).write_bytes(content)
            (entry / name).chmod(0o755 if executable else 0o644)
        children = {name: f"/old/{name}" for name in ("k.json", "k.cubin", *files)}
        (entry / "__grp__k.json").write_text(json.dumps({"child_paths": children}))
    return folder


def described(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode & 0o777)
        for path in folder.rglob("*")
        if path.is_file() and "__grp__" not in path.name
    }


@SLOW
@given(st.lists(FILES, min_size=1, max_size=4))
def test_any_cache_comes_back_as_it_was(entries: list[dict[str, tuple[bytes, bool]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        cache = write_cache(root / "cache", entries)
        image = pack(read_cache(cache), None, Layout.create(root / "layout"), options=PackOptions())

        restored = restore(image, root / "destination")

        assert restored.entries == len(entries)
        assert described(root / "destination") == described(cache)
        for group in (root / "destination").glob("*/__grp__*"):
            for name, path in json.loads(group.read_bytes())["child_paths"].items():
                assert Path(path) == group.parent / name


@SLOW
@given(
    st.lists(st.tuples(st.integers(0, len(TAR) - 1), st.integers(0, 255)), min_size=1, max_size=4),
    st.one_of(st.none(), st.integers(0, len(TAR))),
)
def test_any_damage_is_an_error_of_ours_or_harmless(
    changes: list[tuple[int, int]], cut: int | None
) -> None:
    damaged = bytearray(TAR)
    for place, value in changes:
        damaged[place] = value
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        layout = Layout.create(root / "layout")
        image = image_of(layout, [gzip_layer(bytes(damaged[:cut]))], labels(entries=2))
        try:
            restore(image, root / "destination")
        except TcvError:
            assert not (root / "destination").exists()
        else:
            assert len(read_cache(root / "destination").entries) == 2
        assert {path.name for path in root.iterdir()} <= {"layout", "destination"}


@SLOW
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_any_json_in_the_place_of_metadata_is_an_error_of_ours_or_harmless(
    document: object,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        cache = write_cache(Path(folder), [{}])
        (cache / key_of(0) / "k.json").write_text(json.dumps(document))
        try:
            read_cache(cache)
        except TcvError as error:
            assert all((error.cause, error.next_step))  # noqa: PT017
