"""Reading the labels of every generation."""

import json
from pathlib import Path

import pytest
from tests.archives import archive, entry_members, gzip_layer, image_of, manifest_member
from tests.caches import unpack_native_h100

from tcv_action.errors import InputError
from tcv_action.image import Contract, PackOptions, Variant, pack, read_contract
from tcv_action.image.records import compact, parse_manifest_json, recorded_requests
from tcv_action.oci.layout import Layout
from tcv_action.oci.media_types import CONTENT_LAYER
from tcv_action.triton.reader import read_cache
from tcv_action.triton.target import Target

# As the first generation's README shows it, and as the newest tool writes it.
TCV = {
    "cache.triton.image/cache-size-bytes": "80415",
    "cache.triton.image/entry-count": "1",
    "cache.triton.image/metadata": (
        '[{"hash":"ab","backend":"cuda","arch":"75","warp_size":32,"dummy_key":"cd"}]'
    ),
    "cache.triton.image/summary": (
        '{"variant":"multi","entry_count":1,'
        '"targets":[{"backend":"cuda","arch":"75","warp_size":32}]}'
    ),
    "cache.triton.image/variant": "multi",
    "org.opencontainers.image.title": "add-cache",
}
MCV = {
    "cache.triton.image/cache-size-bytes": "80415",
    "cache.triton.image/entry-count": "1",
    "cache.triton.image/summary": (
        '{"targets":[{"backend":"hip","arch":"gfx90a","warp_size":64}]}'
    ),
}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout.create(tmp_path / "layout")


def test_labels_of_the_first_generation(layout: Layout) -> None:
    layer = gzip_layer(archive([*entry_members(), manifest_member(bare=True)]))

    facts = read_contract(image_of(layout, [layer], TCV))

    assert facts.generation is Contract.TCV
    assert facts.targets == (Target("cuda", "75", 32),)
    assert (facts.entry_count, facts.cache_size_bytes, facts.title) == (1, 80415, "add-cache")
    assert facts.metadata is not None
    assert facts.metadata[0]["dummy_key"] == "cd"


def test_labels_of_the_newest_generation(layout: Layout) -> None:
    layer = gzip_layer(archive([*entry_members(), manifest_member()]))

    facts = read_contract(image_of(layout, [layer], MCV))

    assert (facts.generation, facts.variant) == (Contract.MCV, Variant.COMPAT)
    assert facts.targets == (Target("hip", "gfx90a", 64),)
    assert (facts.metadata, facts.environment, facts.path_style) == (None, None, None)


def test_an_entry_count_only_in_the_summary_is_enough(layout: Layout) -> None:
    layer = gzip_layer(archive([*entry_members(), manifest_member()]))
    labels = {name: value for name, value in TCV.items() if "entry-count" not in name}

    assert read_contract(image_of(layout, [layer], labels)).entry_count == 1


def test_what_is_written_is_read(tmp_path: Path, layout: Layout) -> None:
    cache = read_cache(unpack_native_h100(tmp_path))

    facts = read_contract(pack(cache, None, layout, options=PackOptions(title="suite")))

    assert facts.targets == (Target("cuda", "90", 32),)
    assert (facts.entry_count, facts.title, facts.triton_version) == (31, "suite", "3.6.0")
    assert (facts.python_abi, facts.host_arch) == ("cpython-312", "x86_64")
    assert (facts.path_style, facts.contents) == ("portable", "full")
    assert facts.architecture == "amd64"
    assert facts.metadata is not None
    assert len(facts.metadata) == 31


@pytest.mark.parametrize(
    "content",
    [b'[{"hash":"ab"}]', b'{"triton":[{"hash":"ab"}]}', b'{"triton":[{"hash":"ab"}],"x":1}'],
)
def test_both_forms_of_manifest_json_are_read(content: bytes) -> None:
    assert parse_manifest_json(content) == [{"hash": "ab"}]


@pytest.mark.parametrize(
    "content", [b"", b"7", b"{}", b'{"triton":7}', b"[7]", b'[{"hash":"\\ud800"}]']
)
def test_other_forms_are_refused(content: bytes) -> None:
    with pytest.raises(InputError, match=r"manifest\.json"):
        parse_manifest_json(content)


@pytest.mark.parametrize(
    "summary",
    [
        *("", "[]", "{}", '{"targets":{}}', '{"targets":[{"backend":"cuda"}]}', "[" * 100_000),
        '{"targets":[{"backend":"cuda","arch":"90<b>","warp_size":32}]}',
        '{"targets":[{"backend":"cuda","arch":90,"warp_size":true}]}',
        '{"targets":[{"backend":"cuda","arch":90,"warp_size":32}],"x":"\\ud800"}',
    ],
)
def test_a_summary_that_cannot_be_read_is_named(layout: Layout, summary: str) -> None:
    layer = gzip_layer(archive([manifest_member()]))
    labels = MCV | {"cache.triton.image/summary": summary}

    with pytest.raises(InputError, match=r"cache\.triton\.image/summary") as raised:
        read_contract(image_of(layout, [layer], labels))
    assert len(json.dumps(str(raised.value))) < 500


def test_a_content_layer_beside_others_is_refused(layout: Layout) -> None:
    tar = archive([*entry_members(), manifest_member()])
    layers = [gzip_layer(tar, CONTENT_LAYER), gzip_layer(tar)]

    with pytest.raises(InputError, match="and 1 more"):
        read_contract(image_of(layout, layers, MCV))


def test_a_number_that_json_does_not_know_is_refused_when_written() -> None:
    with pytest.raises(InputError, match="cannot be written as JSON") as caught:
        compact({"num_warps": float("inf")})
    assert caught.value.cause
    assert caught.value.next_step


def test_infinity_in_the_requests_of_an_older_image_is_read_as_it_is_written_now() -> None:
    kernel = {"name": "fill", "hash": "ab", "target": "cuda:90", "source": "a.py:1"}
    request = {**kernel, "signature": {}, "constants": {}, "attributes": {}, "options": {}}
    request["constants"] = {"V": float("-inf")}
    (read,) = recorded_requests(json.dumps({"triton": [], "requests": [request]}).encode())
    assert read.constants == {"V": "-Infinity"}
