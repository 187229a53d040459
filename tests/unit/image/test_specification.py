"""Every kind of image that can be packed follows the published specification."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from jsonschema import ValidationError
from tests.caches import HIP, add_entry, add_helper, small_cache, unpack_native_h100
from tests.framework_caches import (
    add_vllm_aot,
    add_vllm_binary,
    add_vllm_triton,
    unpack_inductor_h100,
)
from tests.specification import assert_follows_specification, validate
from tests.unit.image.test_pack import ENVIRONMENT, REQUEST

from tcv_action.frameworks.detect import read_any_cache
from tcv_action.image import Contents, Contract, PackOptions, Variant, pack
from tcv_action.oci.layout import Layout
from tcv_action.oci.media_types import MediaTypes
from tcv_action.triton.groups import PORTABLE, PathStyle
from tcv_action.triton.target import Target

OPTIONS = [
    PackOptions(
        media_types=media_types,
        variant=variant,
        contract=contract,
        contents=contents,
        path_style=style,
        title="kernels",
        labels={"org.opencontainers.image.licenses": "Apache-2.0"},
        annotations={"com.example.note": "x"},
    )
    for media_types, variant, contract, contents, style in product(
        MediaTypes, Variant, Contract, Contents, (PORTABLE, PathStyle.parse("baked:/c"))
    )
]


def _mixed(folder: Path) -> Path:
    add_entry(folder / "cache", 1, debug=True, ptx_version=84)
    add_entry(folder / "cache", 2, target=HIP)
    library = next(add_helper(folder / "cache").iterdir())
    library.chmod(0o755)
    return folder / "cache"


def _vllm(folder: Path) -> Path:
    add_vllm_triton(folder / "cache", hash_="1" * 10)
    add_vllm_binary(folder / "cache", hash_="2" * 10)
    add_vllm_binary(folder / "cache", hash_="3" * 10, unpacked=True)
    add_vllm_aot(folder / "cache")
    add_vllm_aot(folder / "cache", hash_="cd" * 32, mega=True)
    return folder / "cache"


@pytest.mark.parametrize("make", [unpack_native_h100, _mixed, _vllm, unpack_inductor_h100])
def test_every_kind_of_cache(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    cache = read_any_cache(make(tmp_path))
    layout = Layout.create(tmp_path / "layout")

    for known in ({}, {"environment": ENVIRONMENT, "requests": (REQUEST,)}):
        image = pack(cache, None, layout, options=PackOptions(), **known)  # type: ignore[arg-type]
        assert_follows_specification(image)


def test_every_choice_of_form(tmp_path: Path) -> None:
    cache = read_any_cache(small_cache(tmp_path / "cache"))
    layout = Layout.create(tmp_path / "layout")

    for options in OPTIONS:
        assert_follows_specification(pack(cache, None, layout, options=options))


def test_a_cache_compiled_ahead_of_time_with_its_target_said(tmp_path: Path) -> None:
    add_vllm_aot(tmp_path / "cache")
    cache = read_any_cache(tmp_path / "cache")
    layout = Layout.create(tmp_path / "layout")

    image = pack(cache, Target("cuda", "90", 32), layout, options=PackOptions())

    assert_follows_specification(image)


def test_the_check_finds_labels_that_lie(tmp_path: Path) -> None:
    cache = read_any_cache(small_cache(tmp_path / "cache"))
    image = pack(cache, None, Layout.create(tmp_path / "layout"), options=PackOptions())

    for old, new in (
        (b'entry-count":"3"', b'entry-count":"4"'),
        (b'entry-count":"3"', b'entry-count":3'),
        (b'image/contents":"full"', b'image/contents":"some"'),
        (b'image/contents":"full"', b'image/content":"full"'),
        (b"warp_size", b"warp-size"),
    ):
        assert old in image.config
        with pytest.raises((AssertionError, ValidationError)):
            assert_follows_specification(replace(image, config=image.config.replace(old, new)))


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"triton": []},
        {"triton": [{"hash": "ab"}]},
        {"triton": [{"hash": "ab", "backend": "cuda", "arch": 90, "warp_size": 32}]},
        {"vllm": [{"vllmHash": "ab", "cacheFormat": "binary", "triton": []}]},
    ],
)
def test_the_schema_refuses_what_is_no_manifest_json(document: Any) -> None:
    with pytest.raises(ValidationError):
        validate(document, "manifest")
