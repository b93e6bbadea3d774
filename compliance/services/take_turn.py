"""Choose what a worker does next, and let it: fair between registries, and within what each of them bears.

A message only says that there is work. Which piece it is for, the worker decides when it begins: so thousands of
messages of one registry keep nobody waiting, and a push is looked at by the next worker that is free.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Collection
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, Exists, F, OuterRef, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, Now

from compliance.models import ACTIVE, Registry, RegistryState, RepositoryScan, Scan, State
from compliance.models.scan import RepositoryScanQuerySet, ScanQuerySet
from compliance.policy.retry import FAILURES_UNTIL_PAUSE
from compliance.policy.wake_up import WakeUp, Work
from compliance.services.keep_lease import lease_length
from compliance.services.pause_registry import is_on_trial, lock_state, not_paused

_HEAVY_CONNECTIONS = 2
"""Big layers take minutes: nobody else is to wait for so long for a connection."""

_CHOSEN_FROM = 8
"""Pieces of one registry of which a worker takes any, so that several do not all reach for the first."""


def due_listings(now: datetime) -> ScanQuerySet:
    """Scans whose registry is to be listed, may be asked, and that nobody has."""
    return Scan.objects.free().filter(_due(now), not_paused("registry", now), state__in=ACTIVE, listed_at=None)


def due_parts(now: datetime) -> RepositoryScanQuerySet:
    """Repositories' parts that may be worked on and that nobody has."""
    return RepositoryScan.objects.free().filter(_due(now), not_paused("scan__registry", now), state__in=ACTIVE)


def next_part(
    now: datetime, *, heavy: bool | None = False, pushes_first: bool = True, scans: Collection[int] | None = None
) -> WakeUp | None:
    """The piece that waits longest for its turn: of the registry that was served longest ago.

    :param pushes_first: what is partial, so small and awaited, goes before whole scans, of all registries.
    :param heavy: only those, or only the others; ``None``: any.
    :param scans: of these alone.
    """
    parts = due_parts(now)
    if heavy is not None:
        parts = parts.filter(heavy=heavy)
    if scans is not None:
        parts = parts.filter(scan__in=scans)
    registry = _registry_to_serve(parts, pushes_first=pushes_first)
    if registry is None:
        return None
    mine = parts.filter(scan__registry=registry).order_by("-scan__partial", "pk")
    first = list(mine.values_list("scan__partial", "heavy", "pk")[:_CHOSEN_FROM])
    alike = [wake_up_of(pk, heavy=big) for partial, big, pk in first if partial == first[0][0]]
    return secrets.choice(alike) if alike else None


def wake_up_of(pk: int, *, heavy: bool) -> WakeUp:
    """Parts that read big layers have workers of their own."""
    return WakeUp(Work.HEAVY_REPOSITORY_SCAN if heavy else Work.REPOSITORY_SCAN, pk)


def others_wait(scan: Scan, now: datetime) -> bool:
    """Whether a worker should let go of a long piece of this scan: for a push, or for another registry's turn."""
    if scan.partial:
        return push_waits(scan, now)
    return due_parts(now).filter(heavy=False).exclude(scan=scan).exists() or due_listings(now).exists()


def push_waits(scan: Scan, now: datetime) -> bool:
    """Whether a worker should let go of even a short piece of this scan, at its next batch."""
    return due_parts(now).filter(heavy=False, scan__partial=True).exclude(scan=scan).exists()


def take_listing(scan_id: int, now: datetime) -> uuid.UUID | None:
    """Lease a scan to list its registry; ``None`` while somebody has it, the registry is left alone, or it is gone."""
    registry = Scan.objects.filter(pk=scan_id).values_list("registry", flat=True).first()
    if registry is None:
        return None
    with transaction.atomic():
        if not _may_ask(lock_state(registry), now):
            return None
        # By columns of the row alone: after a wait for the row, conditions on other tables are not looked at again.
        return Scan.objects.filter(_due(now), state__in=ACTIVE, listed_at=None).take(scan_id, lease_length())


