"""The Python API: what the commands do, as values."""

import dataclasses
import re
import subprocess
import sys
from inspect import signature
from pathlib import Path

import pytest
from tests.caches import CUDA, HIP, add_entry, small_cache
from tests.framework_caches import add_vllm_binary

from tcv_action import api
from tcv_action.errors import (
    IncompatibleError,
    InputError,
    NothingToPackageError,
    StoreError,
    WarmupError,
)
from tcv_action.frameworks.detect import Kind
from tcv_action.frameworks.vllm import VllmCache
from tcv_action.gpus.made_up import made_up
from tcv_action.image import Contents, PackOptions
from tcv_action.merge import merge
from tcv_action.oci.media_types import MediaTypes
from tcv_action.oci.reference import Reference
from tcv_action.preflight.verdict import Outcome
from tcv_action.stores.access import RegistryAccess
from tcv_action.stores.layout import LayoutStore
from tcv_action.triton.cache import Cache
from tcv_action.triton.target import Target

H100, MI210, A100 = Target("cuda", "90", 32), Target("hip", "gfx90a", 64), Target("cuda", "80", 32)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return small_cache(tmp_path / "cache")


@pytest.fixture
def name(tmp_path: Path) -> str:
    return f"oci:{tmp_path / 'images'}:v1"


@pytest.fixture
def index(tmp_path: Path) -> str:
    """An index for cuda:90 and hip:gfx90a."""
    images = []
    for arch in (CUDA, HIP | {"arch": "gfx90a"}):
        add_entry(tmp_path / str(arch["arch"]), target=arch)
        name = f"oci:{tmp_path / 'legs'}:{arch['arch']}"
        api.create(tmp_path / str(arch["arch"]), name)
        images.append(api.named_image(name))
    reference = Reference.parse(f"oci:{tmp_path / 'images'}:all")
    LayoutStore().write_index(merge(images, MediaTypes.OCI), images, reference)
    return str(reference)


def test_an_image_is_made_and_told_of(cache: Path, name: str) -> None:
    (cache / "tmp.pid_1_x").mkdir()
    created = api.create(cache, name)

    assert str(created.reference) == name
    assert created.facts.targets == (H100,)
    assert created.facts.entry_count == 3
    assert created.left_out == ("tmp.pid_1_x",)
    assert created.uploaded_bytes > created.image_size_bytes > 0
    again = api.create(str(cache), name)
    assert (again.digest, again.uploaded_bytes) == (created.digest, 0)


def test_options_and_a_target_reach_the_image(cache: Path, name: str) -> None:
    add_entry(cache, 7, target=HIP)
    options = PackOptions(contents=Contents.BINARY, title="mine")
    created = api.create(cache, name, target="hip:gfx942", options=options)

    assert created.facts.targets == (Target("hip", "gfx942", 64),)
    assert (created.facts.contents, created.facts.title) == ("binary", "mine")


def test_an_image_is_restored(cache: Path, name: str, tmp_path: Path) -> None:
    created = api.create(cache, name)
    extracted = api.extract(name, tmp_path / "out", check=False)

    assert extracted.digest == created.digest
    assert extracted.verdicts is None
    assert extracted.restored.entries == 3
    assert extracted.restored.destination == tmp_path / "out"


def test_the_usual_folder_is_that_of_the_environment(
    cache: Path, name: str, tmp_path: Path
) -> None:
    api.create(cache, name)
    add_vllm_binary(tmp_path / "vllm")
    api.create(tmp_path / "vllm", f"{name}-vllm")
    access = RegistryAccess(environment={"HOME": str(tmp_path / "home"), "PATH": ""})

    folders = [
        api.extract(one, check=False, access=access).restored.destination
        for one in (name, f"{name}-vllm")
    ]

    assert folders == [tmp_path / "home/.triton/cache", tmp_path / "home/.cache/vllm"]


def test_what_cannot_hit_is_refused_before_anything_is_written(
    cache: Path, name: str, tmp_path: Path
) -> None:
    api.create(cache, name)

    with pytest.raises(IncompatibleError, match="another vendor"):
        api.extract(name, tmp_path / "out", gpus=made_up("amd"))
    with pytest.raises(IncompatibleError, match="no other arch"):
        api.extract(name, tmp_path / "out", gpus=made_up("nvidia"))
    assert not (tmp_path / "out").exists()


def test_a_named_interpreter_must_have_triton(cache: Path, name: str, tmp_path: Path) -> None:
    for call in (
        lambda: api.create(cache, name, python="/bin/true"),
        lambda: api.extract(name, tmp_path / "out", python="/bin/true"),
        lambda: api.preflight(name, python="/bin/true"),
    ):
        with pytest.raises(WarmupError, match="/bin/true"):
            call()
        api.create(cache, name)


