"""What stands above every tab of a repository: its sentence, what is to be done, whether it is scanned and watched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from django.db.models import Count, Q

from compliance.access import Actor
from compliance.models import Finding, Tag
from compliance.policy.protected_tags import is_protected
from compliance.queries.baseline import Baseline, baseline_of
from compliance.queries.counted import Counted
from compliance.queries.repository import Header
from compliance.queries.under_way import UnderWay, under_way
from compliance.queries.waivers import count_waivers

_MOST_LOOKED_AT: Final = 500


@dataclass(frozen=True, slots=True)
class Failing:
    """The tag that the sentence names: a protected one before others, then the one that fails longest."""

    name: str
    since: datetime | None
    is_protected: bool


@dataclass(frozen=True, slots=True)
class Head:
    """The head of the page and the numbers of its tabs."""

    header: Header
    failing: Failing | None
    waivers: Counted
    open: Counted
    overdue: Counted
    baseline: Baseline
    under_way: UnderWay | None


def head_of(header: Header, actor: Actor, *, now: datetime) -> Head:
    """Read it by three queries, and one more where something fails."""
    to_do, overdue, baseline = to_do_of(header, now)
    held = {"repository": header.full_name}
    return Head(
        header=header,
        failing=_failing(header) if header.failed else None,
        waivers=Counted(count_waivers(held, actor, now=now), f"?{urlencode(held)}"),
        open=to_do,
        overdue=overdue,
        baseline=baseline,
        under_way=under_way(header.id),
    )


def to_do_of(header: Header, now: datetime) -> tuple[Counted, Counted, Baseline]:
    """How many findings are open, how many of these overdue, and how many came after the baseline."""
    name = f"{header.registry_slug}/{header.name}"
    counts = (
        Finding.objects.to_do()
        .filter(repository=header.id)
        .aggregate(
            open=Count("pk"),
            overdue=Count("pk", filter=Q(due_at__lt=now)),
            new=Count("pk", filter=Q(baseline=False)),
            known=Count("pk", filter=Q(baseline=True)),
        )
    )
    named = urlencode({"repository": name})
    return (
        Counted(counts["open"], f"?{named}"),
        Counted(counts["overdue"], f"?{named}&due=overdue"),
        baseline_of(header.held, name, new=counts["new"], known=counts["known"]),
    )


def _failing(header: Header) -> Failing | None:
    """One of those that fail longest; a protected one among the first of them before all others."""
    failing = Tag.objects.listed().filter(repository=header.id, shown="fail").order_by("failing_since", "name")
    rows = failing.values_list("name", "failing_since")[:_MOST_LOOKED_AT]
    found = [Failing(name, since, is_protected(name, header.protected_tags)) for name, since in rows]
    return next((each for each in found if each.is_protected), found[0] if found else None)
