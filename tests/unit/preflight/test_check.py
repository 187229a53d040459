"""Preflight: an image's facts against machines that differ from it in one point each."""

from dataclasses import replace

import pytest

from tcv_action.errors import IncompatibleError
from tcv_action.gpus.gpu import Absence, Gpu, Inventory
from tcv_action.image.contract import ImageFacts
from tcv_action.image.options import Contract, Variant
from tcv_action.preflight.check import check
from tcv_action.preflight.machine import Machine
from tcv_action.preflight.verdict import Outcome, Verdicts, require_compatible, to_json, to_text
from tcv_action.triton.environment import Environment
from tcv_action.triton.target import Target

H100 = Target("cuda", "90", 32)
MI300 = Target("hip", "gfx942", 64)
TOOLS = {"ptxas": "V12.8.93", "ptxas-blackwell": "V13.0.1", "amd-bitcode": "/opt/a/lib"}
VARIABLES: dict[str, str | None] = {"TRITON_DISABLE_LINE_INFO": None, "USE_IR_LOC": None}
ENVIRONMENT = Environment(
    triton_version="3.6.0",
    triton_key="ab12",
    python_version="3.12.3",
    python_abi="cpython-312",
    host_arch="x86_64",
    tools=TOOLS,
    variables=VARIABLES,
)


def facts(*targets: Target) -> ImageFacts:
    return replace(
        facts_of_another_tool(*targets),
        environment=ENVIRONMENT,
        triton_version="3.6.0",
        triton_key="ab12",
        python_abi="cpython-312",
        host_arch="x86_64",
    )


def facts_of_another_tool(*targets: Target) -> ImageFacts:
    return ImageFacts(
        targets=targets,
        entry_count=1,
        cache_size_bytes=None,
        generation=Contract.MCV,
        variant=Variant.COMPAT,
        architecture="amd64",
        labels={},
        title=None,
        triton_version=None,
        triton_key=None,
        python_abi=None,
        host_arch=None,
        path_style=None,
        contents=None,
        environment=None,
        metadata=None,
    )


def machine(*targets: Target) -> Machine:
    gpus = tuple(
        Gpu(index=index, vendor="any", name="a card", target=target)
        for index, target in enumerate(targets)
    )
    inventory = Inventory(gpus=gpus, absences=())
    return Machine(inventory=inventory, environment=ENVIRONMENT)


def changed(here: Machine, **changes: object) -> Machine:
    assert here.environment is not None
    return replace(here, environment=replace(here.environment, **changes))  # type: ignore[arg-type]


def missed(verdicts: Verdicts) -> list[str]:
    return [verdict.point for verdict in verdicts.misses]


def test_the_same_machine_will_hit_on_every_point() -> None:
    verdicts = check(facts(H100), machine(H100))
    assert verdicts.outcome is Outcome.HIT
    assert [verdict.point for verdict in verdicts.points] == [
        "backend",
        "arch",
        "warp size",
        "host CPU",
        "Python ABI",
        "Triton version",
        "Triton key",
        "ptxas",
        "TRITON_DISABLE_LINE_INFO",
        "USE_IR_LOC",
    ]
    require_compatible(verdicts, "an-image")


@pytest.mark.parametrize(
    ("target", "points"),
    [
        (Target("cuda", "89", 32), ["arch", "warp size"]),
        (MI300, ["backend", "arch", "warp size"]),
        (Target("cuda", "90", 64), ["warp size"]),
    ],
)
def test_another_gpu_will_miss(target: Target, points: list[str]) -> None:
    verdicts = check(facts(H100), machine(target))
    assert missed(verdicts) == points
    assert [item.covered for item in verdicts.gpus] == [False]


@pytest.mark.parametrize(
    ("changes", "point"),
    [
        ({"host_arch": "aarch64"}, "host CPU"),
        ({"python_abi": "cpython-311"}, "Python ABI"),
        ({"triton_version": "3.7.0"}, "Triton version"),
        ({"triton_key": "cd34"}, "Triton key"),
        ({"tools": TOOLS | {"ptxas": "V12.9"}}, "ptxas"),
        ({"variables": VARIABLES | {"USE_IR_LOC": "ttir"}}, "USE_IR_LOC"),
    ],
)
def test_each_difference_of_the_software_is_the_one_that_is_named(
    changes: dict[str, object], point: str
) -> None:
    verdicts = check(facts(H100), changed(machine(H100), **changes))
    assert missed(verdicts) == [point]
    with pytest.raises(IncompatibleError, match="an-image") as raised:
        require_compatible(verdicts, "an-image")
    assert raised.value.exit_code == 6
    assert point in str(raised.value)


def test_host_libraries_of_several_pythons_serve_each_of_them() -> None:
    image = replace(facts(H100), python_abi="cpython-311,cpython-312")
    assert check(image, machine(H100)).outcome is Outcome.HIT
    here = changed(machine(H100), python_abi="cpython-313")
    assert missed(check(image, here)) == ["Python ABI"]


