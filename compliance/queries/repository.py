"""One repository: its sentence and its tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Count, Exists, F, Min, OrderBy, OuterRef, QuerySet, Subquery

from compliance.access import Actor, may_ask_for_waiver, may_label_repository, may_rescan_repository
from compliance.charts import Part, parts
from compliance.models import Repository, Tag, Watch
from compliance.models.label import labels_of
from compliance.queries.baseline import Held, held_of
from compliance.queries.counted import Tab
from compliance.queries.digest_groups import DigestRow, digest_groups
from compliance.queries.filters import VERDICTS, Chip, choice_of, storable, text_of, without
from compliance.queries.owner import Owner, owner_of
from compliance.queries.paging import Paging, page_of
from compliance.queries.tag_filter import TOTALS
from compliance.queries.tag_times import times_of, with_times
from compliance.queries.tags import OWNERS, TagRow, rows_of
from scanner.domain.reference import InvalidReference, parse_digest

_SORTS: dict[str, str] = {"name": "name", "moved": "moved_at", "size": "size", "score": "score"}
SORTS = frozenset({*_SORTS, *(f"-{name}" for name in _SORTS)})
_MOST_LOOKED_AT = 500


@dataclass(frozen=True, slots=True)
class Header:
    """What stands above every page of a repository."""

    id: int
    registry_slug: str
    registry: str
    reference: str
    name: str
    policy: str
    verdict: str
    grade: str
    score: float | None
    tags: int
    passed: int
    failed: int
    unknown: int
    waived: int
    not_applicable: int
    bar: tuple[Part, ...]
    unconfirmed: int
    unconfirmed_since: datetime | None
    failing_since: datetime | None
    scanned_at: datetime | None
    pushed_at: datetime | None
    deleted_at: datetime | None
    problem_code: str
    problem_message: str
    problem_remedy: str
    owner: Owner
    held: Held
    labels: tuple[str, ...]
    labelable: bool
    rescannable: bool
    waivable: bool
    watched: bool
    protected_tags: tuple[str, ...]

    @property
    def full_name(self) -> str:
        """What lists are narrowed to it by."""
        return f"{self.registry_slug}/{self.name}"

    @property
    def evaluated(self) -> int:
        """Tags with a verdict that counts."""
        return self.passed + self.failed + self.unknown + self.waived

    @property
    def unconfirmed_text(self) -> str:
        """What stands before *not confirmed since*."""
        return f"{self.unconfirmed:,} tag{'s' if self.unconfirmed != 1 else ''} "


@dataclass(frozen=True, slots=True)
class RepositoryPage:
    """The page.

    :param images: the rows while tags are grouped by what they point to, instead of ``rows``.
    """

    header: Header
    rows: tuple[TagRow, ...]
    images: tuple[DigestRow, ...]
    paging: Paging
    tabs: tuple[Tab, ...]
    chips: tuple[Chip, ...]
    q: str
    verdict: str
    sort: str
    grouped: bool
    digest: str

    @property
    def comparable(self) -> bool:
        """Whether there are two tags to compare: of what runs as nobody there is nothing to."""
        return self.header.evaluated > 1


def find_repository(slug: str, name: str, actor: Actor) -> Header | None:
    """The head of a repository's pages; ``None`` where there is none that somebody may see."""
    if not storable(slug, name):
        return None
    unconfirmed = Tag.objects.unconfirmed().filter(repository=OuterRef("pk")).order_by().values("repository")
    row = (
        Repository.objects.for_user(actor)
        .filter(registry__slug=slug, name=name)
        .select_related("registry", "policy", "team", "team_rule", "baseline_by", "label_set")
        .annotate(
            watched=Exists(Watch.objects.filter(user=actor.id, repository=OuterRef("pk"))),
            unconfirmed=Subquery(unconfirmed.annotate(count=Count("pk")).values("count")),
            unconfirmed_since=Subquery(unconfirmed.annotate(since=Min("unconfirmed_since")).values("since")),
        )
        .first()
    )
    return _header(row, actor) if row else None


