"""One repository: its sentence, its tags, one tag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from urllib.parse import urlencode

from django.db.models import Count, F, Min, OrderBy, OuterRef, Q, Subquery

from compliance.access import Actor
from compliance.charts import Part, parts
from compliance.models import Finding, Repository, Tag, TagChange
from compliance.policy.document import read_policy
from compliance.policy.tag_view import summary_of_strip
from compliance.queries.counted import Counted
from compliance.queries.filters import VERDICTS, Chip, choice_of, text_of, without
from compliance.queries.owner import Owner, owner_of
from compliance.queries.paging import Paging, page_of
from compliance.queries.rulings import Ruling, index_rulings
from compliance.queries.tags import OWNERS, TOTALS, TagRow, rows_of
from compliance.queries.trend import PERIODS, Period, Trend, repository_trend

_SORTS: dict[str, str] = {"name": "name", "moved": "moved_at", "size": "size", "score": "score"}
SORTS = frozenset({*_SORTS, *(f"-{name}" for name in _SORTS)})
_MOST_CHANGES = 20


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

    @property
    def evaluated(self) -> int:
        """Tags with a verdict that counts."""
        return self.passed + self.failed + self.unknown + self.waived

    @property
    def unconfirmed_text(self) -> str:
        """What stands before *not confirmed since*."""
        return f"{self.unconfirmed:,} tag{'s' if self.unconfirmed != 1 else ''} "


@dataclass(frozen=True, slots=True)
class VerdictTab:
    """A tab over the table of tags."""

    key: str
    label: str
    count: int
    current: bool
    href: str


@dataclass(frozen=True, slots=True)
class RepositoryPage:
    """The page."""

    header: Header
    open: Counted
    overdue: Counted
    trend: Trend
    periods: tuple[tuple[str, str, bool], ...]
    rows: tuple[TagRow, ...]
    paging: Paging
    tabs: tuple[VerdictTab, ...]
    chips: tuple[Chip, ...]
    q: str
    verdict: str
    sort: str


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened to a tag."""

    kind: str
    label: str
    at: datetime
    from_digest: str
    to_digest: str
    was: str
    became: str


@dataclass(frozen=True, slots=True)
class TagPage:
    """A tag, what it points to now and what it pointed to before."""

    header: Header
    tag: TagRow
    deleted_at: datetime | None
    first_seen_at: datetime
    problem_code: str
    findings: tuple[Ruling, ...]
    changes: tuple[Change, ...]


def find_repository(slug: str, name: str, actor: Actor) -> Header | None:
    """The head of a repository's pages; ``None`` where there is none that somebody may see."""
    if not _storable(slug, name):
        return None
    unconfirmed = Tag.objects.unconfirmed().filter(repository=OuterRef("pk")).order_by().values("repository")
    row = (
        Repository.objects.for_user(actor)
        .filter(registry__slug=slug, name=name)
        .select_related("registry", "policy", "team", "team_rule")
        .annotate(
            unconfirmed=Subquery(unconfirmed.annotate(count=Count("pk")).values("count")),
            unconfirmed_since=Subquery(unconfirmed.annotate(since=Min("unconfirmed_since")).values("since")),
        )
        .first()
    )
    return _header(row, actor) if row else None


def repository_page(header: Header, params: Mapping[str, str], *, now: datetime) -> RepositoryPage:
    """The trend and one page of the tags."""
    q, verdict = text_of(params, "q"), choice_of(params, "verdict", VERDICTS)
    sort = choice_of(params, "sort", SORTS) or "-moved"
    by = choice_of(params, "by", PERIODS) or "day"
    tags = Tag.objects.listed().filter(repository=header.id)
    if q:
        tags = tags.filter(name__icontains=q)
    if verdict:
        tags = tags.filter(shown=verdict)
    paging = page_of(params.get("page", ""), tags.count())
    chosen = tags.select_related(*OWNERS).order_by(*_order(sort))
    to_do, overdue = _to_do(header, now)
    live = _live(header, overdue.count, now)
    return RepositoryPage(
        header=header,
        open=to_do,
        overdue=overdue,
        trend=repository_trend(header.id, header.name, by, today=now.date(), live=live),
        periods=tuple((key, label, key == by) for key, (label, _) in PERIODS.items()),
        rows=rows_of(chosen[paging.offset : paging.offset + paging.size]),
        paging=paging,
        tabs=_tabs(header, verdict, params),
        chips=(Chip(f"tag contains “{q}”", without(params, "q")),) if q else (),
        q=q,
        verdict=verdict,
        sort=sort,
    )


def _to_do(header: Header, now: datetime) -> tuple[Counted, Counted]:
    """How many findings are open, and how many of these overdue."""
    named = urlencode({"repository": f"{header.registry_slug}/{header.name}"})
    found = Finding.objects.to_do().filter(repository=header.id)
    counts = found.aggregate(open=Count("pk"), overdue=Count("pk", filter=Q(due_at__lt=now)))
    return Counted(counts["open"], f"?{named}"), Counted(counts["overdue"], f"?{named}&due=overdue")


def _live(header: Header, overdue: int, now: datetime) -> Period | None:
    if header.deleted_at or not header.scanned_at:
        return None
    score = None if header.score is None else Decimal(str(header.score))
    return Period(
        now.date(), "", header.evaluated, header.passed, header.failed, header.unknown, new=0, fixed=0, score=score,
        waived=header.waived, overdue=overdue,
    )  # fmt: skip


def tag_page(header: Header, name: str) -> TagPage | None:
    """A tag by its name, also a deleted one."""
    rows = Tag.objects.filter(repository=header.id, name=name)
    tag = rows.select_related(*OWNERS, "repository__policy__current").first() if _storable(name) else None
    if tag is None:
        return None
    changes = TagChange.objects.filter(tag=tag).order_by("-at", "-pk")[:_MOST_CHANGES]
    return TagPage(
        header,
        rows_of([tag])[0],
        deleted_at=tag.deleted_at,
        first_seen_at=tag.first_seen_at,
        problem_code=tag.problem_code,
        findings=_findings(tag),
        changes=tuple(
            Change(c.kind, c.get_kind_display(), c.at, c.from_digest, c.to_digest, c.was, c.became) for c in changes
        ),
    )


def _findings(tag: Tag) -> tuple[Ruling, ...]:
    """What rules about an index say of the platforms the tag shows."""
    version = tag.repository.policy.current
    if version is None or len(tag.platforms) < 2:
        return ()
    return index_rulings([summary_of_strip(strip) for strip in tag.platforms], read_policy(version.document))


def _storable(*texts: str) -> bool:
    # Postgres refuses NUL in text with an error, and an address may hold one.
    return not any("\0" in text for text in texts)


def _order(sort: str) -> tuple[OrderBy, OrderBy]:
    column = F(_SORTS[sort.removeprefix("-")])
    return (column.desc(nulls_last=True) if sort.startswith("-") else column.asc(nulls_last=True)), F("name").asc()


def _tabs(header: Header, verdict: str, params: Mapping[str, str]) -> tuple[VerdictTab, ...]:
    rest = without(params, "verdict")
    joint = "&" if len(rest) > 1 else ""
    found = [VerdictTab("", "All tags", header.tags, not verdict, rest)]
    for key, label in VERDICTS.items():
        count = int(getattr(header, TOTALS[key]))
        if count or key == verdict:
            found.append(VerdictTab(key, label, count, key == verdict, f"{rest}{joint}verdict={key}"))
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
    )