def test_preflight_is_foretelling_and_raises_nothing(cache: Path, name: str) -> None:
    api.create(cache, name)

    verdicts = api.preflight(name, gpus=made_up("amd"))

    assert verdicts.outcome is Outcome.MISS
    assert [item.covered for item in verdicts.gpus] == [False, False]


def test_a_folder_an_image_and_an_index_are_inspected(cache: Path, name: str, index: str) -> None:
    api.create(cache, name)
    folder, image, several = api.inspect(cache), api.inspect(name), api.inspect(index)

    assert isinstance(folder, api.InspectedFolder)
    assert isinstance(folder.cache, Cache)
    assert isinstance(image, api.InspectedImage)
    assert image.facts.kind is Kind.TRITON
    assert isinstance(several, api.InspectedIndex)
    assert [one.facts.targets for one in several.images] == [(H100,), (MI210,)]
    one = api.inspect(index, target=MI210)
    assert isinstance(one, api.InspectedImage)
    assert one.image.digest == several.images[1].image.digest
    here = api.inspect(index, gpus=made_up("amd"))
    assert isinstance(here, api.InspectedImage)
    assert here.image.digest == one.image.digest


def test_a_vllm_folder_is_inspected(tmp_path: Path) -> None:
    add_vllm_binary(tmp_path / "vllm")
    found = api.inspect(tmp_path / "vllm")

    assert isinstance(found, api.InspectedFolder)
    assert isinstance(found.cache, VllmCache)


def test_the_gpus_choose_in_an_index(index: str, tmp_path: Path) -> None:
    extracted = api.extract(index, tmp_path / "out", gpus=made_up("amd"))

    assert extracted.restored.entries == 1
    assert extracted.verdicts is not None
    assert not [miss for miss in extracted.verdicts.misses if miss.point == "arch"]
    with pytest.raises(IncompatibleError, match="cuda:80"):
        api.extract(index, tmp_path / "none", gpus=made_up("nvidia"))
    with pytest.raises(IncompatibleError, match="cuda:80"):
        api.preflight(index, target=A100)


def test_a_stub_file_stands_for_the_machine(tmp_path: Path) -> None:
    (tmp_path / "stub.yaml").write_text("gpus: [{target: 'cuda:90'}]")

    assert api.system_gpus(tmp_path / "stub.yaml").targets == (H100,)
    assert api.system_gpus() == api.system_gpus()


def test_bad_input_is_named(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone"):
        api.create(tmp_path / "gone", f"oci:{tmp_path / 'images'}")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingToPackageError):
        api.create(tmp_path / "empty", f"oci:{tmp_path / 'images'}")
    with pytest.raises(InputError, match="'cuda:x'"):
        api.create(cache, f"oci:{tmp_path / 'images'}", target="cuda:x")
    with pytest.raises(InputError, match="no cache folder"):
        api.inspect("./gone")
    with pytest.raises(InputError, match="gone"):
        api.inspect(tmp_path / "gone")
    assert not (tmp_path / "images").exists()


def test_a_plain_name_without_a_local_store_is_refused(cache: Path, tmp_path: Path) -> None:
    nothing = {"PATH": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}

    with pytest.raises(StoreError, match=r"'quay\.io/x/y'") as caught:
        api.create(cache, "quay.io/x/y", access=RegistryAccess(environment=nothing))

    assert "oci:" in caught.value.next_step


def test_the_document_says_what_the_signatures_say() -> None:
    text = (Path(__file__).parents[2] / "docs/api.md").read_text()
    rows = dict(re.findall(r"^\| `([a-z_]+)\((.*?)\)` \|", text, re.MULTILINE))

    assert rows.keys() == {
        *("create", "extract", "inspect", "preflight", "system_gpus", "named_image")
    }
    for name, parameters in rows.items():
        told = [one.partition("=")[0] for one in parameters.split(", ") if one != "*"]
        assert told == list(signature(getattr(api, name)).parameters), name


def test_results_are_frozen(cache: Path, name: str) -> None:
    created = api.create(cache, name)

    with pytest.raises(dataclasses.FrozenInstanceError):
        created.digest = "another"  # type: ignore[misc]


def test_importing_it_loads_nothing_heavy() -> None:
    heavy = {"oras", "docker", "github", "yaml", "requests", "urllib3", "triton", "torch", "click"}
    code = "import sys; from tcv_action import api; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not heavy & set(done.stdout.split())
