"""Which versions of a package may go, so that nothing that stays loses a part."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from tcv_action.prune.needs import Needs, needs_of, ordered, spread
from tcv_action.prune.stored import Stored

GRACE = timedelta(days=1)
"""How long what has no tag is left alone: a run tags an image only after it is proved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What stays: the newest `keep_last`, what is not `older_than`, and tags that fit a pattern.

    Where neither of the first two is given, nothing that has a tag may go.
    """

    keep_last: int | None = None
    older_than: timedelta | None = None
    keep_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a version may go, and why."""

    stored: Stored
    goes: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Every version's verdict, the newest first."""

    verdicts: tuple[Verdict, ...]
    needs: Needs = field(repr=False)

    @property
    def going(self) -> tuple[Stored, ...]:
        """What may go, an index before its images: an interrupted prune breaks none."""
        going = {one.stored.digest: one.stored for one in self.verdicts if one.goes}
        return tuple(going[digest] for digest in ordered(list(going), self.needs))

    def needed_by(self, one: Stored) -> frozenset[str]:
        """Return all that a version needs, directly or not."""
        return frozenset(spread([one.digest], self.needs)) - {one.digest}


def plan(versions: Iterable[Stored], rules: Rules, now: datetime) -> Plan:
    """Judge every version of a package; `versions` must be all of them."""
    newest_first = sorted(versions, key=lambda one: (one.version.created, one.version.id))[::-1]
    needs = needs_of(newest_first)
    judge = _Judge(newest_first, needs, rules, now)
    reasons = {one.digest: why for one in newest_first if (why := judge.keeps(one))}
    kept = spread(reasons, needs)
    names = {one.digest: one.name for one in newest_first}
    for digest, parent in kept.items():
        reasons.setdefault(digest, f"needed by {names.get(parent)}")
    return Plan(
        verdicts=tuple(
            Verdict(
                stored=one,
                goes=one.digest not in kept,
                reason=reasons.get(one.digest) or judge.lets_go(one),
            )
            for one in newest_first
        ),
        needs=needs,
    )


class _Judge:
    """Judges each version by itself.

    A unit is a version with a tag that no other one with a tag needs: an index counts as one, with
    the images that it joins, whatever tags those have.
    """

    def __init__(
        self, newest_first: Sequence[Stored], needs: Needs, rules: Rules, now: datetime
    ) -> None:
        self._rules = rules
        self._now = now
        self._parents: dict[str, Stored] = {}
        for one in newest_first:
            for digest in needs[one.digest]:
                self._parents.setdefault(digest, one)
        tagged = [one.digest for one in newest_first if one.tags]
        held = {below for digest in tagged for below in spread([digest], needs) if below != digest}
        self._units = [digest for digest in tagged if digest not in held]
        self._newest = frozenset(self._units[: rules.keep_last or 0])

    def keeps(self, one: Stored) -> str:
        """Say why the version stays for its own sake; empty where it does not."""
        rules, age = self._rules, self._now - one.version.created
        fitting = (tag for tag in one.tags if any(fnmatchcase(tag, p) for p in rules.keep_tags))
        if tag := next(fitting, ""):
            return f"the tag {tag} is kept"
        if one.digest in self._newest:
            return f"one of the {rules.keep_last} newest"
        if rules.older_than is not None and age < rules.older_than:
            return f"not older than {_days(rules.older_than)}"
        if one.tags and rules.keep_last is None and rules.older_than is None:
            return "has a tag, and no rule lets it go"
        if not one.tags and one.digest not in self._parents and age < GRACE:
            return f"has no tag, and is not older than {_days(GRACE)}"
        return ""

    def lets_go(self, one: Stored) -> str:
        """Say why the version may go."""
        if one.digest in self._units:
            return " and ".join(self._broken_rules())
        if parent := self._parents.get(one.digest):
            return f"goes with {parent.name}"
        return "what it refers to is gone" if one.subjects else "has no tag, and nothing needs it"

    def _broken_rules(self) -> list[str]:
        broken = []
        if self._rules.keep_last is not None:
            broken.append(f"not one of the {self._rules.keep_last} newest")
        if self._rules.older_than is not None:
            broken.append(f"older than {_days(self._rules.older_than)}")
        return broken


def _days(span: timedelta) -> str:
    days = span / timedelta(days=1)
    return f"{days:g} day{'' if days == 1 else 's'}"