def take_part(repository_scan_id: int, now: datetime) -> uuid.UUID | None:
    """Lease a repository's part with some of the connections its registry bears.

    ``None`` while somebody has it, the registry is left alone, or all its connections are in use, and once it is gone.
    """
    rows = Registry.objects.filter(scans__repository_scans=repository_scan_id)
    columns_asked = ("pk", "connections", "scans__partial", "scans__repository_scans__heavy")
    found = rows.values_list(*columns_asked).first()
    if found is None:
        return None
    registry, allowed, partial, heavy = found
    with transaction.atomic():
        if not _may_ask(lock_state(registry), now):
            return None
        free = _free_connections(registry, allowed, for_push=partial and not heavy)
        if free < 1:
            return None
        most = min(_HEAVY_CONNECTIONS, max(1, allowed - 1)) if heavy else settings.SCAN_CONNECTIONS
        started_at = Coalesce("started_at", Value(now), output_field=DateTimeField())
        columns = {"state": State.RUNNING, "started_at": started_at, "connections": min(free, most)}
        ready = RepositoryScan.objects.filter(_due(now), state__in=ACTIVE)
        token = ready.take(repository_scan_id, lease_length(), **columns)
        if token is not None:
            RegistryState.objects.filter(registry=registry).update(served_at=now)
        return token


def _due(now: datetime) -> Q:
    return Q(not_before=None) | Q(not_before__lte=now)


def _may_ask(state: RegistryState, now: datetime) -> bool:
    if state.paused_until is not None and state.paused_until > now:
        return False
    return not (is_on_trial(state) and _held(state.registry_id))


def _held(registry_id: int) -> bool:
    """Whether anybody asks this registry now."""
    live = {"state__in": ACTIVE, "lease_until__gte": Now()}
    parts = RepositoryScan.objects.filter(scan__registry=registry_id, **live)
    return parts.exists() or Scan.objects.filter(registry=registry_id, **live).exists()


def _free_connections(registry_id: int, allowed: int, *, for_push: bool) -> int:
    live = RepositoryScan.objects.filter(scan__registry=registry_id, state__in=ACTIVE, lease_until__gte=Now())
    used: int = live.aggregate(used=Coalesce(Sum("connections"), 0))["used"]
    return allowed - used - _kept_for_pushes(allowed, for_push=for_push)


def _kept_for_pushes(allowed: int, *, for_push: bool) -> int:
    """One of three or more is not for whole scans or big layers, so that a push need not wait for the end of a turn."""
    return 1 if allowed > 2 and not for_push else 0


def _registry_to_serve(parts: QuerySet[RepositoryScan], *, pushes_first: bool) -> int | None:
    full, for_pushes = _crowded()
    mine = parts.filter(scan__registry=OuterRef("pk"))
    rows = Registry.objects.filter(Exists(mine)).annotate(push=Exists(mine.filter(scan__partial=True, heavy=False)))
    found = rows.exclude(pk__in=full).exclude(push=False, pk__in=for_pushes)
    order = ["-push"] if pushes_first else []
    by_turn = found.order_by(*order, F("state__served_at").asc(nulls_first=True), "pk")
    return by_turn.values_list("pk", flat=True).first()


def _crowded() -> tuple[list[int], list[int]]:
    """Registries that bear no more workers now, and those that bear one for a push: of the few that are asked."""
    live = RepositoryScan.objects.filter(state__in=ACTIVE, lease_until__gte=Now())
    columns = ("scan__registry", "scan__registry__connections", "scan__registry__state__failures")
    full: list[int] = []
    for_pushes: list[int] = []
    for pk, allowed, failures, used in live.order_by().values_list(*columns).annotate(used=Sum("connections")):
        if (failures or 0) >= FAILURES_UNTIL_PAUSE or used >= allowed:
            full.append(pk)
        elif used >= allowed - _kept_for_pushes(allowed, for_push=False):
            for_pushes.append(pk)
    return full, for_pushes


def is_waiting(now: datetime, *, ordinary: bool, heavy: bool) -> bool:
    """Whether work is due that nobody has.

    :param ordinary: count listings and parts without big layers.
    :param heavy: count parts with big layers.
    """
    if ordinary and (due_listings(now).exists() or next_part(now) is not None):
        return True
    return heavy and next_part(now, heavy=True) is not None
