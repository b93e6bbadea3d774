"""Ask registries again about a few tags, because somebody says that they were changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from compliance.models import Repository, RepositoryScan, Scan, State, User
from compliance.policy.wake_up import WakeUp, Work

_BATCH = 1_000


def rescan_tags(tags: Mapping[int, Sequence[str]], *, requested_by: User | None, now: datetime) -> list[int]:
    """Make one partial scan for each registry of these tags by the repositories' ids; return the scans' ids.

    Registries that are not scanned at all, and repositories they no longer have, are left out.
    """
    rows = Repository.objects.listed().filter(pk__in=tags, registry__enabled=True).order_by("registry", "pk")
    by_registry: dict[int, list[int]] = {}
    for repository, registry in rows.values_list("pk", "registry_id"):
        by_registry.setdefault(registry, []).append(repository)
    made = []
    for registry, repositories in by_registry.items():
        scan = Scan.objects.create(
            registry_id=registry,
            trigger=Scan.Trigger.PAGE,
            requested_by=requested_by,
            partial=True,
            state=State.RUNNING,
            requested_at=now,
            started_at=now,
            listed_at=now,
            repositories_total=len(repositories),
        )
        RepositoryScan.objects.bulk_create(
            (RepositoryScan(scan=scan, repository_id=pk, only_tags=sorted(tags[pk])) for pk in repositories),
            batch_size=_BATCH,
        )
        made.append(scan.pk)
    return made


def parts_of(requested_by: User | None, at: datetime, most: int = 16) -> list[WakeUp]:
    """The first parts of what somebody asked for at a moment; a worker that is rung rings for the next."""
    parts = RepositoryScan.objects.filter(scan__requested_by=requested_by, scan__requested_at=at, scan__partial=True)
    return [WakeUp(Work.REPOSITORY_SCAN, pk) for pk in parts.order_by("pk").values_list("pk", flat=True)[:most]]
