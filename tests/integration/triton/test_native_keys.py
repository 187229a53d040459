"""The keys of a run without a GPU are those of a run on one."""

import json
import tarfile
from pathlib import Path

import pytest
from tests.integration.triton.conftest import SCRIPTS, SUITE, here, warm
from tests.services.interpreters import TRITON, interpreter, require_python

from tcv_action.triton.script import Script

pytestmark = pytest.mark.triton

NATIVE = Path(__file__).resolve().parents[2] / "data" / "native-h100.tar.gz"


def hashes_of(archive: Path) -> set[str]:
    """Return the hash of each entry in a cache that was packed with tar."""
    found = set()
    with tarfile.open(archive) as tar:
        for member in tar:
            name = Path(member.name).name
            if name.endswith(".json") and not name.startswith("__grp__"):
                content = tar.extractfile(member)
                assert content is not None
                found.add(json.loads(content.read())["hash"])
    return found


def test_the_suite_has_the_keys_that_an_h100_made(tmp_path: Path) -> None:
    """Python 3.12 and Triton 3.6.0, as there; PyTorch's place is taken by its types alone."""
    version, python = require_python("3.12")
    stand_in = Script(
        argv=(str(SUITE),),
        cwd=SCRIPTS,
        environment={"PYTHONPATH": str(SCRIPTS / "types_of_torch")},
    )
    place = here(interpreter(python, version, [TRITON]).path)
    warmup = warm(stand_in, "cuda:90", tmp_path / "cache", place)
    native = hashes_of(NATIVE)
    assert len(native) == 31
    assert {request.hash for request in warmup.requests} == native
