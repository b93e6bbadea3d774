"""Grade the repositories of a registry again after its protected tags were changed: no tag is judged anew."""

from __future__ import annotations

from django.db import transaction

from compliance.models import Registry, Repository, ShownChoice, Tag
from compliance.models.bulk import update_rows
from compliance.policy.protected_tags import is_protected
from compliance.policy.totals import Totals

_AT_A_TIME = 2_000


def grade_repositories(registry: Registry) -> int:
    """Write the grades that differ; return how many did."""
    with transaction.atomic():
        failing = Repository.objects.listed().filter(registry=registry, failed__gt=0)
        # In the order in which a scan forgets repositories, so that the two do not wait for each other in a circle.
        rows = list(failing.order_by("pk").select_for_update(of=("self",)))
        capped = _with_failing_protected_tag(registry)
        changed = []
        for row in rows:
            grade = _totals(row, capped=row.pk in capped).grade
            if grade != row.grade:
                row.grade = grade
                changed.append(row)
        update_rows(changed, ["grade"])
    return len(changed)


def _with_failing_protected_tag(registry: Registry) -> set[int]:
    if not registry.protected_tags:
        return set()
    tags = Tag.objects.listed().filter(repository__registry=registry, shown=ShownChoice.FAIL).order_by()
    names = tags.values_list("repository_id", "name").iterator(chunk_size=_AT_A_TIME)
    return {repository for repository, name in names if is_protected(name, registry.protected_tags)}


def _totals(row: Repository, *, capped: bool) -> Totals:
    return Totals(row.passed, row.failed, row.unknown, row.not_applicable, row.score, capped, row.waived)
