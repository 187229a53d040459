"""What an image's labels tell, of our images and of other tools'."""

from dataclasses import replace

import pytest

from tcv_action.errors import InputError
from tcv_action.preflight.facts import ImageFacts, facts_from_labels
from tcv_action.triton.environment import Environment, to_json
from tcv_action.triton.target import Target

SUMMARY = '{"targets":[{"backend":"hip","arch":"gfx90a","warp_size":64}]}'
ENVIRONMENT = Environment(
    triton_version="3.6.0",
    triton_key="ab12",
    python_version="3.12.3",
    python_abi="cpython-312",
    host_arch="x86_64",
    tools={},
    variables={},
)


def test_an_image_of_ours_tells_all() -> None:
    labels = {
        "cache.triton.image/summary": SUMMARY,
        "cache.triton.image/environment": to_json(ENVIRONMENT),
    }
    assert facts_from_labels(labels) == ImageFacts(
        targets=(Target("hip", "gfx90a", 64),),
        environment=ENVIRONMENT,
        triton_version="3.6.0",
        triton_key="ab12",
        python_abi="cpython-312",
        host_arch="x86_64",
    )


def test_a_label_of_its_own_wins_over_the_record() -> None:
    labels = {
        "cache.triton.image/summary": SUMMARY,
        "cache.triton.image/environment": to_json(ENVIRONMENT),
        "cache.triton.image/python-abi": "cpython-311",
    }
    facts = facts_from_labels(labels)
    assert (facts.python_abi, facts.environment) == ("cpython-311", replace(ENVIRONMENT))


@pytest.mark.parametrize(
    "summary",
    [SUMMARY, SUMMARY.replace("{", '{"variant":"multi","entry_count":1,', 1)],
    ids=["today's", "the first generation's"],
)
def test_an_image_of_another_tool_tells_its_targets(summary: str) -> None:
    facts = facts_from_labels({"cache.triton.image/summary": summary})
    assert facts == ImageFacts(targets=(Target("hip", "gfx90a", 64),))


@pytest.mark.parametrize("summary", ["", "[]", "{}", '{"targets": [{"backend": "hip"}]}'])
def test_an_image_without_targets_is_refused(summary: str) -> None:
    with pytest.raises(InputError, match="summary"):
        facts_from_labels({"cache.triton.image/summary": summary})
