"""What a waiver covers, or would cover, among all findings there are, whosever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.db.models import BooleanField, ExpressionWrapper, Min, Q

from compliance.models import Finding, Policy, Repository
from compliance.models.bulk import among
from compliance.queries.waiver_facts import Held, findings_in_scope, hold, needs_tags
from compliance.remediation.waiver import Answer, Covers, WaiverScope, covers, fits_tag

MOST_FINDINGS: Final = 10_000
MOST_RUN_KEYS: Final = 5_000
SHOWN: Final = 50
_WRITTEN_AT_ONCE: Final = 20_000


@dataclass(frozen=True, slots=True)
class Left:
    """A finding that fits the scope in part and is not covered."""

    row: Finding
    answer: Covers


@dataclass(frozen=True, slots=True)
class Reach:
    """What a scope covers.

    :param left: what stays to be done although rule and repository fit.
    :param run_keys: how the images run by which tags in scope show the findings.
    :param changed: how many of their images run otherwise than was accepted.
    :param too_wide: more fits than is looked at; then nothing else is told.
    :param most_days: how long it may last at most; ``second_person``: its author may not approve it. By the strictest
        policy among the repositories that are covered; ``policy`` is the name of the one that says how long.
    """

    covered: tuple[Finding, ...] = ()
    left: tuple[Left, ...] = ()
    run_keys: frozenset[str] = frozenset()
    changed: int = 0
    too_wide: bool = False
    most_days: int = 0
    policy: str = ""
    second_person: bool = False

    def shown(self, *, protected: bool) -> tuple[Finding, ...]:
        """All that is covered, or what of it is on protected tags; those first, then the worst."""
        rows = (row for row in self.covered if row.protected or not protected)
        return tuple(sorted(rows, key=lambda row: (not row.protected, row.rank, row.pk)))

    @property
    def protected(self) -> int:
        """How many covered findings are on protected tags."""
        return sum(row.protected for row in self.covered)

    @property
    def repositories(self) -> int:
        """In how many repositories."""
        return len({row.repository_id for row in self.covered})

    @property
    def tags(self) -> int:
        """How many tags show what is covered."""
        return sum(row.tags for row in self.covered)

    @property
    def takes_seconds(self) -> bool:
        """Whether whoever saves it has to wait for what is written to all of these tags."""
        return self.tags > _WRITTEN_AT_ONCE

    @property
    def first(self) -> tuple[Finding, ...]:
        """Those that are shown beside the form."""
        return self.shown(protected=False)[:SHOWN]

    @property
    def left_counts(self) -> tuple[tuple[str, int], ...]:
        """How many are left for each reason."""
        counts = Counter(left.answer.answer for left in self.left)
        return tuple((_WHY[answer], counts[answer]) for answer in _WHY if counts[answer])


_WHY: Final = {
    Answer.PARTLY: "are shown by other tags too, which are out of scope",
    Answer.CHANGED: "are shown by images that run as something else than is accepted, or as nobody knows what",
    Answer.REGRESSED: "are regressions, which only a waiver for their repository alone covers",
}


def measure(scope: WaiverScope, *, accepted: Collection[str] | None, written_at: datetime) -> Reach:
    """Hold a scope against what is stored.

    :param accepted: ``None``: all that is there now, as in a waiver that is being written.
    """
    ids = list(findings_in_scope(scope).order_by("pk").values_list("pk", flat=True)[: MOST_FINDINGS + 1])
    if len(ids) > MOST_FINDINGS:
        return Reach(too_wide=True)
    held = list(hold(Finding.objects.filter(among("pk", ids)), tags=needs_tags([scope]) or accepted is not None))
    keys = frozenset(
        shown.run_key for each in held for shown in each.facts.occurrences if shown.run_key and fits_tag(scope, shown)
    )
    return _reach(held, scope, keys, keys if accepted is None else accepted, written_at)


def _reach(
    held: list[Held], scope: WaiverScope, keys: frozenset[str], accepted: Collection[str], written_at: datetime
) -> Reach:
    covered: list[Finding] = []
    left: list[Left] = []
    images: set[str] = set()
    for each in held:
        answer = covers(scope, accepted, each.facts, written_at=written_at)
        if answer:
            covered.append(each.row)
        elif answer.answer is not Answer.OUT_OF_SCOPE:
            left.append(Left(each.row, answer))
        if answer.answer is Answer.CHANGED:
            images |= {s.image_digest or s.digest for s in each.facts.occurrences if s.run_key not in accepted}
    found = Reach(tuple(covered), tuple(left), keys, len(images))
    return _limited(found)


def _limited(reach: Reach) -> Reach:
    homes = Repository.objects.filter(among("pk", {row.repository_id for row in reach.covered})).order_by()
    judged = Policy.objects.filter(pk__in=homes.values("policy"))
    strict = ExpressionWrapper(Q(second_person=True), output_field=BooleanField())
    rows = list(judged.order_by().values_list("name", strict).annotate(days=Min("waiver_days")))
    if not rows:
        return reach
    name, _, days = min(rows, key=lambda row: (row[2], row[0]))
    return replace(reach, most_days=days, policy=name, second_person=any(second for _, second, _ in rows))
