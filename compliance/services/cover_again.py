"""Findings that somebody no longer calls wrong: a waiver that covers them counts for them at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from compliance.models import Finding, Repository, StatusChoice, User
from compliance.models.bulk import among
from compliance.models.finding import FindingQuerySet
from compliance.services.apply_waivers import apply_and_count

_WRONG = Q(status=StatusChoice.FALSE_POSITIVE)


def hold_wrong(findings: FindingQuerySet) -> tuple[FindingQuerySet, frozenset[int]]:
    """Hold the repositories of the false positives among findings, as waivers do, before any finding is locked.

    :return: the findings without what becomes a false positive just now, and the ids of those that are.
    """
    wrong = dict(findings.filter(_WRONG).order_by().values_list("pk", "repository"))
    if wrong:
        homes = Repository.objects.filter(among("pk", set(wrong.values()))).order_by("pk").select_for_update()
        list(homes.values_list("pk"))
    return findings.filter(~_WRONG | among("pk", wrong)), frozenset(wrong)


def cover_again(rows: Iterable[Finding], wrong: frozenset[int], *, by: User, now: datetime) -> None:
    """Waive what was called wrong until now and is covered; repositories are held by ``hold_wrong``."""
    if opened := [row.pk for row in rows if row.pk in wrong]:
        apply_and_count(opened, now=now, by=by)