def repository_page(header: Header, params: Mapping[str, str]) -> RepositoryPage:
    """One page of the tags, or of the images they point to."""
    q, verdict = text_of(params, "q"), choice_of(params, "verdict", VERDICTS)
    digest, grouped = _digest_of(params), params.get("group") == "digest"
    sort = choice_of(params, "sort", SORTS) or "-moved"
    tags = _matching(header, q, verdict, digest)
    rows, images, paging = _listed(tags, sort, params.get("page", ""), q=q, grouped=grouped)
    return RepositoryPage(
        header=header,
        rows=rows,
        images=images,
        paging=paging,
        tabs=_tabs(header, verdict, params),
        chips=_chips(q, digest, params),
        q=q,
        verdict=verdict,
        sort=sort,
        grouped=grouped,
        digest=digest,
    )


def _matching(header: Header, q: str, verdict: str, digest: str) -> QuerySet[Tag]:
    tags = Tag.objects.listed().filter(repository=header.id)
    if q:
        tags = tags.filter(name__icontains=q)
    if verdict:
        tags = tags.filter(shown=verdict)
    return tags.filter(digest=digest) if digest else tags


def _listed(
    tags: QuerySet[Tag], sort: str, page: str, *, q: str, grouped: bool
) -> tuple[tuple[TagRow, ...], tuple[DigestRow, ...], Paging]:
    if grouped:
        images, paging = digest_groups(tags, sort, page, q=q)
        return (), images, paging
    paging = page_of(page, tags.count())
    chosen = with_times(tags).select_related(*OWNERS).order_by(*_order(sort))
    found = chosen[paging.offset : paging.offset + paging.size]
    timed = zip(rows_of(found), map(times_of, found), strict=True)
    return tuple(replace(row, times=times) for row, times in timed), (), paging


def _digest_of(params: Mapping[str, str]) -> str:
    try:
        return parse_digest(params.get("digest", ""))
    except InvalidReference:
        return ""


def _chips(q: str, digest: str, params: Mapping[str, str]) -> tuple[Chip, ...]:
    found = [Chip(f"tag contains “{q}”", without(params, "q"))] if q else []
    return (*found, Chip(f"points to {digest[:19]}…", without(params, "digest"))) if digest else tuple(found)


def _order(sort: str) -> tuple[OrderBy, OrderBy]:
    column = F(_SORTS[sort.removeprefix("-")])
    return (column.desc(nulls_last=True) if sort.startswith("-") else column.asc(nulls_last=True)), F("name").asc()


def _tabs(header: Header, verdict: str, params: Mapping[str, str]) -> tuple[Tab, ...]:
    rest = without(params, "verdict")
    joint = "&" if len(rest) > 1 else ""
    found = [Tab("", "All tags", header.tags, not verdict, rest)]
    for key, label in VERDICTS.items():
        count = int(getattr(header, TOTALS[key]))
        if count or key == verdict:
            found.append(Tab(key, label, count, key == verdict, f"{rest}{joint}verdict={key}"))
    return tuple(found)


def _header(row: Repository, actor: Actor) -> Header:
    annotated = vars(row)
    return Header(
        id=row.pk,
        registry_slug=row.registry.slug,
        registry=row.registry.name,
        reference=row.registry.reference_prefix + row.name,
        name=row.name,
        policy=row.policy.name,
        verdict=row.verdict,
        grade=row.grade,
        score=float(row.score) if row.score is not None else None,
        tags=row.tags_total,
        passed=row.passed,
        failed=row.failed,
        unknown=row.unknown,
        waived=row.waived,
        not_applicable=row.not_applicable,
        bar=parts(row.passed, row.failed, row.unknown, row.waived),
        unconfirmed=annotated["unconfirmed"] or 0,
        unconfirmed_since=annotated["unconfirmed_since"],
        failing_since=row.failing_since,
        scanned_at=row.scanned_at,
        pushed_at=row.pushed_at,
        deleted_at=row.deleted_at,
        problem_code=row.problem_code,
        problem_message=row.problem_message,
        problem_remedy=row.problem_remedy,
        owner=owner_of(row, actor),
        held=held_of(row, actor),
        labels=labels_of(row),
        labelable=may_label_repository(actor, row.team_id),
        watched=annotated["watched"],
        rescannable=row.deleted_at is None and may_rescan_repository(actor, row.team_id),
        waivable=may_ask_for_waiver(actor, [row.team_id]),
        protected_tags=tuple(row.registry.protected_tags),
    )
