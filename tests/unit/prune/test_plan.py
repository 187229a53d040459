"""Which versions may go: rules, what is needed by what stays, and the order of going."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from tcv_action.errors import InputError
from tcv_action.github.version import PackageVersion
from tcv_action.prune.plan import Plan, Rules, plan
from tcv_action.prune.stored import Stored, stored

NOW = datetime(2026, 7, 1, tzinfo=UTC)


def digest(letter: str) -> str:
    return "sha256:" + f"{ord(letter):02x}" * 32


def referrers_tag(letter: str) -> str:
    return digest(letter).replace(":", "-")


def version(
    letter: str,
    *tags: str,
    days: float = 100,
    joins: Sequence[str] = (),
    subject: str | None = None,
) -> Stored:
    """Make the version of one manifest, `days` old, that joins others and refers to one."""
    content: dict[str, object] = {"schemaVersion": 2}
    if joins:
        content["manifests"] = [descriptor(one) for one in joins]
    if subject:
        content["subject"] = descriptor(subject)
    package = PackageVersion(
        id=ord(letter), digest=digest(letter), tags=tags, created=NOW - timedelta(days=days)
    )
    return stored(package, json.dumps(content).encode())


def descriptor(letter: str) -> dict[str, object]:
    return {"mediaType": "application/x", "digest": digest(letter), "size": 1}


def going(judged: Plan) -> str:
    """Return the letters of what goes, in the order of going."""
    return "".join(chr(one.version.id) for one in judged.going)


def reason(judged: Plan, letter: str) -> str:
    return next(one.reason for one in judged.verdicts if one.stored.digest == digest(letter))


def days(count: float) -> timedelta:
    return timedelta(days=count)


def test_without_a_rule_only_what_has_no_tag_goes() -> None:
    judged = plan([version("a", "v1"), version("b")], Rules(), NOW)

    assert going(judged) == "b"
    assert reason(judged, "a") == "has a tag, and no rule lets it go"
    assert reason(judged, "b") == "has no tag, and nothing needs it"


def test_what_a_run_may_still_tag_is_left_alone() -> None:
    judged = plan([version("a", days=0.9), version("b", days=1.1)], Rules(keep_last=0), NOW)

    assert going(judged) == "b"
    assert reason(judged, "a") == "has no tag, and is not older than 1 day"


def test_the_newest_stay() -> None:
    versions = [version("a", "v1", days=3), version("b", "v2", days=2), version("c", "v3", days=1)]
    judged = plan(versions, Rules(keep_last=2), NOW)

    assert going(judged) == "a"
    assert reason(judged, "b") == "one of the 2 newest"
    assert reason(judged, "a") == "not one of the 2 newest"
    assert [one.stored.name for one in judged.verdicts] == ["v3", "v2", "v1"]


def test_an_index_counts_as_one_with_its_images() -> None:
    versions = [
        version("a", "v1-cuda-sm90", days=20),
        version("b", "v1-hip-gfx942", days=20),
        version("i", "v1", days=19, joins="ab"),
        version("c", "v2-cuda-sm90", days=10),
        version("d", "v2-hip-gfx942", days=10),
        version("j", "v2", days=9, joins="cd"),
    ]
    judged = plan(versions, Rules(keep_last=1), NOW)

    assert going(judged) in {"iab", "iba"}
    assert reason(judged, "c") == "needed by v2"
    assert reason(judged, "a") == "goes with v1"


def test_an_image_of_two_indexes_stays_with_either() -> None:
    versions = [
        version("a", days=20),
        version("b", days=20),
        version("i", "v1", days=19, joins="ab"),
        version("c", days=10),
        version("j", "v2", days=9, joins="ac"),
    ]

    assert going(plan(versions, Rules(keep_last=1), NOW)) == "ib"


def test_a_tagged_image_of_an_index_that_lost_its_tag_counts_by_itself() -> None:
    versions = [version("i", days=5, joins="a"), version("a", "v1-cuda-sm90", days=6)]
    judged = plan(versions, Rules(keep_last=1), NOW)

    assert going(judged) == "i"
    assert reason(judged, "a") == "one of the 1 newest"


def test_what_is_young_stays() -> None:
    versions = [version("a", "v1", days=31), version("b", "v2", days=29), version("c", days=20)]
    judged = plan(versions, Rules(older_than=days(30)), NOW)

    assert going(judged) == "a"
    assert reason(judged, "a") == "older than 30 days"
    assert reason(judged, "b") == "not older than 30 days"


def test_either_rule_keeps() -> None:
    versions = [
        version("a", "v1", days=50),
        version("b", "v2", days=40),
        version("c", "v3", days=35),
        version("d", "v4", days=1),
    ]
    judged = plan(versions, Rules(keep_last=2, older_than=days(30)), NOW)

    assert set(going(judged)) == {"a", "b"}
    assert reason(judged, "a") == "not one of the 2 newest and older than 30 days"


def test_a_tag_that_fits_stays_with_all_that_it_needs() -> None:
    versions = [
        version("a", days=50),
        version("i", "v1.0", "stable", days=50, joins="a"),
        version("b", "nightly-1", days=40),
    ]
    judged = plan(versions, Rules(keep_last=0, keep_tags=("rel-*", "v[0-9]*")), NOW)

    assert going(judged) == "b"
    assert reason(judged, "i") == "the tag v1.0 is kept"
    assert reason(judged, "a") == "needed by v1.0"


def test_attestations_stay_with_what_they_are_about() -> None:
    versions = [
        version("a", "v1", days=10),
        version("r", referrers_tag("a"), days=9, joins="s"),
        version("s", days=9, subject="a"),
        version("t", f"{referrers_tag('a')}.sig", days=9),
    ]
    judged = plan(versions, Rules(keep_last=1), NOW)

    assert going(judged) == ""
    assert reason(judged, "r") == "needed by v1"
    assert reason(judged, "t") == "needed by v1"


def test_attestations_of_an_indexs_image_stay() -> None:
    versions = [
        version("i", "v1", joins="a"),
        version("a"),
        version("r", referrers_tag("a"), joins="s"),
        version("s", subject="a"),
        version("t", subject="s"),
    ]

    assert going(plan(versions, Rules(keep_last=1), NOW)) == ""


def test_attestations_go_after_what_they_are_about() -> None:
    versions = [
        version("s", days=9, subject="a"),
        version("r", referrers_tag("a"), days=9, joins="s"),
        version("a", "v1", days=10),
    ]

    assert going(plan(versions, Rules(keep_last=0), NOW)) == "ars"


def test_attestations_of_nothing_go() -> None:
    versions = [version("r", referrers_tag("a"), joins="s"), version("s", subject="a")]
    judged = plan(versions, Rules(), NOW)

    assert going(judged) == "rs"
    assert reason(judged, "r") == "what it refers to is gone"


def test_a_tag_that_only_looks_like_a_referrers_tag_is_a_tag() -> None:
    versions = [version("a", "sha256-abc"), version("b", referrers_tag("x") + "-mine")]

    assert going(plan(versions, Rules(), NOW)) == ""


def test_an_index_goes_before_its_images() -> None:
    versions = [version("a"), version("b"), version("i", joins="ja"), version("j", joins="b")]
    order = going(plan(versions, Rules(), NOW))

    assert sorted(order) == ["a", "b", "i", "j"]
    assert order.index("i") < order.index("j") < order.index("b")
    assert order.index("i") < order.index("a")


def test_all_that_is_needed_is_told() -> None:
    versions = [version("i", joins="a"), version("a"), version("r", subject="a"), version("z")]
    judged = plan(versions, Rules(), NOW)

    assert judged.needed_by(versions[0]) == {digest("a"), digest("r")}


def test_what_refers_in_a_circle_is_no_trap() -> None:
    versions = [version("a", joins="b", subject="b"), version("b", subject="a")]

    assert sorted(going(plan(versions, Rules(), NOW))) == ["a", "b"]


def test_parts_that_are_elsewhere_do_not_matter() -> None:
    assert going(plan([version("i", "v1", joins="xyz")], Rules(keep_last=1), NOW)) == ""


@pytest.mark.parametrize(
    "manifest", [b"", b"[]", b'{"manifests":[{}]}', b'{"subject":{"digest":"sha256:1"}}']
)
def test_a_manifest_that_cannot_be_read_is_refused(manifest: bytes) -> None:
    package = PackageVersion(id=1, digest=digest("a"), tags=(), created=NOW)

    with pytest.raises(InputError, match="cannot be read"):
        stored(package, manifest)
