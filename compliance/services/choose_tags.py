"""Which of a repository's listed tags are scanned."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Max, Q
from django.db.models.functions import Coalesce

from compliance.models import RepositoryScan, Tag
from compliance.policy.scan_scope import OUT_OF_SCOPE, tag_in_scope
from compliance.policy.tag_age import pushed_at, tags_to_scan
from scanner.domain.reference import TagName


def choose_tags(row: RepositoryScan, listed: Iterable[TagName], *, now: datetime) -> list[TagName]:
    """In the order of names. Tags that somebody named need only fit by name: whatever was just pushed is the newest."""
    registry = row.scan.registry
    scope, protected = registry.scope, registry.protected_tags
    if row.only_tags is not None:
        return sorted({name for name in listed if tag_in_scope(name, scope, protected)})
    ages = known_ages(row.repository_id) if scope.by_age else {}
    return [TagName(name) for name in tags_to_scan(listed, scope, protected, ages, now=now)]


def known_ages(repository_id: int) -> dict[str, datetime]:
    """When the tags that were read were pushed; one that was deleted and is listed again is a new one."""
    still_there = Q(deleted_at=None) | Q(problem_code=OUT_OF_SCOPE)
    built = Coalesce("image__built_at", Max("index__images__built_at"))
    rows = Tag.objects.filter(still_there, repository=repository_id).order_by().annotate(built=built)
    found = rows.values_list("name", "first_seen_at", "moved_at", "built")
    return {name: pushed_at(first_seen=first, moved=moved, built=when) for name, first, moved, when in found}
