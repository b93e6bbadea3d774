"""The list of repositories: filtered, sorted, paged; six queries however many rows there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Count, F, OrderBy, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from compliance.access import Actor, may_label_repository
from compliance.charts import Part, Spark, parts, sparkline
from compliance.models import DailySnapshot, Finding, Policy, Repository, Tag
from compliance.models.label import labels_of
from compliance.models.repository import RepositoryQuerySet
from compliance.queries.filters import (
    VERDICTS,
    Chip,
    choice_of,
    environment_of,
    labels_asked,
    number_of,
    pattern_of,
    pattern_regex,
    policy_of,
    registries_for,
    slug_of,
    text_of,
    without,
)
from compliance.queries.labels import known_labels
from compliance.queries.paging import Paging, page_of
from compliance.remediation.status import TO_DO
from compliance.remediation.terms import NO_TEAM

STALE = timedelta(days=7)
SPARK_DAYS = 30
_LONGEST_TYPED = 1_000
GRADES = frozenset("ABCDF")
PRESETS: dict[str, str] = {
    "all": "All",
    "failing": "Failing",
    "week": "Failing since this week",
    "unknown": "With unknowns",
    "stale": "Stale",
    "never": "Never scanned",
    "error": "With errors",
}
_SORTS: dict[str, tuple[str, ...]] = {
    "name": ("name", "registry__name"),
    "failed": ("failed", "name"),
    "score": ("score", "name"),
    "tags": ("tags_total", "name"),
    "pushed": ("pushed_at", "name"),
    "scanned": ("scanned_at", "name"),
    "team": ("team__name", "name"),
    "findings": ("findings_open", "name"),
}
SORTS = frozenset({*_SORTS, *(f"-{name}" for name in _SORTS)})


@dataclass(frozen=True, slots=True)
class RepositoryFilter:
    """What the address asks for.

    :param labels: all of which have to be there.
    :param problem: what of it was not understood; then nothing is found.
    """

    q: str = ""
    registry: str = ""
    verdict: str = ""
    grade: str = ""
    preset: str = "all"
    sort: str = "-failed"
    policy: Policy | None = None
    pattern: str = ""
    team: str = ""
    team_rule: int | None = None
    environment: str = ""
    labels: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RepositoryRow:
    """One line of the list.

    :param findings: how many there are to be done.
    """

    id: int
    registry_slug: str
    registry: str
    name: str
    team: str
    team_slug: str
    findings: int
    verdict: str
    grade: str
    score: Decimal | None
    passed: int
    failed: int
    unknown: int
    waived: int
    tags: int
    bar: tuple[Part, ...]
    spark: Spark
    change: float | None
    latest_tag: str
    latest_verdict: str
    failing_since: datetime | None
    pushed_at: datetime | None
    scanned_at: datetime | None
    problem: str
    labels: tuple[str, ...]
    labelable: bool

    @property
    def evaluated(self) -> int:
        """Tags with a verdict that counts."""
        return self.passed + self.failed + self.unknown + self.waived


@dataclass(frozen=True, slots=True)
class Preset:
    """A tab with the number of repositories behind it."""

    key: str
    label: str
    count: int
    current: bool


@dataclass(frozen=True, slots=True)
class RepositoryList:
    """The page.

    :param labels: those that are known, to be offered; ``asked_labels`` is what was typed.
    """

    filter: RepositoryFilter
    rows: tuple[RepositoryRow, ...]
    paging: Paging
    presets: tuple[Preset, ...]
    chips: tuple[Chip, ...]
    registries: tuple[tuple[str, str], ...]
    environments: tuple[str, ...]
    labels: tuple[str, ...]
    asked_labels: str
    clear: str = "?"

    @property
    def narrowed(self) -> bool:
        """Whether anything but the whole list was asked for."""
        return bool(self.chips) or self.filter.preset != "all" or bool(self.filter.problem)


def read_filter(params: Mapping[str, str], registries: frozenset[str]) -> RepositoryFilter:
    """Take what is on the lists and ignore the rest."""
    labels, problem = labels_asked(params)
    return RepositoryFilter(
        q=text_of(params, "q"),
        registry=choice_of(params, "registry", registries),
        verdict=choice_of(params, "verdict", VERDICTS),
        grade=choice_of(params, "grade", GRADES),
        preset=choice_of(params, "show", PRESETS) or "all",
        sort=choice_of(params, "sort", SORTS) or "-failed",
        policy=policy_of(params),
        pattern=pattern_of(params),
        team=slug_of(params, "team"),
        team_rule=number_of(params, "team_rule"),
        environment=environment_of(params),
        labels=labels,
        problem=problem,
    )


def list_repositories(params: Mapping[str, str], actor: Actor, *, now: datetime) -> RepositoryList:
    """One page of the repositories that match the address and that somebody may see."""
    homes = list(registries_for(actor).values_list("slug", "name", "environment"))
    registries = tuple((slug, name) for slug, name, _ in homes)
    wanted = read_filter(params, frozenset(slug for slug, _ in registries))
    matching = _matching(wanted, actor)
    counts = matching.aggregate(**{key: Count("pk", filter=_preset(key, now)) for key in PRESETS})
    paging = page_of(params.get("page", ""), counts[wanted.preset])
    rows = matching.filter(_preset(wanted.preset, now))
    if _first(wanted.sort) == "findings_open":
        rows = rows.annotate(findings_open=_open())
    page = list(
        rows.select_related("registry", "label_set", "team").order_by(*_order(wanted.sort))[
            paging.offset : paging.offset + paging.size
        ]
    )
    return RepositoryList(
        wanted,
        rows=_rows(page, actor, now.date()),
        paging=paging,
        presets=tuple(Preset(key, label, counts[key], key == wanted.preset) for key, label in PRESETS.items()),
        chips=_chips(wanted, params, dict(registries)),
        registries=registries,
        environments=tuple(sorted({wanted.environment, *(each for _, _, each in homes)} - {""})),
        labels=known_labels(actor),
        asked_labels=params.get("label", "")[:_LONGEST_TYPED] if wanted.problem else ", ".join(wanted.labels),
        clear=without({"show": params.get("show", "")}),
    )


def _matching(wanted: RepositoryFilter, actor: Actor) -> RepositoryQuerySet:
    rows = Repository.objects.listed().for_user(actor)
    if wanted.problem:
        return rows.none()
    if wanted.q:
        rows = rows.filter(name__icontains=wanted.q)
    if wanted.registry:
        rows = rows.filter(registry__slug=wanted.registry)
    if wanted.environment:
        rows = rows.filter(registry__environment=wanted.environment)
    if wanted.verdict:
        rows = rows.filter(verdict=wanted.verdict)
    if wanted.grade:
        rows = rows.filter(grade=wanted.grade)
    return rows.filter(_said_of(wanted))


def _said_of(wanted: RepositoryFilter) -> Q:
    """What people and their rules said of a repository."""
    found = Q()
    if wanted.policy:
        found &= Q(policy=wanted.policy.pk)
    if wanted.pattern:
        found &= Q(name__regex=pattern_regex(wanted.pattern))
    if wanted.team:
        found &= Q(team=None) if wanted.team == NO_TEAM else Q(team__slug=wanted.team)
    if wanted.team_rule is not None:
        found &= Q(team_rule=wanted.team_rule)
    if wanted.labels:
        found &= Q(label_set__labels__contains=wanted.labels)
    return found


def _preset(key: str, now: datetime) -> Q:
    week = now - timedelta(days=7)
    return {
        "all": Q(),
        "failing": Q(failed__gt=0),
        "week": Q(failing_since__gte=week),
        "unknown": Q(unknown__gt=0),
        "stale": Q(scanned_at__lt=now - STALE),
        "never": Q(scanned_at=None),
        "error": ~Q(problem_code=""),
    }[key]


def _first(sort: str) -> str:
    return _SORTS[sort.removeprefix("-")][0]


def _open() -> Coalesce:
    """How many findings of a repository are to be done."""
    # Kept by status in the count alone: as a condition, an index is looked into once for each status.
    open_ones = Count("pk", filter=Q(status__in=sorted(status.value for status in TO_DO)))
    rows = Finding.objects.filter(repository=OuterRef("pk")).order_by().values("repository")
    return Coalesce(Subquery(rows.annotate(n=open_ones).values("n")), 0)


def _order(sort: str) -> list[OrderBy]:
    descending = sort.startswith("-")
    first, *rest = _SORTS[sort.removeprefix("-")]
    head = F(first).desc(nulls_last=True) if descending else F(first).asc(nulls_last=True)
    return [head, *(F(name).asc() for name in rest), F("pk").asc()]


def _chips(wanted: RepositoryFilter, params: Mapping[str, str], registries: Mapping[str, str]) -> tuple[Chip, ...]:
    found = (
        ("q", f"name contains “{wanted.q}”" if wanted.q else ""),
        ("registry", f"registry {registries.get(wanted.registry, '')}" if wanted.registry else ""),
        ("environment", f"environment {wanted.environment}" if wanted.environment else ""),
        ("verdict", f"verdict {VERDICTS[wanted.verdict]}" if wanted.verdict else ""),
        ("grade", f"grade {wanted.grade}" if wanted.grade else ""),
        ("policy", f"judged by {wanted.policy}" if wanted.policy else ""),
        ("pattern", f"name fits {wanted.pattern}" if wanted.pattern else ""),
        ("team", owned_by(wanted.team)),
        ("team_rule", "owned by one rule" if wanted.team_rule is not None else ""),
    )
    labels = (
        Chip(f"label {each}", without({**params, "label": ",".join(rest for rest in wanted.labels if rest != each)}))
        for each in wanted.labels
    )
    return (*(Chip(label, without(params, name)) for name, label in found if label), *labels)


def owned_by(team: str) -> str:
    """What a chip says of the filter of the same name."""
    return "owned by no team" if team == NO_TEAM else f"owned by {team}" if team else ""


def _rows(page: list[Repository], actor: Actor, today: date) -> tuple[RepositoryRow, ...]:
    ids = [row.pk for row in page]
    shares = _shares(ids, today)
    beside = _beside(ids)
    return tuple(_row(row, actor, shares.get(row.pk, {}), beside[row.pk], today) for row in page)


def _row(row: Repository, actor: Actor, shares: dict[date, float], beside: _Beside, today: date) -> RepositoryRow:
    days = [today - timedelta(days=back) for back in range(SPARK_DAYS, -1, -1)]
    evaluated = row.passed + row.failed + row.unknown + row.waived
    share_now = row.passed / evaluated if evaluated else None
    before = [share for day, share in shares.items() if day <= today - timedelta(days=7)]
    return RepositoryRow(
        id=row.pk,
        registry_slug=row.registry.slug,
        registry=row.registry.name,
        name=row.name,
        team=row.team.name if row.team else "",
        team_slug=row.team.slug if row.team else "",
        findings=beside.findings,
        verdict=row.verdict,
        grade=row.grade,
        score=row.score,
        passed=row.passed,
        failed=row.failed,
        unknown=row.unknown,
        waived=row.waived,
        tags=row.tags_total,
        bar=parts(row.passed, row.failed, row.unknown, row.waived),
        spark=sparkline([*(shares.get(day) for day in days[:-1]), share_now]),
        change=(share_now - before[-1]) * 100 if before and share_now is not None else None,
        latest_tag=beside.tag,
        latest_verdict=beside.verdict,
        failing_since=row.failing_since,
        pushed_at=row.pushed_at,
        scanned_at=row.scanned_at,
        problem=row.problem_message,
        labels=labels_of(row),
        labelable=may_label_repository(actor, row.team_id),
    )


def _shares(ids: list[int], today: date) -> dict[int, dict[date, float]]:
    rows = (
        DailySnapshot.objects.filter(repository__in=ids, day__gte=today - timedelta(days=SPARK_DAYS), evaluated__gt=0)
        .order_by("day")
        .values_list("repository_id", "day", "passed", "evaluated")
    )
    found: dict[int, dict[date, float]] = {}
    for repository, day, passed, evaluated in rows:
        found.setdefault(repository, {})[day] = passed / evaluated
    return found


class _Beside(NamedTuple):
    """What other tables say of a repository: its latest tag, and how many findings are to be done."""

    tag: str = ""
    verdict: str = ""
    findings: int = 0


def _beside(ids: list[int]) -> dict[int, _Beside]:
    # One look into an index per repository: some have a hundred thousand tags.
    latest = Tag.objects.listed().filter(repository=OuterRef("pk")).order_by("-moved_at", "-pk")
    rows = (
        Repository.objects.filter(pk__in=ids)
        .annotate(latest=Subquery(latest.values("name")[:1]), latest_verdict=Subquery(latest.values("shown")[:1]))
        .values_list("pk", "latest", "latest_verdict", _open())
    )
    found: dict[int, _Beside] = defaultdict(_Beside)  # one may have been deleted a moment ago
    found.update((pk, _Beside(name or "", verdict or "", findings)) for pk, name, verdict, findings in rows)
    return found