def test_a_variable_is_compared_as_triton_reads_it() -> None:
    image = replace(
        facts(H100),
        environment=replace(ENVIRONMENT, variables={"TRITON_DISABLE_LINE_INFO": "true"}),
    )
    same = changed(machine(H100), variables={"TRITON_DISABLE_LINE_INFO": "1"})
    assert check(image, same).outcome is Outcome.HIT
    unset = changed(machine(H100), variables={"TRITON_DISABLE_LINE_INFO": None})
    (miss,) = check(image, unset).misses
    assert (miss.image, miss.here) == ("true", "unset")
    zero = changed(machine(H100), variables={"TRITON_DISABLE_LINE_INFO": "0"})
    (miss,) = check(facts(H100), zero).misses
    assert (miss.image, miss.here) == ("unset", "false")


def test_a_variable_that_one_triton_does_not_know_cannot_be_told() -> None:
    here = changed(machine(H100), variables={**VARIABLES, "NEW_ONE": "1"})
    verdicts = check(facts(H100), here)
    assert verdicts.outcome is Outcome.UNKNOWN
    assert verdicts.points[-1].point == "USE_IR_LOC"


def test_only_the_tools_of_the_backend_count() -> None:
    here = changed(machine(H100), tools=TOOLS | {"amd-bitcode": "/elsewhere"})
    assert check(facts(H100), here).outcome is Outcome.HIT
    amd = changed(machine(MI300), tools=TOOLS | {"ptxas": "V1"})
    assert check(facts(MI300), amd).outcome is Outcome.HIT


def test_blackwell_has_a_ptxas_of_its_own() -> None:
    b200 = Target("cuda", "100", 32)
    here = changed(machine(b200), tools=TOOLS | {"ptxas-blackwell": "V13.1"})
    assert missed(check(facts(b200), here)) == ["ptxas-blackwell"]


def test_the_folder_of_amds_libraries_counts_where_triton_hashes_it() -> None:
    here = changed(machine(MI300), tools=TOOLS | {"amd-bitcode": "/opt/b/lib"})
    (miss,) = check(facts(MI300), here).misses
    assert "same place" in miss.reason


def test_a_machine_of_mixed_kinds_hits_where_it_can() -> None:
    verdicts = check(facts(H100), machine(H100, Target("cuda", "80", 32)))
    assert verdicts.outcome is Outcome.HIT
    assert [item.covered for item in verdicts.gpus] == [True, False]
    assert "GPU 1 (cuda:80): no kernels in the image" in to_text(verdicts)


def test_an_image_of_several_targets_covers_each_of_their_gpus() -> None:
    verdicts = check(facts(H100, MI300), machine(MI300))
    assert verdicts.outcome is Outcome.HIT
    assert "ptxas" not in [verdict.point for verdict in verdicts.points]


def test_a_machine_without_a_gpu_cannot_tell() -> None:
    inventory = Inventory(gpus=(), absences=(Absence(vendor="nvidia", reason="no driver"),))
    verdicts = check(facts(H100), Machine(inventory=inventory, environment=ENVIRONMENT))
    assert verdicts.outcome is Outcome.UNKNOWN
    assert "no driver" in verdicts.points[0].reason
    require_compatible(verdicts, "an-image")


def test_a_machine_without_an_interpreter_cannot_tell_and_says_why() -> None:
    here = replace(machine(H100), environment=None, why_unknown="'python9' is not here")
    verdicts = check(facts(H100), here)
    assert verdicts.outcome is Outcome.UNKNOWN
    told = {verdict.point: verdict.reason for verdict in verdicts.points}
    assert told["Triton key"] == told["tools"] == "'python9' is not here"


def test_an_image_of_another_tool_cannot_be_told() -> None:
    verdicts = check(facts_of_another_tool(H100), machine(H100))
    assert verdicts.outcome is Outcome.UNKNOWN
    assert "the image does not say" in to_text(verdicts)


def test_the_text_counts_what_is_unset_on_both_sides() -> None:
    lines = to_text(check(facts(H100), machine(H100))).splitlines()
    assert lines[-2:] == [
        "will hit    2 environment variables: unset on both sides",
        "Overall: will hit",
    ]


def test_the_json_form_holds_each_point_and_gpu() -> None:
    document = to_json(check(facts(H100), machine(Target("cuda", "80", 32))))
    assert document["outcome"] == "will miss"
    points = document["points"]
    assert isinstance(points, list)
    assert points[1] == {
        "point": "arch",
        "outcome": "will miss",
        "image": "sm90",
        "here": "sm80",
        "reason": "Triton's key holds the arch, and no other arch's kernels are looked at",
    }
    assert document["gpus"] == [
        {"gpu": "0", "name": "a card", "target": "cuda:80", "covered": False}
    ]
