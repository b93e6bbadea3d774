"""Tags of the whole fleet by verdict, by violated rule, by cause or by finding: what numbers of other pages link to.

A million tags are never counted or skipped over one by one. For a verdict, the totals kept on each repository say how
many rows every repository contributes, so a page is read from just the repositories it falls into. For a rule, a cause
or a finding, rows are counted up to ``MOST_COUNTED`` and the page says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from compliance.access import Actor
from compliance.models import Finding, Occurrence, Registry, Repository, Tag
from compliance.policy.protected_tags import is_protected, patterns_regex
from compliance.queries.filters import Chip, registries_for
from compliance.queries.paging import Paging, page_of
from compliance.queries.tag_filter import TagFilter, chips, read_filter
from compliance.queries.tag_times import Times
from compliance.remediation.terms import NO_SUBJECT, NO_TEAM

MOST_COUNTED = 10_000
OWNERS = ("repository__registry", "repository__policy")


@dataclass(frozen=True, slots=True)
class TagRow:
    """One tag, with what its list shows.

    :param verdict: what is shown of it; ``judged`` is what its policy says, waived or not.
    :param times: where the list shows them.
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
    times: Times | None = None


@dataclass(frozen=True, slots=True)
class TagList:
    """The page."""

    filter: TagFilter
    rows: tuple[TagRow, ...]
    paging: Paging
    chips: tuple[Chip, ...]
    registries: tuple[tuple[str, str], ...]


def list_tags(params: Mapping[str, str], actor: Actor) -> TagList:
    """One page of the tags that match the address and that somebody may see."""
    registries = dict(registries_for(actor).values_list("slug", "name"))
    wanted = read_filter(params, registries)
    column = wanted.total
    page = params.get("page", "")
    if column is None:
        rows, paging = _counted(_matching(wanted, actor), page)
    else:
        rows, paging = _by_totals(column, wanted, _repositories(wanted, actor), page)
    return TagList(wanted, rows, paging, chips(wanted, params, registries), tuple(registries.items()))


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


def _repositories(wanted: TagFilter, actor: Actor) -> QuerySet[Repository]:
    rows = Repository.objects.listed().for_user(actor)
    if wanted.q:
        rows = rows.filter(name__icontains=wanted.q)
    if wanted.policy:
        rows = rows.filter(policy=wanted.policy.pk)
    if wanted.team:
        rows = rows.filter(team=None) if wanted.team == NO_TEAM else rows.filter(team__slug=wanted.team)
    if wanted.environment:
        rows = rows.filter(registry__environment=wanted.environment)
    return rows.filter(registry__slug=wanted.registry) if wanted.registry else rows


def _counted(tags: QuerySet[Tag], page: str) -> tuple[tuple[TagRow, ...], Paging]:
    # Looked for once: to count those that fit takes as long as to read their ids.
    ids = list(tags.order_by("-pk").values_list("pk", flat=True)[: MOST_COUNTED + 1])
    paging = page_of(page, min(len(ids), MOST_COUNTED), capped=len(ids) > MOST_COUNTED)
    shown = ids[paging.offset : min(paging.offset + paging.size, MOST_COUNTED)]
    return rows_of(Tag.objects.filter(pk__in=shown).select_related(*OWNERS).order_by("-pk")), paging


def _matching(wanted: TagFilter, actor: Actor) -> QuerySet[Tag]:
    tags: QuerySet[Tag] = Tag.objects.listed().for_user(actor)
    if wanted.subject:
        tags = tags.filter(repository__deleted_at=None, pk__in=_with_cause(wanted.rule, wanted.subject))
    elif wanted.rule:
        tags = violating(wanted.rule, actor)
    if wanted.finding is not None:
        tags = tags.filter(occurrences__finding=wanted.finding)
    if wanted.protected:
        tags = tags.filter(_protected(), repository__deleted_at=None)
    if wanted.narrows_repositories:
        tags = tags.filter(repository__in=_repositories(wanted, actor))
    if wanted.policy:  # by its id: only then does Postgres know how many repositories it has
        tags = tags.filter(repository__policy=wanted.policy.pk)
    return tags.filter(shown=wanted.verdict) if wanted.verdict else tags


def _with_cause(rule: str, subject: str) -> QuerySet[Any]:
    """Ids of the tags that show a finding of a rule and a USER about which something is to be done."""
    findings = Finding.objects.to_do().filter(rule=rule, subject="" if subject == NO_SUBJECT else subject)
    return Occurrence.objects.filter(finding__in=findings.values("pk")).values("tag")


def _protected() -> Q:
    """Tags that their registry protects."""
    found = Q(pk__in=[])
    for home, globs in Registry.objects.exclude(protected_tags=[]).values_list("pk", "protected_tags"):
        found |= Q(repository__registry=home, name__regex=patterns_regex(globs))
    return found


def violating(rule: str, actor: Actor) -> QuerySet[Tag]:
    """Listed tags of listed repositories that violate a rule and that somebody may see."""
    return Tag.objects.listed().for_user(actor).filter(repository__deleted_at=None, violated__contains=[rule])


def _by_totals(
    column: str, wanted: TagFilter, repositories: QuerySet[Repository], page: str
) -> tuple[tuple[TagRow, ...], Paging]:
    totals = list(
        repositories.filter(**{f"{column}__gt": 0}).order_by("registry__name", "name", "pk").values_list("pk", column)
    )
    paging = page_of(page, sum(count for _, count in totals))
    chosen, skipped = _window(totals, paging)
    tags = Tag.objects.listed().filter(repository__in=chosen)
    if wanted.verdict:
        tags = tags.filter(shown=wanted.verdict)
    if wanted.protected:
        tags = tags.filter(_protected())
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
