"""Tags from templates."""

import pytest

from tcv_action.errors import InputError
from tcv_action.tags import DEFAULT_TEMPLATE, fields_from_environment, index_tags, tags_for
from tcv_action.triton.target import Target

CUDA = Target.parse("cuda:90")
HIP = Target.parse("hip:gfx942")


def test_default_template_ends_with_the_target() -> None:
    assert tags_for(CUDA, [DEFAULT_TEMPLATE], {"tag": "latest"}) == ("latest-cuda-sm90",)
    assert tags_for(HIP, [DEFAULT_TEMPLATE], {"tag": "latest"}) == ("latest-hip-gfx942",)


def test_suffix_is_applied_to_every_tag() -> None:
    tags = tags_for(CUDA, ["latest", "{version}", "{arch}-{backend}"], {"version": "1.2.3"})
    assert tags == ("latest-cuda-sm90", "1.2.3-cuda-sm90", "sm90-cuda")


def test_same_tag_stands_once() -> None:
    assert tags_for(CUDA, ["a", "a-{backend}-{arch}"], {}) == ("a-cuda-sm90",)


def test_index_takes_the_tags_without_the_suffix() -> None:
    assert index_tags([DEFAULT_TEMPLATE, "v1"], {"tag": "latest"}) == ("latest", "v1")


def test_bare_target_template_leaves_the_plain_tag_for_the_index() -> None:
    assert index_tags(["{backend}-{arch}"], {"tag": "latest"}) == ("latest",)


@pytest.mark.parametrize("template", ["{nothing}", "{pr}", "a b", "{", "-x", "x" * 129])
def test_template_that_makes_no_tag_is_refused_by_name(template: str) -> None:
    with pytest.raises(InputError, match="template"):
        tags_for(CUDA, [template], {"tag": "latest"})


def test_fields_of_a_release() -> None:
    fields = fields_from_environment(
        {
            "GITHUB_REF": "refs/tags/v1.2.3",
            "GITHUB_REF_NAME": "v1.2.3",
            "GITHUB_SHA": "0123456789abcdef",
            "GITHUB_RUN_NUMBER": "7",
        }
    )
    assert fields == {
        "sha": "0123456",
        "ref": "v1.2.3",
        "run": "7",
        "version": "1.2.3",
        "major": "1",
        "minor": "1.2",
    }


def test_fields_of_a_pull_request_fit_in_a_tag() -> None:
    fields = fields_from_environment(
        {
            "GITHUB_REF": "refs/pull/12/merge",
            "GITHUB_REF_NAME": "12/merge",
            "GITHUB_HEAD_REF": "feature/Ünicode+x",
        }
    )
    assert fields == {"ref": "12-merge", "pr": "12", "branch": "feature-nicode-x"}
