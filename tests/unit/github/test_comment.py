"""A pull request's one comment: made once, changed after, never twice."""

import threading

import pytest
from tests.services.fault_proxy import FaultProxy
from tests.services.small_github import SmallGitHub

from tcv_action.github.api import Api, Patience
from tcv_action.github.comment import LIMIT, Place, pull_request_number, put_comment
from tcv_action.github.refusal import ApiError

PLACE = Place(repository="octo/project", number=7, subject="ghcr.io/octo/kernels")
STRANGER = {"login": "mallory", "type": "User"}


def api(url: str) -> Api:
    return Api("token", url=url, patience=Patience(sleep=lambda _: None, writes=0))


@pytest.fixture
def client(faulty_github: FaultProxy) -> Api:
    return api(faulty_github.url)


def bodies(github: SmallGitHub) -> list[str]:
    return [one["body"] for one in github.comments.values()]


def test_the_first_is_posted_and_the_next_changes_it(
    small_github: SmallGitHub, faulty_github: FaultProxy, client: Api
) -> None:
    put_comment(client, PLACE, "one\n")
    put_comment(client, PLACE, "two\n")

    assert bodies(small_github) == [f"{PLACE.marker}\ntwo"]
    assert len(faulty_github.requests("POST")) == 1
    assert len(faulty_github.requests("PATCH")) == 1


def test_the_same_text_changes_nothing(faulty_github: FaultProxy, client: Api) -> None:
    put_comment(client, PLACE, "one")
    put_comment(client, PLACE, "one")

    assert {one.method for one in faulty_github.asked[2:]} == {"GET"}


def test_another_subject_has_its_own(small_github: SmallGitHub, client: Api) -> None:
    other = Place(repository="octo/project", number=7, subject="ghcr.io/octo/others")
    put_comment(client, PLACE, "one")
    put_comment(client, other, "two")

    assert len(small_github.comments) == 2


def test_the_marker_hides_and_cannot_be_broken() -> None:
    place = Place(repository="octo/project", number=7, subject="--> <b>\n`x`")

    assert place.marker.startswith("<!-- tcv-action: ")
    assert place.marker.count("-->") == 1
    assert "\n" not in place.marker


@pytest.mark.parametrize("fault", [{"status": 502}, {"drop": True}])
def test_a_lost_answer_makes_no_second(
    small_github: SmallGitHub, faulty_github: FaultProxy, client: Api, fault: dict[str, object]
) -> None:
    faulty_github.answer("POST", "/comments", carry_out=True, **fault)
    put_comment(client, PLACE, "one")

    assert bodies(small_github) == [f"{PLACE.marker}\none"]
    assert len(faulty_github.requests("POST")) == 1


@pytest.mark.parametrize("fault", [{"status": 502}, {"drop": True}])
def test_a_lost_request_is_made_up_for(
    small_github: SmallGitHub, faulty_github: FaultProxy, client: Api, fault: dict[str, object]
) -> None:
    faulty_github.answer("POST", "/comments", **fault)
    put_comment(client, PLACE, "one")

    assert bodies(small_github) == [f"{PLACE.marker}\none"]
    assert len(faulty_github.requests("POST")) == 2


def test_a_trouble_that_stays_is_said(faulty_github: FaultProxy, client: Api) -> None:
    faulty_github.answer("POST", "/comments", status=500, times=None)

    with pytest.raises(ApiError, match="500"):
        put_comment(client, PLACE, "one")
    assert len(faulty_github.requests("POST")) == 2


def test_a_limit_that_came_too_late_makes_no_second(
    small_github: SmallGitHub, faulty_github: FaultProxy, client: Api
) -> None:
    faulty_github.answer(
        "POST", "/comments", status=403, headers={"retry-after": "1"}, carry_out=True
    )
    put_comment(client, PLACE, "one")

    assert bodies(small_github) == [f"{PLACE.marker}\none"]


