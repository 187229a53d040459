"""The probe's own parts; what it does inside a Triton is tried in tests/integration/triton."""

import ast
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tcv_action.triton import probe
from tcv_action.triton.interpreter import PROBE

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "warmup.md"
GUESTS = {"triton", "torch"}


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the top-level name of each module that a source imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def test_it_is_written_for_python_3_8_and_imports_the_standard_library_only() -> None:
    tree = ast.parse(PROBE.read_text(encoding="utf-8"), feature_version=(3, 8))
    assert set(imported(tree)) - sys.stdlib_module_names == GUESTS


def test_it_does_nothing_when_it_is_merely_imported() -> None:
    assert probe._gpu is None
    assert not any(isinstance(finder, probe.ImportWatcher) for finder in sys.meta_path)


@pytest.mark.parametrize(
    ("backend", "arch", "capability"),
    [
        ("cuda", "80", (8, 0)),
        ("cuda", "90", (9, 0)),
        ("cuda", "103", (10, 3)),
        ("hip", "gfx90a", (9, 0)),
        ("hip", "gfx942", (9, 4)),
        ("hip", "gfx1100", (11, 0)),
        ("hip", "gfx1201", (12, 0)),
    ],
)
def test_a_gpu_knows_its_capability(backend: str, arch: str, capability: tuple[int, int]) -> None:
    assert probe.Gpu(backend, arch, 32).capability == capability


def test_an_arch_that_nobody_knows_still_has_properties() -> None:
    gpu = probe.Gpu("cuda", "199", 32)
    assert gpu.properties()["warpSize"] == 32
    assert gpu.properties()["max_shared_mem"] > 0


def test_arguments_are_named_however_a_release_calls_them() -> None:
    names = ["x_ptr", "n"]
    assert [probe._argument(key, names) for key in ("n", 1, (0,), (1, 2))] == [
        "n",
        "n",
        "x_ptr",
        "n.2",
    ]


def test_attributes_of_new_and_old_releases_read_alike() -> None:
    names = ["x_ptr", "n"]
    new = SimpleNamespace(attrs={(0,): [["tt.divisibility", 16]], (1,): []})
    old = SimpleNamespace(attrs=SimpleNamespace(divisible_by_16=(0,), equal_to_1=()))
    assert probe._attributes(new, names) == {"x_ptr": {"tt.divisibility": 16}, "n": {}}
    assert probe._attributes(old, names) == {"x_ptr": {"tt.divisibility": 16}}


def test_a_benchmark_is_called_once_and_answers_in_its_own_form() -> None:
    calls: list[int] = []
    assert probe.call_once(lambda: calls.append(1), quantiles=(0.5, 0.2, 0.8)) == [1.0] * 3
    assert probe.call_once(lambda: calls.append(1), quantiles=[0.5]) == 1.0
    assert probe.call_once(lambda: calls.append(1), 25, rep=3, return_mode="all") == [1.0]
    assert probe.call_once(lambda: calls.append(1)) == 1.0
    assert calls == [1] * 4


def test_a_module_is_acted_on_when_it_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "acted_on.py").write_text("value = 1\n")
    (tmp_path / "breaks.py").write_text("raise ImportError('no')\n")
    monkeypatch.syspath_prepend(tmp_path)
    seen: list[int] = []
    actions = {"acted_on": lambda module: seen.append(module.value), "breaks": seen.append}
    watcher = probe.ImportWatcher(actions)
    monkeypatch.setattr(sys, "meta_path", [watcher, *sys.meta_path])
    # As PyTorch looks whether there is a Triton, before it imports it.
    assert importlib.util.find_spec("acted_on") is not None
    __import__("acted_on")
    with pytest.raises(ImportError, match="no"):
        __import__("breaks")
    assert seen == [1]
    assert list(actions) == ["breaks"]


def test_the_documented_cards_are_the_probes() -> None:
    rows = DOCUMENT.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows if " KiB |" in row]
    assert len(cells) == 12
    for target, _card, multiprocessors, shared in cells:
        backend, arch = target.strip("`").split(":")
        gpu = probe.Gpu(backend, arch, 32)
        assert arch in probe._GPUS
        assert str(gpu.multiprocessors) == multiprocessors
        assert f"{gpu.shared // 1024} KiB" == shared
