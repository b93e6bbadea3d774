"""Turn waiting pushes of one registry into one scan of the tags they name.

A burst of pushes of one tag becomes one question to the registry, and a push whose repository waits to be asked about
anyway joins that. Nothing a payload says is taken over but the names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from compliance.models import ACTIVE, Push, Registry, Repository, RepositoryScan, Scan, State
from compliance.models.bulk import update_rows
from compliance.policy.scan_scope import repository_in_scope, tag_in_scope
from compliance.policy.wake_up import WakeUp, Work
from compliance.services.assign_owners import owner_columns
from compliance.services.assign_policies import policies_for
from compliance.services.record_problem import NO_PROBLEM

MOST_PUSHES: Final = 1_000
"""Per call; where there are more, the caller is told to come again."""

_MOST_TAGS = 1_000
_LOCK = 7_021_003

Clock = Callable[[], datetime]


def waiting_pushes() -> list[WakeUp]:
    """The registries whose pushes wait."""
    waiting = Push.objects.filter(state=Push.State.WAITING, registry__enabled=True)
    return [WakeUp(Work.PUSHES, pk) for pk in waiting.order_by().values_list("registry_id", flat=True).distinct()]


def gather_pushes(registry_id: int, *, clock: Clock) -> list[WakeUp]:
    """Take the oldest waiting pushes into a scan; return the parts to wake, and itself where more are waiting."""
    with transaction.atomic():
        registry = Registry.objects.filter(pk=registry_id, enabled=True).first()
        if registry is None:
            return []
        _wait_for_turn(registry_id)
        waiting = Push.objects.filter(registry=registry_id, state=Push.State.WAITING)
        found = list(waiting.order_by("pk")[: MOST_PUSHES + 1])
        pushes = found[:MOST_PUSHES]
        wake_ups = _gather(registry, pushes, clock())
    return [*wake_ups, WakeUp(Work.PUSHES, registry_id)] if len(found) > MOST_PUSHES else wake_ups


@dataclass(slots=True)
class _Asked:
    """One repository's tags that are to be asked for."""

    pushes: list[Push] = field(default_factory=list)

    @property
    def tags(self) -> list[str]:
        return list(dict.fromkeys(push.tag for push in self.pushes))

    @property
    def is_pushed(self) -> bool:
        return any(push.kind == Push.Kind.PUSHED for push in self.pushes)


def _gather(registry: Registry, pushes: Sequence[Push], now: datetime) -> list[WakeUp]:
    _set_duplicates_apart(registry.pk, pushes)
    _set_out_of_scope_apart(registry, pushes)
    asked: dict[str, _Asked] = {}
    for push in pushes:
        if push.state == Push.State.WAITING:
            asked.setdefault(push.repository, _Asked()).pushes.append(push)
    ids = _repositories(registry, asked, now)
    _join_queued(asked, ids)
    wake_ups = _scan(registry, {ids[name]: each for name, each in asked.items() if name in ids}, now)
    update_rows(pushes, ["state", "scan"])
    return wake_ups


def _set_duplicates_apart(registry_id: int, pushes: Iterable[Push]) -> None:
    """Two requests with one event may have been stored at the same moment, each without knowing of the other."""
    keys = {push.event_key for push in pushes} - {""}
    joined = Push.objects.filter(registry=registry_id, state=Push.State.JOINED, event_key__in=keys).exclude(
        event_key=""
    )
    failed = RepositoryScan.objects.filter(
        scan=OuterRef("scan"), repository__name=OuterRef("repository"), state__in=(State.FAILED, State.CANCELLED)
    )
    answered = joined.exclude(Exists(failed))
    seen = set(answered.values_list("event_key", "repository", "tag")) if keys else set()
    replayed = _replayed(pushes)
    for push in pushes:
        event = (push.event_key, push.repository, push.tag)
        if not push.event_key or push.event_id in replayed:
            continue
        if event in seen:
            push.state = Push.State.DUPLICATE
        seen.add(event)


