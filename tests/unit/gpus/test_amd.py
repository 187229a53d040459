"""AMD's GPUs, read off a tree shaped as the kernel's sysfs is."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tcv_action.gpus import amd
from tcv_action.triton.target import Target

CPU = "cpu_cores_count 96\nsimd_count 0\ngfx_target_version 0\ndrm_render_minor 0\nvendor_id 0\n"


def add_node(root: Path, number: int, properties: str) -> Path:
    node = root / f"sys/class/kfd/kfd/topology/nodes/{number}"
    node.mkdir(parents=True)
    (node / "properties").write_text(properties)
    return node


def add_gpu(root: Path, number: int, version: int, *, minor: int, unique_id: int = 0) -> Path:
    node = add_node(
        root,
        number,
        f"cpu_cores_count 0\nsimd_count 1216\nwave_front_size 64\ngfx_target_version {version}\n"
        f"vendor_id 4098\ndrm_render_minor {minor}\nunique_id {unique_id}\n",
    )
    for bank, (heap, size) in enumerate(((1, 2**30), (4, 2**40), (2, 2**31))):
        folder = node / f"mem_banks/{bank}"
        folder.mkdir(parents=True)
        (folder / "properties").write_text(f"heap_type {heap}\nsize_in_bytes {size}\nflags 0\n")
    (root / f"dev/dri/renderD{minor}").touch()
    return node


@pytest.fixture
def root(tmp_path: Path) -> Path:
    add_node(tmp_path, 0, CPU)
    (tmp_path / "dev/dri").mkdir(parents=True)
    (tmp_path / "dev/kfd").touch()
    return tmp_path


def test_amdsmi_is_not_installed_here_so_that_these_tests_read_sysfs() -> None:
    assert importlib.util.find_spec("amdsmi") is None


def test_a_gpu_is_read_with_all_that_the_kernel_tells(root: Path) -> None:
    add_gpu(root, 1, 90402, minor=128, unique_id=0xDAFF740F)
    product = root / "sys/class/drm/renderD128/device"
    product.mkdir(parents=True)
    (product / "product_name").write_text("AMD Instinct MI300X\n")
    module = root / "sys/module/amdgpu"
    module.mkdir(parents=True)
    (module / "version").write_text("6.12.12\n")
    (gpu,) = amd.find(root).gpus
    assert gpu.target == Target("hip", "gfx942", 64)
    assert gpu.name == "AMD Instinct MI300X"
    assert gpu.memory_bytes == 2**30 + 2**31
    assert gpu.driver_version == "6.12.12"
    assert gpu.uuid == "GPU-00000000daff740f"


def test_what_the_kernel_does_not_tell_is_none(root: Path) -> None:
    add_gpu(root, 1, 110000, minor=128)
    (gpu,) = amd.find(root).gpus
    assert (gpu.name, gpu.driver_version, gpu.uuid) == ("gfx1100", None, None)


def test_several_kinds_stand_in_the_order_of_their_nodes(root: Path) -> None:
    add_gpu(root, 10, 110000, minor=130)
    add_gpu(root, 2, 90010, minor=129)
    gpus = amd.find(root).gpus
    assert [(gpu.index, str(gpu.target)) for gpu in gpus] == [(0, "hip:gfx90a"), (1, "hip:gfx1100")]


@pytest.mark.parametrize(
    ("version", "arch"),
    [
        (90402, "gfx942"),
        (90010, "gfx90a"),
        (90006, "gfx906"),
        (90500, "gfx950"),
        (100300, "gfx1030"),
        (110001, "gfx1101"),
        (120001, "gfx1201"),
    ],
)
def test_a_version_is_named_as_compilers_name_it(version: int, arch: str) -> None:
    assert amd.gfx_name(version) == arch


def test_no_driver_is_explained(tmp_path: Path) -> None:
    (absence,) = amd.find(tmp_path).absences
    assert "amdgpu is not loaded" in absence.reason


def test_a_container_without_the_device_is_explained(root: Path) -> None:
    add_gpu(root, 1, 90402, minor=128)
    (root / "dev/kfd").unlink()
    inventory = amd.find(root)
    assert inventory.gpus == ()
    assert "/dev/kfd" in inventory.absences[0].reason


def test_a_gpu_whose_render_device_is_not_handed_in_is_explained(root: Path) -> None:
    add_gpu(root, 1, 90402, minor=128)
    add_gpu(root, 2, 90402, minor=136)
    (root / "dev/dri/renderD136").unlink()
    inventory = amd.find(root)
    assert len(inventory.gpus) == 1
    assert "/dev/dri/renderD136" in inventory.absences[0].reason


def test_processors_alone_are_explained(root: Path) -> None:
    inventory = amd.find(root)
    assert inventory.gpus == ()
    assert "processors only" in inventory.absences[0].reason


def test_a_node_that_may_not_be_read_is_explained(root: Path) -> None:
    node = add_gpu(root, 1, 90402, minor=128)
    (node / "properties").unlink()
    (node / "properties").mkdir()  # a read fails for root as well
    assert "node 1" in amd.find(root).absences[0].reason


def test_an_unknown_kind_is_explained(root: Path) -> None:
    add_gpu(root, 1, 9999999, minor=128)
    assert "'gfx9996363'" in amd.find(root).absences[0].reason


class Amdsmi(ModuleType):
    """Stands in for the package: answers as its 7.0 does, and to what it gave out alone.

    Its own cannot be had without an AMD GPU. Source: amdsmi_interface.py of amdsmi 7.0.2.
    """

    def __init__(self, *, broken: str = "") -> None:
        super().__init__("amdsmi")
        self.calls: list[str] = []
        self._broken = broken
        self._handles = [object(), object()]
        self._archs = ["gfx942", "gfx90a"]

    def _answer(self, name: str, handle: object = None) -> int:
        self.calls.append(name)
        if name == self._broken:
            message = "AMDSMI_STATUS_NOT_SUPPORTED"
            raise RuntimeError(message)
        return self._handles.index(handle) if handle else -1

    def amdsmi_init(self) -> None:
        self._answer("init")

    def amdsmi_shut_down(self) -> None:
        self._answer("shut_down")

    def amdsmi_get_processor_handles(self) -> list[object]:
        self._answer("handles")
        return self._handles

    def amdsmi_get_gpu_asic_info(self, handle: object) -> dict[str, object]:
        arch = self._archs[self._answer("asic", handle)]
        return {
            "market_name": f"AMD {arch}",
            "target_graphics_version": arch,
            "vendor_id": "0x1002",
        }

    def amdsmi_get_gpu_vram_info(self, handle: object) -> dict[str, object]:
        return {"vram_type": 1, "vram_size": 196592 - self._answer("vram", handle)}

    def amdsmi_get_gpu_driver_info(self, handle: object) -> dict[str, str]:
        self._answer("driver", handle)
        return {"driver_name": "amdgpu", "driver_version": "6.12.12", "driver_date": "2025"}

    def amdsmi_get_gpu_device_uuid(self, handle: object) -> str:
        return f"uuid-{self._answer('uuid', handle)}"


def test_amdsmi_tells_more_than_the_kernel(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = Amdsmi()
    monkeypatch.setitem(sys.modules, "amdsmi", package)

    gpus = amd.find(root).gpus

    assert [(gpu.index, gpu.name, str(gpu.target), gpu.uuid) for gpu in gpus] == [
        (0, "AMD gfx942", "hip:gfx942", "uuid-0"),
        (1, "AMD gfx90a", "hip:gfx90a", "uuid-1"),
    ]
    assert gpus[0].memory_bytes == 196592 << 20
    assert gpus[0].driver_version == "6.12.12"
    assert (package.calls[0], package.calls[-1]) == ("init", "shut_down")


@pytest.mark.parametrize(
    "broken", ["init", "handles", "asic", "vram", "driver", "uuid", "shut_down"]
)
def test_the_kernel_tells_where_amdsmi_does_not(
    root: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    package = Amdsmi(broken=broken)
    monkeypatch.setitem(sys.modules, "amdsmi", package)
    add_gpu(root, 1, 90402, minor=128)

    (gpu,) = amd.find(root).gpus

    assert (gpu.name, str(gpu.target)) == ("gfx942", "hip:gfx942")
    assert ("shut_down" in package.calls) == (broken != "init")
