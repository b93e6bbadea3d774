"""Grade the repositories of a registry again after its protected tags were changed: no tag is judged anew."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from compliance.models import Registry, Repository
from compliance.models.bulk import update_rows
from compliance.policy.totals import Totals
from compliance.services.count_totals import failing_protected_tags, snapshot_unchanged


def grade_repositories(registry: Registry, *, now: datetime) -> int:
    """Write the grades and the numbers of failing protected tags that differ; return of how many repositories."""
    with transaction.atomic():
        failing = Repository.objects.listed().filter(registry=registry, failed__gt=0)
        # In the order in which a scan forgets repositories, so that the two do not wait for each other in a circle.
        rows = list(failing.order_by("pk").select_for_update(of=("self",)))
        protected = failing_protected_tags(rows)
        changed, counted = [], []
        for row in rows:
            count = protected.get(row.pk, 0)
            grade = _totals(row, capped=count > 0).grade
            if count != row.failed_protected:
                counted.append(row.pk)
            if (grade, count) != (row.grade, row.failed_protected):
                row.grade, row.failed_protected = grade, count
                changed.append(row)
        update_rows(changed, ["grade", "failed_protected"])
        snapshot_unchanged(counted, now=now)
    return len(changed)


def _totals(row: Repository, *, capped: bool) -> Totals:
    return Totals(row.passed, row.failed, row.unknown, row.not_applicable, row.score, capped, row.waived)
