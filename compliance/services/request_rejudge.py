"""Write down that repositories have to be judged again: the row is the work, a message only a wake-up."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from compliance.models import ACTIVE, Policy, PolicyVersion, Rejudging, Repository, State
from compliance.policy.wake_up import WakeUp, Work


def request_rejudge(policy_ids: Iterable[int], *, now: datetime) -> list[WakeUp]:
    """Request that repositories of these policies which another version judged are judged, in the caller's transaction.

    A worker that is at it goes on with the new version.
    """
    # In one order, so that two who ask for the same do not wait for each other in a circle.
    policies = Policy.objects.filter(pk__in=sorted(policy_ids)).exclude(current=None).select_related("current")
    made = [_request(policy.current, now) for policy in policies.order_by("pk") if policy.current is not None]
    return [WakeUp(Work.REJUDGING, pk) for pk in made if pk is not None]


def waiting_rejudgings() -> list[WakeUp]:
    """What has been requested and nobody works on."""
    rows = Rejudging.objects.free().filter(state__in=ACTIVE).order_by("pk")
    return [WakeUp(Work.REJUDGING, pk) for pk in rows.values_list("pk", flat=True)]


def outdated(version: PolicyVersion) -> QuerySet[Repository]:
    """The listed repositories of a version's policy that do not show yet what it says."""
    mixed = Q(judged_by=None) | ~Q(judged_by=version.pk)
    return Repository.objects.listed().filter(mixed, policy=version.policy_id)


def _request(version: PolicyVersion, now: datetime) -> int | None:
    total = outdated(version).count()
    if not total:
        return None
    fresh = {"version": version, "state": State.QUEUED, "requested_at": now, "total": total, "done": 0, "changed": 0}
    row, _ = Rejudging.objects.update_or_create(
        policy_id=version.policy_id, defaults={**fresh, "started_at": None, "finished_at": None, "attempts": 0}
    )
    return row.pk
