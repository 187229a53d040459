"""What GitHub's variables tell of the repository and commit that an image is made from."""

from collections.abc import Mapping

_PREFIX = "org.opencontainers.image."


def image_labels(environ: Mapping[str, str]) -> dict[str, str]:
    """Return OCI's usual labels, as far as the runner's environment tells them.

    `created` is not among them: a time would give equal caches different digests.
    Source: OCI image specification 1.1, annotations.md.
    """
    repository = environ.get("GITHUB_REPOSITORY", "")
    server = environ.get("GITHUB_SERVER_URL", "")
    page = f"{server}/{repository}" if server and repository else ""
    told = {
        "source": page,
        "url": page,
        "revision": environ.get("GITHUB_SHA", ""),
        "version": environ.get("GITHUB_REF_NAME", ""),
    }
    return {f"{_PREFIX}{name}": value for name, value in told.items() if value}


def is_forks_pull_request(event: Mapping[str, object]) -> bool:
    """Tell whether the event is a pull request from another repository.

    Source: GitHub's webhook payload of `pull_request`.
    """
    match event:
        case {
            "pull_request": {"head": {"repo": {"full_name": str(theirs)}}},
            "repository": {"full_name": str(ours)},
        }:
            return theirs != ours
        case {"pull_request": {"head": {"repo": None}}}:
            return True  # the fork was deleted meanwhile
        case _:
            return False
