"""What GitHub's variables and events tell."""

import pytest

from tcv_action.github.facts import image_labels, is_forks_pull_request


def test_labels_are_those_that_the_runner_knows() -> None:
    labels = image_labels(
        {
            "GITHUB_REPOSITORY": "me/it",
            "GITHUB_SERVER_URL": "https://github.example.org",
            "GITHUB_SHA": "a" * 40,
            "GITHUB_REF_NAME": "v1",
        }
    )
    assert labels == {
        "org.opencontainers.image.source": "https://github.example.org/me/it",
        "org.opencontainers.image.url": "https://github.example.org/me/it",
        "org.opencontainers.image.revision": "a" * 40,
        "org.opencontainers.image.version": "v1",
    }
    assert image_labels({}) == {}


@pytest.mark.parametrize(
    ("event", "is_fork"),
    [
        ({}, False),
        ({"ref": "refs/heads/main", "repository": {"full_name": "me/it"}}, False),
        (
            {
                "pull_request": {"head": {"repo": {"full_name": "me/it"}}},
                "repository": {"full_name": "me/it"},
            },
            False,
        ),
        (
            {
                "pull_request": {"head": {"repo": {"full_name": "you/it"}}},
                "repository": {"full_name": "me/it"},
            },
            True,
        ),
        ({"pull_request": {"head": {"repo": None}}}, True),
    ],
)
def test_pull_request_of_a_fork_is_known(event: dict[str, object], is_fork: bool) -> None:
    assert is_forks_pull_request(event) is is_fork
