"""What one scan changed: the tags behind its numbers, each exactly those that were counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import OuterRef, Q, QuerySet, Subquery

from compliance.models import Scan, TagChange, VerdictChoice
from compliance.queries.filters import choice_of
from compliance.queries.paging import Paging, page_of

_PASS, _FAIL = VerdictChoice.PASS, VerdictChoice.FAIL
_STOPPED: Final = (_PASS, VerdictChoice.NOT_APPLICABLE)
KINDS: Final = {"new": "Began to fail", "regressed": "Passed before", "fixed": "Stopped failing"}
_MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class ChangedTag:
    """One tag, what it was and what it became; ``deleted``: it has no page of its own any more."""

    registry_slug: str
    repository: str
    tag: str
    kind: str
    was: str
    became: str
    from_digest: str
    to_digest: str
    at: datetime
    deleted: bool
    pusher: str | None


@dataclass(frozen=True, slots=True)
class ScanChanges:
    """One page of what a scan changed."""

    scan: int
    registry_slug: str
    registry: str
    kind: str
    tabs: tuple[tuple[str, str, int | None], ...]
    rows: tuple[ChangedTag, ...]
    paging: Paging


def scan_changes(scan_id: int, params: Mapping[str, str]) -> ScanChanges | None:
    """The changes of one scan, the latest first, or ``None`` where there is no such scan."""
    scan = Scan.objects.select_related("registry").filter(pk=scan_id).first()
    if scan is None:
        return None
    kind = choice_of(params, "kind", KINDS)
    found = changes_of(scan_id, kind)
    count = found.order_by()[: _MOST_COUNTED + 1].count()
    paging = page_of(params.get("page", ""), min(count, _MOST_COUNTED), capped=count > _MOST_COUNTED)
    chosen = found.select_related("tag", "repository")[paging.offset : paging.offset + paging.size]
    return ScanChanges(
        scan=scan.pk,
        registry_slug=scan.registry.slug,
        registry=scan.registry.name,
        kind=kind,
        tabs=(("", "All changes", None), *((key, label, getattr(scan, key)) for key, label in KINDS.items())),
        rows=tuple(_row(change, scan.registry.slug) for change in chosen),
        paging=paging,
    )


def changes_of(scan_id: int, kind: str) -> QuerySet[TagChange]:
    """The changes of a scan that ``compliance.policy.tag_change`` counted as this kind; all for an empty one.

    A failure goes on through *unknown*, so what a tag was before that decides whether it began or ended.
    """
    changes = TagChange.objects.filter(scan=scan_id).order_by("-pk")
    if not kind:
        return changes
    if kind == "regressed":
        return changes.filter(was=_PASS, became=_FAIL)
    changes = changes.annotate(before=Subquery(_decisive()))
    from_unknown = Q(was=VerdictChoice.UNKNOWN)
    if kind == "new":
        unheard_of = Q(before=None) | ~Q(before=_FAIL)
        return changes.filter(Q(was__in=("", *_STOPPED)) | from_unknown & unheard_of, became=_FAIL)
    return changes.filter(Q(was=_FAIL) | from_unknown & Q(before=_FAIL), became__in=_STOPPED)


def _decisive() -> QuerySet[TagChange, Any]:
    """What a tag last became before a change that says something; a deletion forgets."""
    says = Q(became__in=(_FAIL, *_STOPPED)) | Q(kind=TagChange.Kind.DELETED)
    earlier = TagChange.objects.filter(says, tag=OuterRef("tag"), pk__lt=OuterRef("pk"))
    return earlier.order_by("-pk").values("became")[:1]


def _row(change: TagChange, registry_slug: str) -> ChangedTag:
    return ChangedTag(
        registry_slug=registry_slug,
        repository=change.repository.name,
        tag=change.tag.name,
        kind=change.get_kind_display(),
        was=change.was,
        became=change.became,
        from_digest=change.from_digest,
        to_digest=change.to_digest,
        at=change.at,
        deleted=change.kind == TagChange.Kind.DELETED,
        pusher=change.pusher,
    )
