"""Take tags and repositories out of the lists because their registry's scope no longer has them.

They are marked like those the registry deleted, but with the reason, and without a change: nothing happened to them.
What failed goes on failing should they come back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from compliance.models import Repository, Tag
from compliance.policy.scan_scope import OUT_OF_SCOPE
from compliance.services.count_totals import count_totals
from compliance.services.reconcile_findings import reconcile_tags
from compliance.services.record_problem import problem_columns
from scanner.domain.problems import ImageProblem, ScanProblem

_BATCH = 1_000


def leave_out_tags(ids: Sequence[int], *, now: datetime) -> None:
    """Mark listed tags; findings and totals are the caller's, who holds the repository's row."""
    columns = problem_columns(_left_out("tag"))
    for start in range(0, len(ids), _BATCH):
        tags = Tag.objects.listed().filter(pk__in=ids[start : start + _BATCH])
        tags.update(deleted_at=now, unconfirmed_since=None, **columns)


def leave_out_repositories(ids: Sequence[int], *, now: datetime) -> None:
    """Mark repositories with all their tags; their snapshot of today counts none."""
    for pk in ids:
        repository = Repository.objects.select_for_update(of=("self",)).select_related("policy__current").get(pk=pk)
        tags = list(Tag.objects.listed().filter(repository=pk).values_list("pk", flat=True))
        leave_out_tags(tags, now=now)
        version = repository.policy.current
        if version is not None:
            reconcile_tags(pk, tags, version, scan_id=None, now=now)
            count_totals(repository, version, now=now)
        Repository.objects.filter(pk=pk).update(deleted_at=now, **problem_columns(_left_out("repository")))


def no_platform_in_scope(platforms: Sequence[str]) -> ScanProblem:
    """Of an index none of whose images is read: nobody knows what it would run as."""
    return ImageProblem(
        "no-platform-in-scope",
        f"none of its images is of a platform that is scanned ({', '.join(platforms)})",
        remedy="Add a platform it has to the registry's scope, or leave the tag out there.",
    )


def _left_out(what: str) -> ScanProblem:
    return ImageProblem(
        OUT_OF_SCOPE,
        f"the registry's scope leaves this {what} out",
        remedy="To have it scanned, change what is scanned on the registry's page.",
    )
