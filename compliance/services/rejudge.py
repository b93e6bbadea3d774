"""Judge repositories again from stored outlines: no registry is asked, and no facts are read.

A few hundred outlines are weighed; then the tags follow, some thousands in one transaction, under the locks that scans
take too, so that each tag ends with a verdict of the current version whichever of the two came last. Only where the
rules themselves have changed are images asked again before that.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F

from compliance.models import ACTIVE, LeaseLost, Policy, PolicyVersion, Rejudging, Repository, State
from compliance.policy.wake_up import WakeUp, Work
from compliance.services.ask_images import ask_stored
from compliance.services.count_totals import count_many
from compliance.services.judge_images import stale_images
from compliance.services.keep_lease import lease_length
from compliance.services.news_of_findings import tell_of_findings
from compliance.services.pointed_before import pointed_before, unread_until_now
from compliance.services.reconcile_findings import reconcile_repositories
from compliance.services.rejudge_tags import rejudge_tags
from compliance.services.request_rejudge import outdated, request_rejudge
from compliance.services.tell_people import waiting_deliveries

_TAGS_AT_A_TIME = 5_000
_REPOSITORIES_AT_A_TIME = 500
_IMAGES_AT_A_TIME = 1_000
_TURN_SECONDS = 5 * 60.0

Hold = Callable[[], None]
Clock = Callable[[], datetime]


@dataclass(slots=True)
class Rejudged:
    """How much was done; ``asked`` counts images whose facts were read, ``changed`` tags with another verdict."""

    asked: int = 0
    tags: int = 0
    repositories: int = 0
    changed: int = 0


def rejudge(policy: Policy | None = None, *, clock: Clock) -> Rejudged:
    """Judge everything under the current version of a policy, or of all policies some repository has, to the end."""
    used = [policy] if policy else Policy.objects.filter(repositories__isnull=False).distinct().order_by("pk")
    pks = [each.pk for each in used]
    with transaction.atomic():
        list(Repository.objects.filter(policy__in=pks).order_by("pk").select_for_update().values_list("pk"))
        Repository.objects.filter(policy__in=pks).update(judged_by=None)
        request_rejudge(pks, now=clock())
    return finish_rejudgings(clock=clock)


def finish_rejudgings(*, clock: Clock) -> Rejudged:
    """Do what was requested to the end, here. Workers that do the same at the same time are harmless.

    :param clock: what each batch holds waivers to, so that one approved meanwhile counts for those after it.
    """
    counts = Rejudged(asked=ask_again())
    for pk in Rejudging.objects.filter(state__in=ACTIVE).order_by("pk").values_list("pk", flat=True):
        while not _turn(pk, counts, _nothing, clock):
            pass
    return counts


def work_on_rejudging(rejudging_id: int, *, clock: Clock) -> list[WakeUp]:
    """Do, or go on with, one policy's repositories, unless somebody else does; return what is left to wake."""
    token = Rejudging.objects.filter(state__in=ACTIVE).take(rejudging_id, lease_length())
    if token is None:
        return []
    begun = clock()
    try:
        done = _turn(rejudging_id, Rejudged(), _holding(rejudging_id, token), clock)
    except LeaseLost:
        return []
    Rejudging.objects.give_back(rejudging_id, token)
    told = waiting_deliveries(clock(), since=begun)
    return told if done else [WakeUp(Work.REJUDGING, rejudging_id), *told]


def ask_again(hold: Hold | None = None, until: float | None = None) -> int:
    """Ask images that other rules have been put to; return how many there were.

    :param until: the monotonic second to stop at, with images left.
    """
    asked = 0
    while until is None or time.monotonic() < until:
        pks = list(stale_images().order_by("pk").values_list("pk", flat=True)[:_IMAGES_AT_A_TIME])
        if not pks:
            break
        asked += ask_stored(pks)
        if hold is not None:
            hold()
    return asked


def _turn(rejudging_id: int, counts: Rejudged, hold: Hold, clock: Clock) -> bool:
    """Work until all is done, or for a while; say whether all is done."""
    until = time.monotonic() + _TURN_SECONDS
    row = Rejudging.objects.get(pk=rejudging_id)
    Rejudging.objects.filter(pk=row.pk, started_at=None).update(started_at=clock(), state=State.RUNNING)
    counts.asked += ask_again(hold, until)
    while time.monotonic() < until:
        version = PolicyVersion.objects.get(current_of=row.policy_id)
        pks = _next(version)
        if not pks:
            return _finish(row.pk, clock())
        _batch(row.pk, version, pks, counts, clock())
        hold()
    return False


def _next(version: PolicyVersion) -> list[int]:
    """As many repositories as have some thousand tags together."""
    rows = outdated(version).order_by("pk").values_list("pk", "tags_total")[:_REPOSITORIES_AT_A_TIME]
    pks: list[int] = []
    tags = 0
    for pk, total in rows:
        pks.append(pk)
        tags += total
        if tags >= _TAGS_AT_A_TIME:
            break
    return pks


def _batch(rejudging_id: int, version: PolicyVersion, pks: Sequence[int], counts: Rejudged, now: datetime) -> None:
    with transaction.atomic():
        # Locked first and chosen after that: a worker that waited here finds what the other one left.
        list(Repository.objects.filter(pk__in=pks).order_by("pk").select_for_update().values_list("pk"))
        if not Policy.objects.filter(pk=version.policy_id, current=version).exists():
            return  # a newer version came in between: its verdicts are not to be undone
        repositories = list(outdated(version).filter(pk__in=pks).order_by("pk"))
        ids = [row.pk for row in repositories]
        unread = unread_until_now(ids)
        judged = rejudge_tags(ids, version, now=now)
        found = reconcile_repositories(ids, version, now=now, read=pointed_before(unread))
        tell_of_findings(found, now=now)  # rung for when the turn ends, or by the tick
        count_many(repositories, version, judged.by_repository, now=now)
        Repository.objects.filter(pk__in=ids).update(judged_by=version)
        done, changed = F("done") + len(ids), F("changed") + judged.changed
        Rejudging.objects.filter(pk=rejudging_id, version=version).update(done=done, changed=changed)
    counts.repositories += len(repositories)
    counts.tags += sum(row.tags_total for row in repositories)
    counts.changed += judged.changed


def _finish(rejudging_id: int, now: datetime) -> bool:
    with transaction.atomic():
        row = Rejudging.objects.select_for_update(of=("self",)).select_related("policy__current").get(pk=rejudging_id)
        version = row.policy.current
        if version is not None and outdated(version).exists():
            return False
        Rejudging.objects.filter(pk=row.pk).update(state=State.DONE, finished_at=now, total=row.done)
    return True


def _holding(rejudging_id: int, token: uuid.UUID) -> Hold:
    return lambda: Rejudging.objects.renew(rejudging_id, token, lease_length())


def _nothing() -> None:
    return None
