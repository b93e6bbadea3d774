"""How remediation goes, asked of Postgres in whole sets: what ``remediation.metrics`` says of single spans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db.models import (
    Aggregate,
    Avg,
    BooleanField,
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    FloatField,
    Min,
    OuterRef,
    Q,
    QuerySet,
)
from django.db.models.functions import Extract

from compliance.models import Finding, FindingSpan, Repository, StatusChoice
from compliance.remediation.metrics import AGES, FIXED_BY, Pace, Standing, Window
from compliance.remediation.sla import SOON
from compliance.remediation.status import TO_DO

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
    """Unfixed findings of one team and severity, to be done unless ``waived``.

    ``fresh`` came, came back or got worse after the baseline of their repository was set.
    """

    team: int | None
    rank: int
    open: int
    overdue: int
    due: int
    waived: int
    ages: tuple[int, ...]
    oldest: datetime | None
    protected: int = 0
    fresh: int = 0


def piles(repositories: QuerySet[Repository] | None, *, now: datetime) -> tuple[Pile, ...]:
    """What is unfixed now, by team and severity.

    :param repositories: the scope; ``None`` for everything.
    """
    # Waived or not is a group and no condition of each number: those are what the time goes into.
    is_waived = ExpressionWrapper(Q(status=StatusChoice.WAIVED), output_field=BooleanField())
    younger = {f"under{at}": Count("pk", filter=Q(opened_at__gt=end)) for at, end in enumerate(_age_ends(now))}
    rows = (
        _within(Finding.objects.filter(status__in=UNFIXED), repositories)
        .order_by()
        .values("repository__team", "rank", is_waived=is_waived)
        .annotate(
            all=Count("pk"),
            overdue=Count("pk", filter=Q(due_at__lt=now)),
            soon=Count("pk", filter=Q(due_at__lte=now + SOON)),
            oldest=Min("opened_at"),
            guarded=Count("pk", filter=Q(protected=True)),
            fresh_=Count("pk", filter=Q(baseline=False, repository__baseline_at__isnull=False)),
            **younger,
        )
    )
    return tuple(_merged(rows, tuple(younger)))


def _merged(rows: Iterable[Mapping[str, Any]], younger: Sequence[str]) -> Iterable[Pile]:
    """A pile of what is to be done and what is waived, of the same team and severity."""
    groups: dict[tuple[int | None, int], dict[bool, Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["repository__team"], row["rank"]), {})[row["is_waived"]] = row
    for (team, rank), halves in groups.items():
        waived = halves[True]["all"] if True in halves else 0
        if False not in halves:
            yield Pile(team, rank, 0, 0, 0, waived, (0,) * len(AGES), None)
            continue
        row = halves[False]
        ages = tuple(end - begin for begin, end in pairwise([0, *(row[name] for name in younger), row["all"]]))
        yield Pile(
            team, rank, row["all"], row["overdue"], row["soon"] - row["overdue"], waived, ages, row["oldest"],
            row["guarded"], row["fresh_"],
        )  # fmt: skip


def _age_ends(now: datetime) -> list[datetime]:
    """After which moment findings of each age but the last were opened."""
    return [now - (most + 1) * _DAY for _, _, _, most in AGES if most is not None]


@dataclass(frozen=True, slots=True)
class Load:
    """What one team has to do."""

    team: int | None
    open: int
    overdue: int
    protected: int
    regressions: int


def loads(repositories: QuerySet[Repository] | None, *, now: datetime) -> tuple[Load, ...]:
    """What is to be done now, by team: the same numbers as those of :func:`piles`, in half its time.

    :param repositories: the scope; ``None`` for everything.
    """
    rows = _within(Finding.objects.to_do(), repositories).order_by().values_list("repository__team")
    counted = rows.annotate(
        open=Count("pk"),
        overdue=Count("pk", filter=Q(due_at__lt=now)),
        guarded=Count("pk", filter=Q(protected=True)),
        regressions=Count("pk", filter=Q(regression=True)),
    )
    return tuple(Load(*row) for row in counted)


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


def pace_of(repositories: QuerySet[Repository] | None, window: Window) -> Pace:
    """How fast findings were fixed within a window that ends today."""
    spans = _spans(repositories)
    gone = _fixed(spans, window).aggregate(**_fixes())
    return _pace({**gone, **_opened(spans, window).aggregate(**_openings())})


def whole_paces_by_team(repositories: QuerySet[Repository], window: Window) -> dict[int | None, Pace]:
    """The same of each team, for a few teams."""
    spans = _spans(repositories).order_by()
    gone = _fixed(spans, window).values("repository__team").annotate(**_fixes())
    came = _opened(spans, window).values("repository__team").annotate(**_openings())
    found: dict[int | None, dict[str, Any]] = {}
    for row in (*gone, *came):
        found.setdefault(row["repository__team"], {}).update(row)
    return {team: _pace(row) for team, row in found.items()}


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
        dated=row.get("dated", 0),
        in_time=row.get("in_time", 0),
        median=_seconds(row.get("median")),
        mean=row.get("mean"),
        p90=_seconds(row.get("p90")),
    )


def _seconds(value: float | None) -> timedelta | None:
    return None if value is None else timedelta(seconds=value)


def _fixed(spans: QuerySet[FindingSpan], window: Window) -> QuerySet[FindingSpan]:
    return spans.filter(closed_at__gte=window.since, closed_at__lt=window.until, resolution__in=FIXED_BY_VALUES)


def _opened(spans: QuerySet[FindingSpan], window: Window) -> QuerySet[FindingSpan]:
    return spans.filter(opened_at__gte=window.since, opened_at__lt=window.until)


def _fixes() -> dict[str, Aggregate]:
    kept = Count("finding", distinct=True, filter=Q(finding__status=StatusChoice.FIXED))
    return {"fixed": Count("finding", distinct=True), "kept": kept, **_speed()}


def _openings() -> dict[str, Aggregate]:
    reopened = Count("finding", distinct=True, filter=Q(reopened=True))
    return {"opened": Count("finding", distinct=True), "reopened": reopened}


def _speed() -> dict[str, Aggregate]:
    lasted = ExpressionWrapper(F("closed_at") - F("opened_at"), output_field=DurationField())
    seconds = Extract(lasted, "epoch")
    return {
        "dated": Count("due_at"),
        "in_time": Count("finding", filter=Q(closed_at__lt=F("due_at"))),
        "median": _Quantile(seconds, share=0.5),
        "mean": Avg(lasted),
        "p90": _Quantile(seconds, share=0.9),
    }


def _spans(repositories: QuerySet[Repository] | None) -> QuerySet[FindingSpan]:
    """The episodes that count."""
    # Not ``NOT IN``: that is planned as if its list were made again for each repository.
    false = Finding.objects.filter(pk=OuterRef("finding"), status=StatusChoice.FALSE_POSITIVE)
    return _within(FindingSpan.objects.filter(~Exists(false)), repositories)


def _within(rows: QuerySet[Any], repositories: QuerySet[Repository] | None) -> QuerySet[Any]:
    return rows if repositories is None else rows.filter(repository__in=repositories.order_by().values("pk"))
