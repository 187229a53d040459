"""Who restores may look at the entries' records before anything comes into the folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from tests.caches import small_cache

from tcv_action import api
from tcv_action.errors import IncompatibleError
from tcv_action.restore import restore


def refuse(records: Sequence[Mapping[str, object]]) -> None:
    what = f"{len(records)} entries, the first for {records[0]['arch']}"
    raise IncompatibleError(what)


def test_what_is_not_accepted_leaves_nothing(tmp_path: Path) -> None:
    name = f"oci:{tmp_path / 'images'}:v1"
    api.create(small_cache(tmp_path / "cache"), name)

    with pytest.raises(IncompatibleError, match="3 entries, the first for 90"):
        restore(api.named_image(name), tmp_path / "out", accept=refuse)

    assert not (tmp_path / "out").exists()
