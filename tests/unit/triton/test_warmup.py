"""What warming up and replaying refuse before anything runs."""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.triton.test_explain import ENVIRONMENT, REQUEST

from tcv_action.errors import InputError, StoreError, TcvError
from tcv_action.triton.interpreter import Interpreter
from tcv_action.triton.replay import replay
from tcv_action.triton.script import Script
from tcv_action.triton.target import Target
from tcv_action.triton.warmup import Warmup, warm_up

HERE = Interpreter(executable=Path(sys.executable))
TARGET = Target.parse("cuda:90")
Run = Callable[[Script, Path], object]


def _warm_up(script: Script, folder: Path) -> object:
    return warm_up(
        script, TARGET, folder, interpreter=HERE, timeout=60, on_output=_ignore, gpu=False
    )


def _replay(script: Script, folder: Path) -> object:
    return replay(
        script, TARGET, folder, interpreter=HERE, timeout=60, on_output=_ignore, gpu=False
    )


def _ignore(_line: str) -> None:
    pass


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Give a script that launches nothing."""
    (tmp_path / "script.py").write_text("print('ran')\n")
    return Script(argv=("script.py",), cwd=tmp_path)


def test_a_warmup_wants_a_new_folder(script: Script, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "mine").touch()
    with pytest.raises(InputError, match="is not empty"):
        _warm_up(script, tmp_path / "cache")
    with pytest.raises(InputError, match=r"script\.py' is not empty"):
        _warm_up(script, tmp_path / "script.py")
    with pytest.raises(InputError, match="cannot be made") as caught:
        _warm_up(script, tmp_path / "script.py" / "cache")
    assert "Not a directory" in caught.value.cause
    assert (tmp_path / "cache" / "mine").exists()


def test_requests_of_several_processes_for_one_entry_are_one_kernel() -> None:
    warmup = Warmup(
        target=TARGET,
        cache_dir=Path(),
        mode="compile-only",
        requests=(REQUEST, replace(REQUEST, hash="01"), replace(REQUEST, hit=True)),
        seconds=1,
        compile_seconds=1,
        environment=ENVIRONMENT,
    )
    assert warmup.kernels == warmup.requests[:2]


def test_a_replay_wants_a_folder(script: Script, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere' is not there"):
        _replay(script, tmp_path / "nowhere")


@pytest.mark.parametrize("run", [_warm_up, _replay])
def test_a_disk_that_refuses_is_named(
    run: Run, script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    folder = tmp_path / "cache"
    if run is _replay:
        folder.mkdir()
    with pytest.raises(StoreError, match="gone' refused a file") as caught:
        run(script, folder)
    assert caught.value.cause
    assert caught.value.next_step


@pytest.mark.parametrize("run", [_warm_up, _replay])
def test_nothing_temporary_is_left(
    run: Run, script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    (tmp_path / "cache" / "KEY").mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    with pytest.raises(TcvError):
        run(script, tmp_path / ("cache" if run is _replay else "new"))
    assert not list((tmp_path / "temporary").iterdir())
    assert not (tmp_path / "new").exists()