def _replayed(pushes: Iterable[Push]) -> set[int]:
    """Events that somebody wants to be done again although they were."""
    ids = {push.event_id for push in pushes}
    from_log = Push.objects.filter(event__in=ids, event__replay_of__isnull=False)
    return set(from_log.order_by().values_list("event_id", flat=True).distinct())


def _set_out_of_scope_apart(registry: Registry, pushes: Iterable[Push]) -> None:
    scope = registry.scope
    for push in pushes:
        counts = repository_in_scope(push.repository, scope) and tag_in_scope(push.tag, scope, registry.protected_tags)
        if not counts and push.state == Push.State.WAITING:
            push.state = Push.State.OUT_OF_SCOPE


def _repositories(registry: Registry, asked: dict[str, _Asked], now: datetime) -> dict[str, int]:
    """Ids by name. What was pushed to is made where it is missing; what was deleted from need not be there."""
    rows = Repository.objects.filter(registry=registry, name__in=asked)
    known = dict(rows.values_list("name", "pk"))
    missing = sorted(name for name in asked if name not in known and asked[name].is_pushed)
    if missing:
        judges, owners = policies_for(registry, missing), owner_columns(registry, missing)
        Repository.objects.bulk_create(
            (
                Repository(registry=registry, name=name, policy_id=judges[name], first_seen_at=now, **owners[name])
                for name in missing
            ),
            ignore_conflicts=True,  # a scan may list them at this moment
        )
        known |= dict(rows.filter(name__in=missing).values_list("name", "pk"))
    back = [pk for name, pk in known.items() if asked[name].is_pushed]
    rows.filter(pk__in=back, deleted_at__isnull=False).update(deleted_at=None, **NO_PROBLEM)
    for name in asked.keys() - known.keys():
        for push in asked[name].pushes:
            push.state = Push.State.DUPLICATE  # deleted, and never known
    return known


def _join_queued(asked: dict[str, _Asked], ids: dict[str, int]) -> None:
    """Add tags to parts that are to begin, or to begin again; their pushes then belong to that scan."""
    names = {pk: name for name, pk in ids.items()}
    # A row that a worker is taking at this moment is passed over, and one with a cursor: neither sees the new tags.
    queued = RepositoryScan.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        repository__in=names,
        state=State.QUEUED,
        cursor="",
        lease_token=None,
        heavy=False,
        only_tags__isnull=False,
        scan__trigger=Scan.Trigger.WEBHOOK,
        scan__state__in=ACTIVE,
    )
    touched = []
    for row in queued.order_by("pk"):
        name = names[row.repository_id]
        tags = list(dict.fromkeys([*(row.only_tags or ()), *asked[name].tags])) if name in asked else []
        if not tags or len(tags) > _MOST_TAGS:
            continue
        row.only_tags = tags
        touched.append(row)
        for push in asked.pop(name).pushes:
            push.state, push.scan_id = Push.State.JOINED, row.scan_id
    RepositoryScan.objects.bulk_update(touched, ["only_tags"])


def _scan(registry: Registry, asked: dict[int, _Asked], now: datetime) -> list[WakeUp]:
    """One scan for all of them, listed already: it asks for nothing but these tags."""
    if not asked:
        return []
    scan = Scan.objects.begin_partial(registry.pk, Scan.Trigger.WEBHOOK, len(asked), now=now)
    for each in asked.values():
        for push in each.pushes:
            push.state, push.scan_id = Push.State.JOINED, scan.pk
    rows = RepositoryScan.objects.bulk_create(
        RepositoryScan(scan=scan, repository_id=pk, only_tags=sorted(each.tags)) for pk, each in asked.items()
    )
    return [WakeUp(Work.REPOSITORY_SCAN, row.pk) for row in rows]


def _wait_for_turn(registry_id: int) -> None:
    """One at a time for each registry: two would make two scans of the same burst."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, registry_id])
