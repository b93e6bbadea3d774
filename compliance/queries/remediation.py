"""How remediation goes, asked of Postgres in whole sets: what ``remediation.metrics`` says of single spans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    Aggregate,
    Avg,
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    FloatField,
    Min,
    Q,
    QuerySet,
)
from django.db.models.functions import Extract

from compliance.models import Finding, FindingSpan, Repository, StatusChoice
from compliance.remediation.metrics import AGES, FIXED_BY, Pace, Standing, Window
from compliance.remediation.sla import SOON
from compliance.remediation.status import TO_DO

_TO_DO = Q(status__in=sorted(status.value for status in TO_DO))
UNFIXED = sorted({*(status.value for status in TO_DO), StatusChoice.WAIVED.value})
FIXED_BY_VALUES = sorted(resolution.value for resolution in FIXED_BY)
_DAY = timedelta(days=1)


class _Quantile(Aggregate):
    """Postgres's ``percentile_cont``."""

    function = "percentile_cont"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


@dataclass(frozen=True, slots=True)
class Pile:
    """Unfixed findings of one team and severity, to be done unless ``waived``."""

    team: int | None
    rank: int
    open: int
    overdue: int
    due: int
    waived: int
    ages: tuple[int, ...]
    oldest: datetime | None
    protected: int = 0


def piles(repositories: QuerySet[Repository] | None, *, now: datetime) -> tuple[Pile, ...]:
    """What is unfixed now, by team and severity.

    :param repositories: the scope; ``None`` for everything.
    """
    to_do = _TO_DO
    ages = {f"age{at}": Count("pk", filter=to_do & _aged(least, most, now)) for at, (_, _, least, most) in _ages()}
    rows = (
        _within(Finding.objects.filter(status__in=UNFIXED), repositories)
        .order_by()
        .values("repository__team", "rank")
        .annotate(
            open=Count("pk", filter=to_do),
            overdue=Count("pk", filter=to_do & Q(due_at__lt=now)),
            due=Count("pk", filter=to_do & Q(due_at__gte=now, due_at__lte=now + SOON)),
            waived_=Count("pk", filter=~to_do),
            oldest=Min("opened_at", filter=to_do),
            guarded=Count("pk", filter=to_do & Q(protected=True)),
            **ages,
        )
    )
    return tuple(
        Pile(
            row["repository__team"], row["rank"], row["open"], row["overdue"], row["due"], row["waived_"],
            tuple(row[name] for name in ages), row["oldest"], row["guarded"],
        )
        for row in rows
    )  # fmt: skip


def by_team(found: Iterable[Pile]) -> dict[int | None, list[Pile]]:
    """The piles of each team."""
    groups: dict[int | None, list[Pile]] = {}
    for pile in found:
        groups.setdefault(pile.team, []).append(pile)
    return groups


def standing_of(found: Iterable[Pile]) -> Standing:
    """Piles put together."""
    all_of = tuple(found)
    return Standing(
        open=sum(pile.open for pile in all_of),
        overdue=sum(pile.overdue for pile in all_of),
        due=sum(pile.due for pile in all_of),
        waived=sum(pile.waived for pile in all_of),
        ages=tuple(sum(pile.ages[at] for pile in all_of) for at in range(len(AGES))),
    )


def _ages() -> Iterable[tuple[int, tuple[str, str, int, int | None]]]:
    return enumerate(AGES)


def _aged(least: int, most: int | None, now: datetime) -> Q:
    youngest = Q(opened_at__lte=now - least * _DAY) if least else Q()
    return youngest if most is None else youngest & Q(opened_at__gt=now - (most + 1) * _DAY)


def pace_of(repositories: QuerySet[Repository] | None, window: Window) -> Pace:
    """How fast findings were fixed within a window that ends today."""
    spans = _spans(repositories)
    gone = _fixed(spans, window).aggregate(
        fixed=Count("finding", distinct=True),
        kept=Count("finding", distinct=True, filter=Q(finding__status=StatusChoice.FIXED)),
        **_speed(),
    )
    came = spans.filter(opened_at__gte=window.since, opened_at__lt=window.until).aggregate(
        opened=Count("finding", distinct=True), reopened=Count("finding", distinct=True, filter=Q(reopened=True))
    )
    return _pace({**gone, **came})


def paces_by_team(repositories: QuerySet[Repository], window: Window) -> dict[int | None, Pace]:
    """How long fixing took and how often it was in time, by team; the other numbers stay zero."""
    rows = _fixed(_spans(repositories), window).order_by().values("repository__team").annotate(**_speed())
    return {row["repository__team"]: _pace(row) for row in rows}


def _pace(row: Mapping[str, Any]) -> Pace:
    return Pace(
        fixed=row.get("fixed", 0),
        kept=row.get("kept", 0),
        opened=row.get("opened", 0),
        reopened=row.get("reopened", 0),
        dated=row["dated"],
        in_time=row["in_time"],
        median=_seconds(row["median"]),
        mean=row["mean"],
        p90=_seconds(row["p90"]),
    )


def _seconds(value: float | None) -> timedelta | None:
    return None if value is None else timedelta(seconds=value)


def _fixed(spans: QuerySet[FindingSpan], window: Window) -> QuerySet[FindingSpan]:
    return spans.filter(closed_at__gte=window.since, closed_at__lt=window.until, resolution__in=FIXED_BY_VALUES)


def _speed() -> dict[str, Aggregate]:
    lasted = ExpressionWrapper(F("closed_at") - F("opened_at"), output_field=DurationField())
    seconds = Extract(lasted, "epoch")
    return {
        "dated": Count("due_at"),
        "in_time": Count("pk", filter=Q(closed_at__lt=F("due_at"))),
        "median": _Quantile(seconds, share=0.5),
        "mean": Avg(lasted),
        "p90": _Quantile(seconds, share=0.9),
    }


def _spans(repositories: QuerySet[Repository] | None) -> QuerySet[FindingSpan]:
    """The episodes that count."""
    false = Finding.objects.filter(status=StatusChoice.FALSE_POSITIVE).order_by().values("pk")
    return _within(FindingSpan.objects.exclude(finding__in=false), repositories)


def _within(rows: QuerySet[Any], repositories: QuerySet[Repository] | None) -> QuerySet[Any]:
    return rows if repositories is None else rows.filter(repository__in=repositories.order_by().values("pk"))