@pytest.mark.parametrize("status", [403, 404, 422])
def test_a_refusal_is_not_tried_again(faulty_github: FaultProxy, client: Api, status: int) -> None:
    faulty_github.answer("POST", "/comments", status=status, body={"message": "no"}, times=None)

    with pytest.raises(ApiError, match=str(status)):
        put_comment(client, PLACE, "one")
    assert len(faulty_github.requests("POST")) == 1


def test_jobs_beside_each_other_leave_one(small_github: SmallGitHub) -> None:
    # Both have looked, and found none, before either posts.
    meeting = threading.Barrier(2, timeout=30)
    small_github.before_post = meeting.wait
    threads = [
        threading.Thread(target=put_comment, args=(api(small_github.url), PLACE, text))
        for text in ("one", "two")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(small_github.comments) == 1
    assert bodies(small_github)[0] in {f"{PLACE.marker}\none", f"{PLACE.marker}\ntwo"}


def test_of_several_the_oldest_stays(small_github: SmallGitHub, client: Api) -> None:
    oldest = small_github.comment(f"{PLACE.marker}\nold")
    small_github.comment(f"{PLACE.marker}\nnewer")
    small_github.comment("about something else")
    put_comment(client, PLACE, "one")

    assert bodies(small_github) == [f"{PLACE.marker}\none", "about something else"]
    assert oldest in small_github.comments


def test_one_that_another_job_removed_is_no_failure(
    small_github: SmallGitHub, faulty_github: FaultProxy, client: Api
) -> None:
    small_github.comment(f"{PLACE.marker}\nold")
    small_github.comment(f"{PLACE.marker}\nnewer")
    faulty_github.answer("DELETE", "/comments/", status=404, body={"message": "Not Found"})

    put_comment(client, PLACE, "one")


def test_a_strangers_copy_of_the_marker_is_left_alone(
    small_github: SmallGitHub, client: Api
) -> None:
    small_github.comment(f"{PLACE.marker}\nlies", STRANGER)
    put_comment(client, PLACE, "one")

    assert bodies(small_github) == [f"{PLACE.marker}\nlies", f"{PLACE.marker}\none"]


def test_a_persons_token_knows_its_own(small_github: SmallGitHub, client: Api) -> None:
    small_github.login = "me"
    small_github.comment(f"{PLACE.marker}\nlies", STRANGER)
    small_github.comment(f"{PLACE.marker}\nold", {"login": "me", "type": "User"})
    put_comment(client, PLACE, "one")

    assert bodies(small_github) == [f"{PLACE.marker}\nlies", f"{PLACE.marker}\none"]


def test_a_quoted_marker_is_none(small_github: SmallGitHub, client: Api) -> None:
    small_github.comment(f"> {PLACE.marker}\n> one\n\nWhat is this?")
    put_comment(client, PLACE, "one")

    assert len(small_github.comments) == 2


def test_it_is_found_behind_many_others(small_github: SmallGitHub, client: Api) -> None:
    small_github.page = 10
    for count in range(35):
        small_github.comment(f"number {count}")
    put_comment(client, PLACE, "one")
    put_comment(client, PLACE, "two")

    assert len(small_github.comments) == 36


def test_a_long_text_is_cut_at_a_line_and_says_so(small_github: SmallGitHub, client: Api) -> None:
    put_comment(client, PLACE, "\n".join("é" * 100 for _ in range(1000)))
    (body,) = bodies(small_github)

    assert LIMIT - 300 < len(body) <= LIMIT
    assert body.endswith("\n\n_The rest was cut here: it is in the job's summary._")
    put_comment(client, PLACE, "short")
    assert bodies(small_github) == [f"{PLACE.marker}\nshort"]


@pytest.mark.parametrize(
    ("event", "number"),
    [
        ({"pull_request": {"number": 7}}, 7),
        ({"issue": {"number": 8, "pull_request": {"url": "x"}}}, 8),
        ({"issue": {"number": 8}}, None),
        ({"ref": "refs/heads/main"}, None),
        ({}, None),
        ({"pull_request": {"number": "7"}}, None),
    ],
)
def test_the_event_tells_the_pull_request(event: dict[str, object], number: int | None) -> None:
    assert pull_request_number(event) == number
