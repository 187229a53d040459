"""Labels from what GitHub knows of a repository."""

from typing import Any

import pytest
from tests.services.small_github import SmallGitHub

from tcv_action.github.api import Api
from tcv_action.github.repository import repository_labels

PREFIX = "org.opencontainers.image."


def labels(github: SmallGitHub, **facts: Any) -> dict[str, str]:
    github.repository = facts
    found = repository_labels(Api("token", url=github.url), "octo/project")
    return {name.removeprefix(PREFIX): value for name, value in found.items()}


def test_facts_become_labels(small_github: SmallGitHub) -> None:
    page = "https://github.com/octo/project"
    licence = {"key": "apache-2.0", "spdx_id": "Apache-2.0"}
    found = labels(small_github, description=" A\nkernel ", license=licence, html_url=page)

    assert found == {"description": "A kernel", "licenses": "Apache-2.0", "url": page}


@pytest.mark.parametrize("licence", [None, {}, {"spdx_id": None}, {"spdx_id": "NOASSERTION"}])
def test_what_is_not_known_is_left_out(small_github: SmallGitHub, licence: object) -> None:
    assert labels(small_github, description=None, license=licence) == {}
