"""Which of a repository's listed tags are scanned."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from compliance.models import RepositoryScan, Tag
from compliance.policy.scan_scope import tag_in_scope
from compliance.policy.tag_age import tags_to_scan
from compliance.queries.tag_ages import dated_tags
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
    """When the tags that were read were pushed."""
    tags = Tag.objects.filter(repository=repository_id).order_by()
    return {name: age for _, name, age in dated_tags(tags)}
