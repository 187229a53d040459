"""GitHub's API on a real connection: what is sent, sent again, waited for, and given up."""

import socket
from pathlib import Path

import pytest
from tests.services.fault_proxy import FaultProxy
from tests.services.small_github import SmallGitHub

from tcv_action.errors import InputError
from tcv_action.github.api import Api, Patience
from tcv_action.github.refusal import ApiError

TOKEN = "a-Token-4-tests"
PROJECT = "/repos/octo/project"
LIMIT = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}


class Clock:
    """A clock that only waiting moves, and the pauses so far."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def patience(self) -> Patience:
        return Patience(clock=lambda: self.now, sleep=self.sleep, writes=0, answer=5)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def api(faulty_github: FaultProxy, clock: Clock) -> Api:
    return Api(TOKEN, url=faulty_github.url, patience=clock.patience())


def test_a_request_is_signed_and_says_who_asks(faulty_github: FaultProxy, api: Api) -> None:
    api.get(PROJECT)

    (asked,) = faulty_github.asked
    headers = {name.lower(): value for name, value in asked.headers.items()}
    assert headers["authorization"] == f"token {TOKEN}"
    assert headers["x-github-api-version"] == "2022-11-28"
    assert headers["user-agent"].startswith("tcv-action/")


def test_a_server_of_ones_own_has_its_prefix(faulty_github: FaultProxy, clock: Clock) -> None:
    api = Api(TOKEN, url=f"{faulty_github.url}/api/v3/", patience=clock.patience())
    faulty_github.answer("GET", "^/api/v3/user$", status=200, body={"login": "octo"})

    assert api.get("/user")["login"] == "octo"


@pytest.mark.parametrize("fault", [{"status": 502}, {"status": 500, "body": [1]}, {"drop": True}])
def test_what_can_be_sent_again_is(
    faulty_github: FaultProxy, api: Api, clock: Clock, fault: dict[str, object]
) -> None:
    faulty_github.answer("GET", PROJECT, times=2, **fault)

    assert api.get(PROJECT) is not None
    assert clock.pauses == [1.0, 2.0]


def test_a_trouble_that_stays_is_given_up(faulty_github: FaultProxy, api: Api) -> None:
    faulty_github.answer("GET", PROJECT, status=503, times=None)

    with pytest.raises(ApiError, match="503") as refused:
        api.get(PROJECT)
    assert len(faulty_github.asked) == 4
    assert refused.value.outcome_unknown
    assert refused.value.next_step == "Try again later."


@pytest.mark.parametrize("fault", [{"status": 500}, {"drop": True}, {"status": 502}])
def test_a_post_is_sent_once(
    faulty_github: FaultProxy, api: Api, clock: Clock, fault: dict[str, object]
) -> None:
    faulty_github.answer("POST", "comments", times=None, **fault)

    with pytest.raises(ApiError) as refused:
        api.call("POST", f"{PROJECT}/issues/1/comments", {"body": "text"})
    assert len(faulty_github.asked) == 1
    assert refused.value.outcome_unknown
    assert clock.pauses == []


@pytest.mark.parametrize("verb", ["GET", "POST", "PATCH", "DELETE"])
def test_a_limit_is_waited_for(
    faulty_github: FaultProxy, api: Api, clock: Clock, verb: str
) -> None:
    faulty_github.answer(verb, "/limited", status=403, headers={"retry-after": "7"}, body=LIMIT)
    faulty_github.answer(verb, "/limited", status=200, body={})

    api.call(verb, "/limited")
    assert len(faulty_github.requests(verb)) == 2
    assert clock.pauses == [7.0]


@pytest.mark.parametrize(
    ("status", "headers", "pause"),
    [
        (403, {}, 60.0),
        (429, {}, 60.0),
        (429, {"retry-after": "3"}, 3.0),
        (403, {"retry-after": "0"}, 1.0),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1030"}, 31.0),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "900"}, 1.0),
    ],
)
def test_a_limit_says_for_how_long(
    faulty_github: FaultProxy,
    api: Api,
    clock: Clock,
    status: int,
    headers: dict[str, str],
    pause: float,
) -> None:
    faulty_github.answer("GET", PROJECT, status=status, headers=headers, body=LIMIT)

    api.get(PROJECT)
    assert clock.pauses == [pause]


@pytest.mark.parametrize(
    "headers",
    [{"retry-after": "3600"}, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "4600"}],
)
def test_a_long_limit_is_not_waited_for(
    faulty_github: FaultProxy, api: Api, clock: Clock, headers: dict[str, str]
) -> None:
    faulty_github.answer("GET", PROJECT, status=403, headers=headers, body=LIMIT)

    with pytest.raises(ApiError, match="403: You have exceeded") as refused:
        api.get(PROJECT)
    assert clock.pauses == []
    assert "Too much was asked" in refused.value.cause


def test_all_limits_together_are_bounded(faulty_github: FaultProxy, api: Api, clock: Clock) -> None:
    faulty_github.answer(
        "GET", PROJECT, status=403, headers={"retry-after": "40"}, body=LIMIT, times=None
    )

    with pytest.raises(ApiError):
        api.get(PROJECT)
    assert clock.pauses == [40.0, 40.0]
    with pytest.raises(ApiError):
        api.get(PROJECT)
    assert clock.pauses == [40.0, 40.0]


@pytest.mark.parametrize("status", [401, 404, 410, 422])
def test_a_refusal_is_final(faulty_github: FaultProxy, api: Api, status: int) -> None:
    faulty_github.answer("GET", PROJECT, status=status, body={"message": "No.\nReally"})

    with pytest.raises(ApiError, match=f"'GET {PROJECT}' with {status}: No. Really") as refused:
        api.get(PROJECT)
    assert refused.value.status == status
    assert not refused.value.outcome_unknown
    assert refused.value.exit_code == 5
    assert refused.value.cause
    assert refused.value.next_step
    assert len(faulty_github.asked) == 1


def test_a_missing_permission_is_named(faulty_github: FaultProxy, api: Api) -> None:
    faulty_github.answer(
        "GET",
        PROJECT,
        status=403,
        headers={"X-Accepted-GitHub-Permissions": "issues=write; pull_requests=write"},
        body={"message": "Resource not accessible by integration"},
    )

    with pytest.raises(ApiError) as refused:
        api.get(PROJECT)
    assert "issues=write; pull_requests=write" in refused.value.next_step


@pytest.mark.parametrize("body", ["<html>", [], None, 7])
def test_an_answer_of_something_else_is_refused(
    faulty_github: FaultProxy, api: Api, body: object
) -> None:
    faulty_github.answer("GET", "/user$", status=200, body=body, times=None)

    with pytest.raises(ApiError):
        api.get("/user")


def test_a_list_is_read_to_its_end(
    small_github: SmallGitHub, faulty_github: FaultProxy, api: Api
) -> None:
    small_github.page = 2
    numbers = [small_github.comment(f"number {count}") for count in range(5)]

    assert [one["id"] for one in api.pages(f"{PROJECT}/issues/1/comments")] == numbers
    assert len(faulty_github.asked) == 3


def test_a_list_that_repeats_itself_ends(faulty_github: FaultProxy, api: Api) -> None:
    faulty_github.answer(
        "GET",
        "/comments",
        status=200,
        headers={"link": '<https://elsewhere.example/?page=2>; rel="next"'},
        body=[{"id": 1}],
        times=None,
    )

    assert [one["id"] for one in api.pages(f"{PROJECT}/issues/1/comments")] == [1]


def test_nobody_there_is_said(clock: Clock) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"

        with pytest.raises(ApiError, match="did not answer") as refused:
            Api(TOKEN, url=url, patience=clock.patience()).get("/user")
    assert refused.value.status == 0
    assert "GITHUB_API_URL" in refused.value.next_step


def test_a_silent_server_is_left(clock: Clock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        patience = Patience(
            answer=1, failures=2.0, clock=lambda: clock.now, sleep=clock.sleep, writes=0
        )

        with pytest.raises(ApiError, match="did not answer"):
            Api(TOKEN, url=url, patience=patience).get("/user")
    assert clock.pauses == [1.0]


@pytest.mark.parametrize("url", ["api.github.com", "ftp://x", "http://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="GITHUB_API_URL"):
        Api(TOKEN, url=url)


def test_the_token_is_in_no_error_and_no_log(
    faulty_github: FaultProxy, api: Api, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level("DEBUG")
    faulty_github.answer("GET", PROJECT, status=404)

    with pytest.raises(ApiError) as refused:
        api.get(PROJECT)
    assert TOKEN not in f"{refused.value}{refused.value.__cause__!r}"
    assert TOKEN not in caplog.text
    assert not list(tmp_path.iterdir())
