"""The made-up GPUs of `--stub`."""

import pytest

from tcv_action.errors import InputError
from tcv_action.gpus.made_up import made_up
from tcv_action.triton.target import Target


def test_two_gpus_of_each_profile() -> None:
    for profile, target in (
        ("amd", Target("hip", "gfx90a", 64)),
        ("nvidia", Target("cuda", "80", 32)),
    ):
        gpus = made_up(profile).gpus
        assert [(gpu.index, gpu.vendor, gpu.target) for gpu in gpus] == [
            (0, profile, target),
            (1, profile, target),
        ]


def test_another_profile_is_refused() -> None:
    with pytest.raises(InputError, match="'gaudi'"):
        made_up("gaudi")
