"""The dummy keys that the original tools recorded, compared as their `--baremetal` did."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.caches import add_entry

from tcv_action import api
from tcv_action.gpus.gpu import Inventory
from tcv_action.image import ImageFacts, PackOptions, read_contract
from tcv_action.preflight.check import check
from tcv_action.preflight.machine import Machine
from tcv_action.preflight.verdict import Outcome, Verdict
from tcv_action.triton.dummy_key import UNKNOWN_TRITON_KEY, DummyKeys

BUILDER = DummyKeys(triton_key="3.6.0-abc", variables_digest="0" * 64)


def facts(folder: Path, keys: DummyKeys | None) -> ImageFacts:
    add_entry(folder / "cache", 1)
    add_entry(folder / "cache", 2, num_stages=2)
    name = f"oci:{folder / 'images'}:v1"
    api.create(folder / "cache", name, options=PackOptions(dummy_keys=keys))
    return read_contract(api.named_image(name))


def verdict(image: ImageFacts, here: DummyKeys) -> Verdict:
    machine = Machine(inventory=Inventory(gpus=(), absences=()), dummy_keys=here)
    (found,) = [point for point in check(image, machine).points if point.point == "dummy keys"]
    return found


def test_the_same_triton_agrees(tmp_path: Path) -> None:
    found = verdict(facts(tmp_path, BUILDER), BUILDER)

    assert found.outcome is Outcome.HIT
    assert found.image == found.here


@pytest.mark.parametrize(
    "here",
    [replace(BUILDER, triton_key="3.6.0-abd"), replace(BUILDER, variables_digest="1" * 64)],
    ids=["Triton", "variables"],
)
def test_another_triton_or_environment_will_miss(tmp_path: Path, here: DummyKeys) -> None:
    found = verdict(facts(tmp_path, BUILDER), here)

    assert found.outcome is Outcome.MISS
    assert found.image != found.here
    assert "another Triton" in found.reason


def test_a_builder_without_triton_tells_nothing(tmp_path: Path) -> None:
    found = verdict(facts(tmp_path, None), BUILDER)

    assert (found.outcome, found.reason) == (
        Outcome.UNKNOWN,
        "the tool that built the image had no Triton",
    )


def test_neither_does_a_triton_without_a_key_or_an_image_without_records(tmp_path: Path) -> None:
    image = facts(tmp_path, BUILDER)

    assert verdict(image, replace(BUILDER, triton_key=UNKNOWN_TRITON_KEY)).outcome is (
        Outcome.UNKNOWN
    )
    assert verdict(replace(image, metadata=None), BUILDER).outcome is Outcome.UNKNOWN


def test_they_are_compared_where_it_is_asked_for_alone(tmp_path: Path) -> None:
    machine = Machine(inventory=Inventory(gpus=(), absences=()))

    points = check(facts(tmp_path, BUILDER), machine).points

    assert "dummy keys" not in {point.point for point in points}
