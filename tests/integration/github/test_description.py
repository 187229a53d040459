"""Every call, held against GitHub's own description of its API."""

import pytest
from tests.services.fault_proxy import FaultProxy

from tcv_action.github.api import Api, Patience
from tcv_action.github.comment import Place, put_comment
from tcv_action.github.packages import Package
from tcv_action.github.refusal import ApiError
from tcv_action.github.repository import repository_labels

pytestmark = pytest.mark.tools
PLACE = Place(repository="octo/project", number=7, subject="ghcr.io/octo/kernels")
COMMENTS = "^/repos/octo/project/issues/7/comments"


@pytest.fixture
def api(faulty_github_api: FaultProxy) -> Api:
    patience = Patience(answer=30, sleep=lambda _: None, writes=0)
    return Api("token", url=faulty_github_api.url, patience=patience)


def listed(proxy: FaultProxy, *bodies: str) -> None:
    """Answer the list of comments with these, numbered from 1."""
    bot = {"login": "github-actions[bot]", "type": "Bot"}
    comments = [
        {"id": number, "body": body, "user": bot} for number, body in enumerate(bodies, start=1)
    ]
    proxy.answer("GET", COMMENTS, status=200, body=comments, times=None)


def test_labels_of_a_repository(api: Api) -> None:
    found = repository_labels(api, "octo/project")

    assert found["org.opencontainers.image.licenses"] == "MIT"
    assert found["org.opencontainers.image.description"]
    assert found["org.opencontainers.image.url"].startswith("https://github.com/")


def test_a_comment_is_posted(faulty_github_api: FaultProxy, api: Api) -> None:
    put_comment(api, PLACE, "text")

    (posted,) = faulty_github_api.requests("POST")
    assert posted.json == {"body": f"{PLACE.marker}\ntext"}
    assert {one.method for one in faulty_github_api.asked} == {"GET", "POST"}


def test_a_comment_is_changed_and_its_double_removed(
    faulty_github_api: FaultProxy, api: Api
) -> None:
    listed(faulty_github_api, f"{PLACE.marker}\nold", "of others", f"{PLACE.marker}\ndouble")
    put_comment(api, PLACE, "new")

    (changed,) = faulty_github_api.requests("PATCH")
    (removed,) = faulty_github_api.requests("DELETE")
    assert changed.path == "/repos/octo/project/issues/comments/1"
    assert changed.json == {"body": f"{PLACE.marker}\nnew"}
    assert removed.path == "/repos/octo/project/issues/comments/3"


@pytest.mark.parametrize("owners", ["orgs", "users"])
def test_versions_of_a_package(faulty_github_api: FaultProxy, api: Api, owners: str) -> None:
    if owners == "users":
        faulty_github_api.answer("GET", "^/orgs/", status=404, body={"message": "Not Found"})
    package = Package.find(api, "octo/team/kernels")
    path = f"/{owners}/octo/packages/container/team%2Fkernels/versions"
    # GitHub's example of a list is of another kind of package; that of a container's differs.
    with pytest.raises(ApiError, match="which it should not"):
        package.versions()
    assert faulty_github_api.asked[-1].path == f"{path}?page=1&per_page=100"

    faulty_github_api.answer("GET", rf"{path}\?", status=200, body=[container_version()])
    (version,) = package.versions()
    assert (version.id, version.tags) == (12, ("v1",))
    assert version.created.isoformat() == "2026-01-02T03:04:05+00:00"

    package.delete(version)
    assert faulty_github_api.asked[-1].method == "DELETE"
    assert faulty_github_api.asked[-1].path == f"{path}/12"


def test_a_version_that_is_gone(faulty_github_api: FaultProxy, api: Api) -> None:
    package = Package(api=api, path="/orgs/octo/packages/container/kernels")
    faulty_github_api.answer("GET", "/versions/12$", status=200, body=container_version())
    faulty_github_api.answer("GET", "/versions/12$", status=404, body={"message": "Not Found"})
    faulty_github_api.answer("DELETE", "/versions/12$", status=404, body={"message": "Not Found"})
    faulty_github_api.answer("DELETE", "/versions/12$", status=403, body={"message": "No"})
    faulty_github_api.answer("GET", r"/versions\?", status=200, body=[container_version()])
    (version,) = package.versions()

    assert package.current(version) == version
    assert package.current(version) is None
    package.delete(version)
    with pytest.raises(ApiError, match="403: No"):
        package.delete(version)


def container_version() -> dict[str, object]:
    return {
        "id": 12,
        "name": "sha256:" + "0" * 64,
        "created_at": "2026-01-02T03:04:05Z",
        "metadata": {"package_type": "container", "container": {"tags": ["v1"]}},
    }
