"""Targets as people write them."""

import pytest

from tcv_action.errors import InputError
from tcv_action.triton.target import Target


@pytest.mark.parametrize(
    ("text", "target", "shortest", "suffix"),
    [
        ("cuda:90", Target("cuda", "90", 32), "cuda:90", "cuda-sm90"),
        ("cuda:sm_100", Target("cuda", "100", 32), "cuda:100", "cuda-sm100"),
        ("cuda:90:32", Target("cuda", "90", 32), "cuda:90", "cuda-sm90"),
        ("hip:gfx942", Target("hip", "gfx942", 64), "hip:gfx942", "hip-gfx942"),
        ("hip:gfx90a", Target("hip", "gfx90a", 64), "hip:gfx90a", "hip-gfx90a"),
        ("hip:gfx1100", Target("hip", "gfx1100", 32), "hip:gfx1100", "hip-gfx1100"),
        ("hip:gfx1100:64", Target("hip", "gfx1100", 64), "hip:gfx1100:64", "hip-gfx1100"),
    ],
)
def test_target_is_read_and_written(text: str, target: Target, shortest: str, suffix: str) -> None:
    assert Target.parse(text) == target
    assert str(target) == shortest
    assert Target.parse(shortest) == target
    assert target.tag_suffix == suffix


@pytest.mark.parametrize(
    "text", ["", "cuda", "cuda:", "cuda:gfx942", "hip:90", "rocm:gfx942", "cuda:90:31", "cuda:90:"]
)
def test_other_text_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError) as refused:
        Target.parse(text)
    assert repr(text) in refused.value.what
    assert "cuda:90" in refused.value.next_step


@pytest.mark.parametrize(
    ("record", "target"),
    [
        (("cuda", 90, 32), Target("cuda", "90", 32)),
        (("hip", "gfx90a:sramecc+:xnack-", 64), Target("hip", "gfx90a", 64)),
        (("newer", "x1", 128), Target("newer", "x1", 128)),
        (("cu\nda", 90, 32), None),
        (("cuda", "90</code>", 32), None),
        (("cuda", True, 32), None),
        (("cuda", 90, True), None),
        (("cuda", 90, -5), None),
        (("cuda", 90, 10**400), None),
        (("cuda", 90, None), None),
    ],
)
def test_a_record_is_taken_where_a_gpu_may_be_called_that(
    record: tuple[str, str | int, object], target: Target | None
) -> None:
    assert Target.of_record(*record) == target
