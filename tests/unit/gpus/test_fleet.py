"""GPUs counted by kind, and as JSON."""

from tcv_action.gpus.fleet import fleet_text, to_json
from tcv_action.gpus.gpu import Absence, Gpu, Inventory
from tcv_action.triton.target import Target


def gpu(index: int, name: str, mig: int | None = None) -> Gpu:
    return Gpu(
        index=index,
        vendor="nvidia",
        name=name,
        target=Target("cuda", "90", 32),
        driver_version="580",
        mig=mig,
    )


def test_gpus_of_a_kind_stand_together() -> None:
    gpus = (gpu(0, "H100"), gpu(1, "A100"), gpu(2, "H100", mig=1))
    assert fleet_text(Inventory(gpus=gpus, absences=())).splitlines() == [
        "GPU Fleet:",
        "  - GPU Type: A100",
        "    Driver Version: 580",
        "    IDs: [1]",
        "  - GPU Type: H100",
        "    Driver Version: 580",
        "    IDs: [0 2:1]",
    ]


def test_none_is_said() -> None:
    assert fleet_text(Inventory(gpus=(), absences=())) == "No GPUs found."


def test_the_json_holds_gpus_targets_and_reasons() -> None:
    absences = (Absence(vendor="amd", reason="no driver"),)
    document = to_json(Inventory(gpus=(gpu(0, "H100"), gpu(1, "H100")), absences=absences))
    assert document["targets"] == ["cuda:90"]
    assert document["absent"] == {"amd": "no driver"}
    gpus = document["gpus"]
    assert isinstance(gpus, list)
    assert (gpus[1]["index"], gpus[1]["arch"], gpus[1]["mig"]) == (1, "90", None)
