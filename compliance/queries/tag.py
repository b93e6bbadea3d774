"""One tag of a repository: what it points to now, and what it pointed to before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from compliance.models import Tag, TagChange
from compliance.policy.document import read_policy
from compliance.policy.tag_view import summary_of_strip
from compliance.queries.filters import storable
from compliance.queries.repository import Header
from compliance.queries.rulings import Ruling, index_rulings
from compliance.queries.tags import OWNERS, TagRow, rows_of

_MOST_CHANGES = 20


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
    pusher: str | None


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


def tag_page(header: Header, name: str) -> TagPage | None:
    """A tag by its name, also a deleted one."""
    rows = Tag.objects.filter(repository=header.id, name=name)
    tag = rows.select_related(*OWNERS, "repository__policy__current").first() if storable(name) else None
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
            Change(c.kind, c.get_kind_display(), c.at, c.from_digest, c.to_digest, c.was, c.became, c.pusher)
            for c in changes
        ),
    )


def _findings(tag: Tag) -> tuple[Ruling, ...]:
    """What rules about an index say of the platforms the tag shows."""
    version = tag.repository.policy.current
    if version is None or len(tag.platforms) < 2:
        return ()
    return index_rulings([summary_of_strip(strip) for strip in tag.platforms], read_policy(version.document))
