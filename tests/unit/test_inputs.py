"""The table of inputs, as the runner's variables fill it."""

import pytest

from tcv_action.errors import InputError
from tcv_action.inputs import FIELDS, from_environment


def test_variables_become_parameters() -> None:
    found = from_environment(
        {
            "INPUT_SCRIPT": "warm up.py --size '4 096'",
            "INPUT_TARGETS": "cuda:90, cuda:100\nhip:gfx942",
            "INPUT_TAGS": "{version}\n latest \n\n",
            "INPUT_DRY-RUN": "True",
            "INPUT_IMAGE": "",
            "PATH": "/bin",
        }
    )
    assert found == {
        "command": ("warm", "up.py", "--size", "4 096"),
        "targets": ("cuda:90", "cuda:100", "hip:gfx942"),
        "tags": ("{version}", "latest"),
        "dry_run": True,
    }


def test_every_wrong_input_is_named_at_once() -> None:
    with pytest.raises(InputError) as refused:
        from_environment({"INPUT_DRY-RUN": "perhaps", "INPUT_MEDIA-TYPES": "rpm"})
    assert "dry-run: 'perhaps'" in refused.value.what
    assert "media-types: 'rpm' is not one of oci, docker." in refused.value.what


def test_names_are_unique() -> None:
    assert len({field.name for field in FIELDS}) == len(FIELDS)
    assert len({field.parameter for field in FIELDS}) == len(FIELDS)
