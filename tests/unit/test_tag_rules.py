"""Tag rules, and the events that they apply to."""

import pytest

from tcv_action.errors import InputError
from tcv_action.tag_rules import Event, templates_of

RELEASE = Event(name="push", ref="refs/tags/v1.2.3", ref_name="v1.2.3", sha="0123456789abcdef")
PRERELEASE = Event(name="push", ref="refs/tags/v2.0.0-rc.1", ref_name="v2.0.0-rc.1", sha="f" * 40)
BRANCH = Event(name="push", ref="refs/heads/feature/x", ref_name="feature/x", sha="a" * 40)
PULL = Event(name="pull_request", ref="refs/pull/7/merge", ref_name="7/merge", sha="b" * 40)
NIGHTLY = Event(name="schedule", ref="refs/heads/main", ref_name="main", sha="c" * 40)
RULES = (
    "type=semver,pattern={{version}}",
    "type=semver,pattern={{major}}.{{minor}}",
    "type=ref,event=branch",
    "type=ref,event=pr",
    "type=schedule",
    "type=sha",
)


@pytest.mark.parametrize(
    ("event", "tags"),
    [
        (RELEASE, ("1.2.3", "latest", "1.2", "sha-0123456")),
        (PRERELEASE, ("2.0.0-rc.1", "sha-fffffff")),
        (BRANCH, ("feature-x", "sha-aaaaaaa")),
        (PULL, ("pr-7", "sha-bbbbbbb")),
        (NIGHTLY, ("main", "nightly", "sha-ccccccc")),
    ],
    ids=["release", "prerelease", "branch", "pull request", "schedule"],
)
def test_rules_give_the_tags_of_the_event(event: Event, tags: tuple[str, ...]) -> None:
    assert templates_of(RULES, event) == tags


def test_templates_pass_as_they_are() -> None:
    assert templates_of(("{tag}-{backend}-{arch}", "v1"), BRANCH) == (
        "{tag}-{backend}-{arch}",
        "v1",
    )


@pytest.mark.parametrize(
    ("rule", "tags"),
    [
        ("type=raw,value=edge", ("edge",)),
        ("type=sha,format=long,prefix=", ("a" * 40,)),
        ("type=raw,value=x,prefix=a-,suffix=-b", ("a-x-b",)),
        ("type=semver,value=1.0.0,pattern=v{{major}}", ("v1", "latest")),
    ],
)
def test_attributes(rule: str, tags: tuple[str, ...]) -> None:
    assert templates_of((rule,), BRANCH) == tags


def test_disabled_rule_gives_nothing() -> None:
    assert templates_of(("type=raw,value=x,enable=false", "y"), BRANCH) == ("y",)


@pytest.mark.parametrize(
    "rule",
    [
        "type=nothing",
        "type=raw",
        "type=raw,value",
        "type=sha,event=tag",
        "type=ref,event=moon",
        "type=semver,value=1.0.0,pattern={{weather}}",
    ],
)
def test_rule_that_cannot_be_read_is_refused(rule: str) -> None:
    with pytest.raises(InputError):
        templates_of((rule,), BRANCH)


def test_rules_of_which_none_applies_are_refused_with_the_event() -> None:
    with pytest.raises(InputError, match="refs/heads/feature/x"):
        templates_of(("type=semver,pattern={{version}}",), BRANCH)


def test_event_is_read_from_githubs_variables() -> None:
    environ = {"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/tags/v1", "GITHUB_REF_NAME": "v1"}
    assert Event.of(environ).kind == "tag"
    assert Event.of({}).kind == ""
