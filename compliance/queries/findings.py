"""Which findings an address means, for whom, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import F, OrderBy, Q, QuerySet

from compliance.access import Actor
from compliance.models import BaseImage, Finding, FindingSpan, LabelSet, Occurrence, Repository, Tag
from compliance.models.finding import FindingQuerySet
from compliance.queries.finding_filter import FindingFilter, read_filter
from compliance.remediation.metrics import FIXED_BY, last_days
from compliance.remediation.sla import SOON
from compliance.remediation.status import TO_DO, Status
from compliance.remediation.terms import (
    ME,
    NO_BASE,
    NO_SUBJECT,
    NO_TEAM,
    NOBODY,
    RULE_IDS,
    SEVERITIES,
    SOMEBODY,
    STATUSES,
    days_of,
    members_of,
    split_repository,
)
from scanner.rulebook import RULES

_DAY = timedelta(days=1)
_MOST_KINDS = 1_000
_RULE_TEXTS = {rule.id: f"{rule.id} {rule.title} {rule.slug}".lower() for rule in RULES}

# ``status`` is a list of all that are meant: Postgres then sees that the partial indexes hold.
_TO_DO = Q(status__in=sorted(status.value for status in TO_DO))
_ORDERS: Mapping[str, tuple[str, ...]] = {
    "severity": ("rank", "opened_at"),
    "due": ("due_at", "rank"),
    "age": ("-opened_at",),
    "repository": ("repository__name", "repository_id", "rank"),
}


def select_findings(params: Mapping[str, str], actor: Actor, *, now: datetime) -> FindingQuerySet:
    """The findings an address means, among those that somebody may see, in no order."""
    wanted = read_filter(params)
    return matching(wanted, actor, now=now).filter(tab(wanted.tab, actor, now=now))


def scope_of(params: Mapping[str, str], found: FindingQuerySet) -> str:
    """The query string of a waiver for these findings: with what all of them have in common."""
    wanted = read_filter(params)
    terms = dict(wanted.terms)
    columns = ("rule", "repository__registry__slug", "repository__name", "repository__team__slug")
    kinds = list(found.order_by().values_list(*columns).distinct()[:_MOST_KINDS])
    if kinds and len(kinds) < _MOST_KINDS:
        rules, registries, names, teams = (set(column) for column in zip(*kinds, strict=True))
        common = {
            "rule": rules,
            "team": teams,
            "registry": registries,
            "repository": {f"{slug}/{name}" for slug, name in zip(registries, names, strict=False)}
            if len(registries) == len(names) == 1
            else set(),
        }
        terms |= {name: values.pop() for name, values in common.items() if len(values) == 1 and None not in values}
    return FindingFilter(wanted.tab, terms, wanted.words).query


def matching(wanted: FindingFilter, actor: Actor, *, now: datetime) -> FindingQuerySet:
    """What fits all filters but the tab. What was not understood fits nothing."""
    rows = Finding.objects.for_user(actor)
    if wanted.problems:
        return rows.none()
    for name, value in wanted.terms.items():
        rows = rows.filter(_term(name, value, wanted, actor, now))
    for word in wanted.words:
        rows = rows.filter(_word(word))
    return rows


def tab(key: str, actor: Actor, *, now: datetime) -> Q:
    """What is behind a tab."""
    mine = Repository.objects.filter(team__in=actor.team_ids).values("pk")
    return {
        "review": Q(status__in=[Status.NEW, Status.REGRESSED]),
        "mine": _TO_DO & Q(assignee=actor.id),
        "teams": _TO_DO & Q(repository__in=mine),
        "open": _TO_DO,
        "regressed": _TO_DO & (Q(status=Status.REGRESSED) | Q(regression=True)),
        "overdue": _TO_DO & Q(due_at__lt=now),
        "waived": Q(status=Status.WAIVED),
        "all": Q(),
    }[key]


def segments(*, now: datetime) -> tuple[tuple[Q, tuple[str, ...]], ...]:
    """Most urgent first: regressions, overdue, protected, worst, oldest; in parts that each follow an index."""
    late, later = Q(due_at__lt=now), Q(due_at__gte=now) | Q(due_at=None)
    order = ("-protected", "rank", "opened_at", "pk")
    return (
        (_TO_DO & Q(regression=True) & late, order),
        (_TO_DO & Q(regression=True) & later, order),
        (_TO_DO & Q(regression=False) & late, order),
        (_TO_DO & Q(regression=False) & later, order),
        (~_TO_DO, ("-changed_at", "pk")),
    )


def most_urgent(rows: FindingQuerySet, most: int, *, now: datetime) -> list[int]:
    """The ids of the first few, most urgent first."""
    ids: list[int] = []
    for condition, order in segments(now=now):
        if len(ids) < most:
            ids += rows.filter(condition).order_by(*order).values_list("pk", flat=True)[: most - len(ids)]
    return ids


def ordered(rows: FindingQuerySet, sort: str) -> QuerySet[Finding]:
    """Sorted by anything but urgency, which is made of ``segments``."""
    turned = sort.startswith("-")
    names = _ORDERS[sort.removeprefix("-")]
    return rows.order_by(_by(names[0], turned), *(_by(name, False) for name in names[1:]), "pk")


def _by(name: str, turned: bool) -> OrderBy:
    column = F(name.removeprefix("-"))
    down = name.startswith("-") is not turned
    last = True if name == "due_at" else None  # what is never empty is sorted as its index is
    return column.desc(nulls_last=last) if down else column.asc(nulls_last=last)


def _term(name: str, value: str, wanted: FindingFilter, actor: Actor, now: datetime) -> Q:
    match name:
        case "is":
            return _flags(value.split(","))
        case "due":
            return _due(value, now)
        case "age":
            return _age(wanted, now)
        case "subject":
            return Q(subject="" if value == NO_SUBJECT else value)
        case "opened" | "fixed" | "reopened":
            return _past(name, last_days(days_of(value), now).since)
        case "assignee":
            return _assignee(value, actor)
        case "team" | "registry" | "environment" | "repository":
            return _owner(name, value)
        case "tag":
            return _tag(wanted.terms.get("repository", ""), value)
        case "label":
            return Q(repository__in=LabelSet.objects.filter(labels__contains=value.split(",")).values("repository"))
        case _:
            return _column(name, value)


def _column(name: str, value: str) -> Q:
    match name:
        case "status":
            return Q(status__in=members_of(value, STATUSES))
        case "severity":
            return Q(rank__in=[SEVERITIES.index(each) for each in members_of(value, SEVERITIES)])
        case "rule":
            return Q(rule__in=members_of(value, RULE_IDS))
        case "id":
            return Q(pk__in=[int(each) for each in value.split(",")])
        case "waiver":
            return Q(waiver=int(value))
        case "base":
            named = BaseImage.objects.filter(name=value).values("pk")
            return Q(base=None) if value == NO_BASE else Q(base__in=named)
        case _:
            return Q(platform=value)


def _owner(name: str, value: str) -> Q:
    repositories = Repository.objects.all()
    if name == "team":
        repositories = repositories.filter(team=None) if value == NO_TEAM else repositories.filter(team__slug=value)
    elif name == "registry":
        repositories = repositories.filter(registry__slug=value)
    elif name == "environment":
        repositories = repositories.filter(registry__environment=value)
    else:
        slug, repository = split_repository(value)
        repositories = repositories.filter(registry__slug=slug, name=repository)
    return Q(repository__in=repositories.values("pk"))


def _tag(repository: str, name: str) -> Q:
    slug, home = split_repository(repository)
    tags = Tag.objects.listed().filter(repository__registry__slug=slug, repository__name=home, name=name)
    return Q(pk__in=Occurrence.objects.filter(tag__in=tags.values("pk")).values("finding"))


def _assignee(value: str, actor: Actor) -> Q:
    if value in (NOBODY, SOMEBODY):
        return Q(assignee__isnull=value == NOBODY)
    return Q(assignee=actor.id) if value == ME else Q(assignee__username=value)


def _flags(flags: list[str]) -> Q:
    meanings = {
        "protected": Q(protected=True),
        "unprotected": Q(protected=False),
        "regression": Q(regression=True),
        "baseline": Q(baseline=True),
        "new-since-baseline": Q(baseline=False, repository__baseline_at__isnull=False),
    }
    found = Q()
    for flag in flags:
        found &= meanings[flag]
    return found


def _due(value: str, now: datetime) -> Q:
    return {
        "overdue": _TO_DO & Q(due_at__lt=now),
        "week": _TO_DO & Q(due_at__gte=now, due_at__lte=now + SOON),
        "none": Q(due_at=None),
    }[value]


def _age(wanted: FindingFilter, now: datetime) -> Q:
    ages = wanted.ages
    if ages is None:
        return Q()
    oldest = Q() if ages.most is None else Q(opened_at__gt=now - (ages.most + 1) * _DAY)
    return Q(opened_at__lte=now - ages.least * _DAY) & oldest


def _past(name: str, since: datetime) -> Q:
    """Findings with an episode that metrics count: they leave out false positives."""
    spans = FindingSpan.objects.filter(opened_at__gte=since)
    if name == "fixed":
        spans = FindingSpan.objects.filter(closed_at__gte=since, resolution__in=[each.value for each in FIXED_BY])
    elif name == "reopened":
        spans = spans.filter(reopened=True)
    return Q(pk__in=spans.order_by().values("finding")) & ~Q(status=Status.FALSE_POSITIVE)


def _word(word: str) -> Q:
    rules = [rule for rule, text in _RULE_TEXTS.items() if word.lower() in text]
    named = Repository.objects.filter(name__icontains=word).values("pk")
    # An "or" keeps Postgres from joining: each finding is then looked for among the repositories.
    return Q(repository__in=named) | Q(rule__in=rules) if rules else Q(repository__in=named)
