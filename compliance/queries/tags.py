"""Tags of the whole fleet by verdict, by violated rule or by finding: what the numbers of other pages link to.

A million tags are never counted or skipped over one by one. For a verdict, the totals kept on each repository say how
many rows every repository contributes, so a page is read from just the repositories it falls into. For a rule
or a finding, rows are counted up to ``MOST_COUNTED`` and the page says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from compliance.access import Actor
from compliance.models import Policy, Repository, Tag
from compliance.policy.protected_tags import is_protected
from compliance.queries.filters import (
    VERDICTS,
    Chip,
    choice_of,
    number_of,
    policy_of,
    registries_for,
    slug_of,
    text_of,
    without,
)
from compliance.queries.paging import Paging, page_of
from compliance.queries.repositories import owned_by
from compliance.remediation.terms import NO_TEAM
from scanner.rulebook import RULES

MOST_COUNTED = 10_000
TOTALS = {
    "pass": "passed",
    "fail": "failed",
    "unknown": "unknown",
    "waived": "waived",
    "not_applicable": "not_applicable",
}
"""The column of a repository that counts its listed tags by what is shown of them."""

OWNERS = ("repository__registry", "repository__policy")
RULE_IDS = frozenset(rule.id for rule in RULES)


@dataclass(frozen=True, slots=True)
class TagRow:
    """One tag, with what its list shows.

    :param verdict: what is shown of it; ``judged`` is what its policy says, waived or not.
    """

    registry_slug: str
    registry: str
    policy: str
    repository: str
    name: str
    digest: str
    verdict: str
    judged: str
    score: int | None
    runs_as: str
    platforms: tuple[Mapping[str, Any], ...]
    violated: tuple[str, ...]
    size: int
    moved_at: datetime
    judged_at: datetime
    failing_since: datetime | None
    unconfirmed_since: datetime | None
    is_protected: bool
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class TagList:
    """The page."""

    q: str
    registry: str
    verdict: str
    team: str
    rule: str
    policy: Policy | None
    finding: int | None
    rows: tuple[TagRow, ...]
    paging: Paging
    chips: tuple[Chip, ...]
    registries: tuple[tuple[str, str], ...]


def list_tags(params: Mapping[str, str], actor: Actor) -> TagList:
    """One page of the tags that match the address and that somebody may see."""
    registries = tuple(registries_for(actor).values_list("slug", "name"))
    q, registry = text_of(params, "q"), choice_of(params, "registry", dict(registries))
    verdict, rule = choice_of(params, "verdict", VERDICTS), choice_of(params, "rule", RULE_IDS)
    policy = policy_of(params)
    team = slug_of(params, "team")
    repositories = _repositories(actor, q, registry, policy)
    if team:
        repositories = repositories.filter(team=None) if team == NO_TEAM else repositories.filter(team__slug=team)
    finding = number_of(params, "finding")
    if rule or finding is not None:
        tags = _showing(rule, finding, actor)
        if q or registry or team:
            tags = tags.filter(repository__in=repositories)
        if policy:  # by its id: only then does Postgres know how many repositories it has
            tags = tags.filter(repository__policy=policy.pk)
        rows, paging = _counted(tags.filter(shown=verdict) if verdict else tags, params.get("page", ""))
    else:
        rows, paging = _by_verdict(verdict, repositories, params.get("page", ""))
    found = (
        ("q", f"repository contains “{q}”" if q else ""),
        ("registry", f"registry {dict(registries).get(registry, '')}" if registry else ""),
        ("verdict", f"verdict {VERDICTS[verdict]}" if verdict else ""),
        ("team", owned_by(team)),
        ("rule", f"violates {rule}" if rule else ""),
        ("policy", f"judged by {policy}" if policy else ""),
        ("finding", f"shows finding {finding}" if finding is not None else ""),
    )
    chips = tuple(Chip(label, without(params, name)) for name, label in found if label)
    return TagList(q, registry, verdict, team, rule, policy, finding, rows, paging, chips, registries)


def rows_of(tags: Iterable[Tag]) -> tuple[TagRow, ...]:
    """Tags loaded with ``OWNERS``, as rows."""
    return tuple(_row(tag) for tag in tags)


def _row(tag: Tag) -> TagRow:
    return TagRow(
        registry_slug=tag.repository.registry.slug,
        registry=tag.repository.registry.name,
        policy=tag.repository.policy.name,
        repository=tag.repository.name,
        name=tag.name,
        digest=tag.digest,
        verdict=tag.shown,
        judged=tag.verdict,
        score=tag.score,
        runs_as=tag.runs_as,
        platforms=tuple(tag.platforms),
        violated=tuple(tag.violated),
        size=tag.size,
        moved_at=tag.moved_at,
        judged_at=tag.judged_at,
        failing_since=tag.failing_since,
        unconfirmed_since=tag.unconfirmed_since,
        is_protected=is_protected(tag.name, tag.repository.registry.protected_tags),
        problem=tag.problem_message,
        remedy=tag.problem_remedy,
    )


def _repositories(actor: Actor, q: str, registry: str, policy: Policy | None) -> QuerySet[Repository]:
    rows = Repository.objects.listed().for_user(actor)
    if q:
        rows = rows.filter(name__icontains=q)
    if policy:
        rows = rows.filter(policy=policy.pk)
    return rows.filter(registry__slug=registry) if registry else rows


def _counted(tags: QuerySet[Tag], page: str) -> tuple[tuple[TagRow, ...], Paging]:
    count = tags.order_by()[: MOST_COUNTED + 1].count()
    paging = page_of(page, min(count, MOST_COUNTED), capped=count > MOST_COUNTED)
    chosen = tags.select_related(*OWNERS).order_by("-pk")[paging.offset : paging.offset + paging.size]
    return rows_of(chosen), paging


def _showing(rule: str, finding: int | None, actor: Actor) -> QuerySet[Tag]:
    tags = violating(rule, actor) if rule else Tag.objects.listed().for_user(actor)
    return tags if finding is None else tags.filter(occurrences__finding=finding)


def violating(rule: str, actor: Actor) -> QuerySet[Tag]:
    """Listed tags of listed repositories that violate a rule and that somebody may see."""
    return Tag.objects.listed().for_user(actor).filter(repository__deleted_at=None, violated__contains=[rule])


def _by_verdict(verdict: str, repositories: QuerySet[Repository], page: str) -> tuple[tuple[TagRow, ...], Paging]:
    column = TOTALS[verdict] if verdict else "tags_total"
    totals = list(
        repositories.filter(**{f"{column}__gt": 0}).order_by("registry__name", "name", "pk").values_list("pk", column)
    )
    paging = page_of(page, sum(count for _, count in totals))
    chosen, skipped = _window(totals, paging)
    tags = Tag.objects.listed().filter(repository__in=chosen)
    if verdict:
        tags = tags.filter(shown=verdict)
    at = paging.offset - skipped
    found = tags.select_related(*OWNERS).order_by(
        "repository__registry__name", "repository__name", "repository", "name"
    )[at : at + paging.size]
    return rows_of(found), paging


def _window(totals: Sequence[tuple[int, int]], paging: Paging) -> tuple[list[int], int]:
    """The repositories a page falls into, and how many rows lie before the first of them."""
    chosen: list[int] = []
    seen = skipped = 0
    for repository, count in totals:
        if seen + count > paging.offset and seen < paging.offset + paging.size:
            skipped = seen if not chosen else skipped
            chosen.append(repository)
        seen += count
    return chosen, skipped
