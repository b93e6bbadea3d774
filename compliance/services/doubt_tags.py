"""Tags whose verdict the registry did not confirm: mark them, and give their verdicts up when that lasts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Coalesce, Collate

from compliance.models import Occurrence, Repository, Tag, TagChange, VerdictChoice
from compliance.models.bulk import update_rows
from compliance.policy.tag_change import TagState, failing_since, what_happened
from compliance.services.count_totals import count_totals
from compliance.services.record_problem import problem_columns
from compliance.services.write_tags import change_row
from scanner.domain.problems import ScanProblem
from scanner.domain.verdict import Verdict

_BATCH = 500
_MOST_REPOSITORIES = 200
"""Per call: the tick calls again in seconds, and nobody waits."""

_COLUMNS = ("verdict", "score", "failing_since", "judged_at")
_A_CENTURY = 36_500


def kept_for() -> timedelta:
    """How long the last known verdict of an unconfirmed tag counts."""
    return timedelta(days=min(settings.UNCONFIRMED_DAYS, _A_CENTURY))


def doubt_tags(tags: QuerySet[Tag], problem: ScanProblem, *, now: datetime) -> None:
    """Mark those of these tags that are listed, in one statement; their verdicts stay, and so do findings, unproved.

    Whoever calls it holds no tag, finding or occurrence, and no repository but these tags'.
    """
    columns = problem_columns(problem)
    # An outage that goes on for days is not to rewrite every row of a registry at every scan.
    fresh = Q(unconfirmed_since=None) | ~Q(problem_code=columns["problem_code"])
    since = Coalesce("unconfirmed_since", Value(now))
    with transaction.atomic():
        # As scans do: whoever holds the repositories may write tags and occurrences in whatever order.
        homes = Repository.objects.filter(pk__in=tags.order_by().values("repository")).order_by("pk")
        list(homes.select_for_update().values_list("pk"))
        # First, while it can be told which were confirmed until now.
        shown = tags.filter(unconfirmed_since=None, deleted_at=None).order_by().values("pk")
        Occurrence.objects.filter(proved=True, tag__in=shown).update(proved=False)
        tags.filter(fresh, deleted_at=None).update(unconfirmed_since=since, **columns)


def tags_after(repository_id: int, cursor: str) -> QuerySet[Tag]:
    """The tags of a repository that a scan did not get to.

    :param cursor: the last tag it has done, in order of names; empty for none.
    """
    rows = Tag.objects.filter(repository=repository_id)
    return rows.alias(in_order=Collate("name", "C")).filter(in_order__gt=cursor) if cursor else rows


def lapse_unconfirmed(now: datetime) -> int:
    """Make the verdict of every tag unknown that was not confirmed for too long; return how many there were."""
    lapsing = Tag.objects.unconfirmed().filter(unconfirmed_since__lte=now - kept_for())
    lapsing = lapsing.exclude(verdict=VerdictChoice.UNKNOWN)
    ids = lapsing.order_by("repository_id").values_list("repository_id", flat=True).distinct()[:_MOST_REPOSITORIES]
    return sum(_lapse(pk, now) for pk in list(ids))


def _lapse(repository_id: int, now: datetime) -> int:
    with transaction.atomic():
        # The lock that scans and judging again take: a tag confirmed meanwhile is found confirmed below.
        rows = Repository.objects.select_for_update(of=("self",)).select_related("policy__current")
        repository = rows.get(pk=repository_id)
        tags = Tag.objects.unconfirmed().filter(repository=repository_id, unconfirmed_since__lte=now - kept_for())
        found = list(tags.exclude(verdict=VerdictChoice.UNKNOWN).only("pk", "digest", *_COLUMNS))
        changes = list(_give_up(found, repository_id, now))
        update_rows(found, _COLUMNS)
        TagChange.objects.bulk_create(changes, batch_size=_BATCH)
        version = repository.policy.current
        if found and version is not None:
            count_totals(repository, version, now=now)
    return len(found)


def _give_up(tags: Iterable[Tag], repository_id: int, now: datetime) -> Iterable[TagChange]:
    """Nothing begins or stops to fail by not being known."""
    for tag in tags:
        before = TagState(tag.digest, Verdict(tag.verdict), tag.failing_since)
        change = what_happened(before, tag.digest, Verdict.UNKNOWN)
        tag.failing_since = failing_since(before, Verdict.UNKNOWN, now)
        tag.verdict, tag.score, tag.judged_at = VerdictChoice.UNKNOWN, None, now
        if change is not None:
            yield change_row(repository_id, tag, change, None, now)
