"""Ask registries again about a few tags, because somebody says that they were changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import QuerySet

from compliance.models import Occurrence, Repository, RepositoryScan, Scan, State, User
from compliance.models.bulk import among, insert_alike
from compliance.policy.wake_up import WakeUp, Work

MOST_TAGS: Final = 5_000
"""Asked about at one click that claims nothing."""

TagsOf = Mapping[int, Sequence[str]]
"""Names of tags by their repositories' ids."""


def tags_showing(findings: Iterable[int]) -> TagsOf:
    """The tags that show findings."""
    named = _shown(findings).values_list("tag__repository_id").annotate(names=ArrayAgg("tag__name", distinct=True))
    return dict(named)


def count_tags_showing(findings: Iterable[int], *, most: int) -> int:
    """How many tags show findings; not counted further than ``most``."""
    return _shown(findings).values("tag").distinct()[:most].count()


def worth_asking(tags: TagsOf) -> TagsOf:
    """Those of registries that are scanned, but not what waits for a scan already."""
    asked = Repository.objects.listed().filter(among("pk", tags), registry__enabled=True).order_by()
    found = {pk: set(tags[pk]) for pk in asked.values_list("pk", flat=True)}
    # One that was put off goes on where it stopped, and one for big layers asks nothing else.
    waiting = RepositoryScan.objects.filter(among("repository", found), state=State.QUEUED, cursor="", heavy=False)
    for pk, only in waiting.order_by().values_list("repository", "only_tags"):
        found[pk] -= found[pk] if only is None else set(only)
    return {pk: sorted(names) for pk, names in found.items() if names}


def _shown(findings: Iterable[int]) -> QuerySet[Occurrence]:
    return Occurrence.objects.filter(among("finding", list(findings)), tag__deleted_at=None).order_by()


def rescan_tags(tags: TagsOf, *, requested_by: User | None, now: datetime) -> list[int]:
    """Make one partial scan for each registry of these tags by the repositories' ids; return the scans' ids.

    Registries that are not scanned at all, and repositories they no longer have, are left out.
    """
    rows = Repository.objects.listed().filter(among("pk", tags), registry__enabled=True).order_by("registry", "pk")
    by_registry: dict[int, list[int]] = {}
    for repository, registry in rows.values_list("pk", "registry_id"):
        by_registry.setdefault(registry, []).append(repository)
    made = []
    for registry, repositories in by_registry.items():
        scan = Scan.objects.begin_partial(registry, Scan.Trigger.PAGE, len(repositories), by=requested_by, now=now)
        only = [sorted(tags[pk]) for pk in repositories]
        insert_alike(RepositoryScan(scan=scan), repository=repositories, only_tags=only)
        made.append(scan.pk)
    return made


def parts_of(requested_by: User | None, at: datetime, most: int = 16) -> list[WakeUp]:
    """The first parts of what somebody asked for at a moment; a worker that is rung rings for the next."""
    parts = RepositoryScan.objects.filter(scan__requested_by=requested_by, scan__requested_at=at, scan__partial=True)
    return [WakeUp(Work.REPOSITORY_SCAN, pk) for pk in parts.order_by("pk").values_list("pk", flat=True)[:most]]
