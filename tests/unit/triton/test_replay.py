"""Which files of a folder a replay may take: those that Triton would read from that folder."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from tcv_action.errors import InputError, NotProvedError
from tcv_action.proving import require_hits
from tcv_action.triton.groups import rewrite_group
from tcv_action.triton.interpreter import Interpreter
from tcv_action.triton.replay import Proof, replay
from tcv_action.triton.script import Script
from tcv_action.triton.target import Target

# Asks for one kernel as the probe would note it: a hit where the group file's children are there.
ASKS = """
import json, os
orders = json.loads(os.environ["TCV_PROBE"])
group = os.path.join(orders["cache"], "KEY", "__grp__add.json")
hit = False
if os.path.exists(group):
    with open(group) as file:
        hit = os.path.exists(json.load(file)["child_paths"]["add.json"])
request = dict(
    event="request", pid=1, name="add", hash="ab", hit=hit, target="cuda:90:32", source="a.py:1",
    signature={}, constants={}, attributes={}, options={}, seconds={},
)
with open(orders["record"], "a") as file:
    file.write(json.dumps(request) + "\\n")
"""


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Make a cache of one entry where it lies."""
    folder = tmp_path / "cache"
    (folder / "KEY").mkdir(parents=True)
    (folder / "KEY" / "add.json").write_text('{"hash": "ab"}')
    point(folder, str(folder))
    return folder


def point(folder: Path, prefix: str) -> None:
    """Let the entry's group file name files below `prefix`."""
    content = json.dumps({"child_paths": {"add.json": ""}}).encode()
    group = rewrite_group(content, key="KEY", prefix=prefix, present={"add.json"})
    (folder / "KEY" / "__grp__add.json").write_bytes(group)


def proved(folder: Path, **variables: str) -> Proof:
    """Replay the script that asks for the entry, in the folder's parent."""
    (folder.parent / "script.py").write_text(ASKS)
    return replay(
        Script(argv=("script.py",), cwd=folder.parent, environment=variables),
        Target.parse("cuda:90"),
        folder,
        interpreter=Interpreter(executable=Path(sys.executable)),
        timeout=60,
        on_output=print,
        gpu=False,
    )


def test_a_folder_whose_group_files_name_its_own_files_hits(cache: Path) -> None:
    assert proved(cache).hits == 1
    (cache.parent / "link").symlink_to(cache)
    assert proved(cache.parent / "link").hits == 1
    point(cache, "cache")  # relative to the folder in which the script runs
    assert proved(cache).hits == 1


def test_a_copy_that_leads_into_the_original_is_not_proved_by_it(cache: Path) -> None:
    copy = Path(shutil.copytree(cache, cache.parent / "copy"))
    before = {path: path.read_bytes() for path in copy.glob("*/*")}
    proof = proved(copy)
    assert proof.hits == 0
    assert proof.misplaced == {"ab"}
    assert {path: path.read_bytes() for path in copy.glob("*/*")} == before
    with pytest.raises(NotProvedError) as caught:
        require_hits(proof)
    assert "was moved or copied" in caught.value.cause
    assert "tcv relocate" in caught.value.next_step


@pytest.mark.parametrize("prefix", ["/nowhere", "/no\0where", "elsewhere"])
def test_a_folder_that_was_moved_is_told_from_another_cause(cache: Path, prefix: str) -> None:
    point(cache, prefix)
    assert proved(cache).misplaced == {"ab"}
    (cache / "KEY" / "add.json").unlink()
    assert proved(cache).misplaced == set()


def test_a_variable_that_has_triton_always_compile_is_the_cause(cache: Path) -> None:
    (cache / "KEY" / "__grp__add.json").unlink()
    proof = proved(cache, TRITON_ALWAYS_COMPILE="1")
    with pytest.raises(NotProvedError) as caught:
        require_hits(proof)
    assert "TRITON_ALWAYS_COMPILE is set" in caught.value.cause
    assert not proved(cache, TRITON_ALWAYS_COMPILE="0").always_compiles


def test_a_script_that_is_to_be_interpreted_is_refused_by_the_variables_name(cache: Path) -> None:
    with pytest.raises(InputError, match="TRITON_INTERPRET is set to '1'"):
        proved(cache, TRITON_INTERPRET="1")
    assert proved(cache, TRITON_INTERPRET="0").hits == 1
