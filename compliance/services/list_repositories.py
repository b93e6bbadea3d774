"""List a registry's repositories and write one piece of work for each."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction

from compliance.models import ACTIVE, LeaseLost, Registry, Repository, RepositoryScan, Scan, State, Tag
from compliance.models.clock import database_now
from compliance.policy.retry import MOST_ATTEMPTS, retry_in
from compliance.policy.scan_scope import repository_in_scope
from compliance.policy.wake_up import WakeUp, Work
from compliance.services.assign_owners import owner_columns
from compliance.services.assign_policies import policies_for
from compliance.services.doubt_tags import doubt_tags
from compliance.services.finish_scan import fail_scan, finish_scan
from compliance.services.forget_tags import forget_repositories
from compliance.services.keep_lease import LeaseKeeper
from compliance.services.leave_out import leave_out_repositories
from compliance.services.open_source import open_source
from compliance.services.pause_registry import watched
from compliance.services.record_problem import NO_PROBLEM, Mishap, problem_columns, record_mishaps
from compliance.services.take_turn import take_listing
from scanner.domain.problems import ImageProblem, ScanProblem, Unavailable
from scanner.sources import catalogs
from scanner.sources.source import Source, Traffic

Clock = Callable[[], datetime]
Opener = Callable[[Registry], AbstractContextManager[Source]]

_BATCH = 1_000


@dataclass(slots=True)
class Listing:
    """Names in the order of the registry; ``problem`` is what ended it early.

    :param asked_at: by the database's clock.
    """

    names: list[str]
    traffic: Traffic
    asked_at: datetime
    problem: ScanProblem | None = None


def list_repositories(scan_id: int, *, clock: Clock, opener: Opener = open_source) -> list[WakeUp]:
    """Do the first step of a scan, unless somebody else does; return the work it made."""
    now = clock()
    token = take_listing(scan_id, now)
    if token is None:
        finish_scan(scan_id, now=now)
        return []
    scan = Scan.objects.select_related("registry__policy").get(pk=scan_id)
    if scan.attempts > MOST_ATTEMPTS:
        fail_scan(scan_id, token, _crashed(), now=now)
        return []
    Scan.objects.filter(pk=scan_id, started_at=None).update(started_at=now, state=State.RUNNING)
    with LeaseKeeper() as keeper:
        keeper.hold(Scan.objects.all(), scan_id, token)
        listing = _list(scan.registry, opener, clock)
        keeper.let_go(Scan.objects.all(), scan_id)
    try:
        return _record(scan, token, listing, clock())
    except LeaseLost:
        return []


def _list(registry: Registry, opener: Opener, clock: Clock) -> Listing:
    names: list[str] = []
    traffic, asked_at = Traffic(), database_now()
    try:
        with watched(registry.pk, clock), opener(registry) as source:
            traffic = source.traffic
            names.extend(source.repositories())
    except ScanProblem as problem:
        return _with_known(registry, Listing(names, traffic, asked_at, problem), problem)
    return Listing(names, traffic, asked_at)


def _with_known(registry: Registry, listing: Listing, problem: ScanProblem) -> Listing:
    """A registry that lists nothing has what was entered and what was learned from pushes.

    It is no error where that is all there can be, or all that somebody asked for.
    """
    if problem.code not in catalogs.LISTS_NOTHING:
        return listing
    known = Repository.objects.filter(registry=registry, deleted_at=None).values_list("name", flat=True)
    names = [*listing.names, *known]
    never_lists = catalogs.PRODUCTS[registry.product].listing is catalogs.Listing.NONE
    meant = never_lists or problem.code == "namespaces-missing" or bool(registry.entered_repositories)
    return replace(listing, names=names, problem=None if names and meant else problem)


def _record(scan: Scan, token: uuid.UUID, listing: Listing, now: datetime) -> list[WakeUp]:
    problem = listing.problem
    if problem is not None and (isinstance(problem, Unavailable) or not listing.names):
        _put_off(scan, token, problem, now)
        return []
    with transaction.atomic():
        Scan.objects.fence(scan.pk, token)
        ids = _write_repositories(scan.registry, listing, scan, now)
        RepositoryScan.objects.bulk_create(
            (RepositoryScan(scan=scan, repository_id=pk) for pk in ids), batch_size=_BATCH
        )
        if problem is not None:
            record_mishaps(scan.pk, None, [Mishap(scan.registry.url, problem)], now=now)
            unlisted = Tag.objects.filter(repository__registry=scan.registry_id).exclude(repository__in=ids)
            doubt_tags(unlisted, problem, now=now)
        Registry.objects.filter(pk=scan.registry_id).update(reached_at=now, **problem_columns(problem))
        Scan.objects.filter(pk=scan.pk).update(
            state=State.RUNNING,
            listed_at=now,
            repositories_total=len(ids),
            listing_requests=listing.traffic.requests,
            listing_bytes=listing.traffic.bytes,
            requests=listing.traffic.requests,
            bytes=listing.traffic.bytes,
            attempts=0,
            lease_token=None,
            lease_until=None,
        )
        made = RepositoryScan.objects.filter(scan=scan).order_by("pk").values_list("pk", flat=True)
        wake_ups = [WakeUp(Work.REPOSITORY_SCAN, pk) for pk in made]
    if not wake_ups:
        finish_scan(scan.pk, now=now)
    return wake_ups


def _write_repositories(registry: Registry, listing: Listing, scan: Scan, now: datetime) -> list[int]:
    """Make, bring back and delete rows; return the ids of those listed."""
    policies_for(registry, ())  # its lock, before anything is read: pushes make repositories too
    known = {name: (pk, gone) for pk, name, gone in _rows(registry)}
    scope = registry.scope
    listed = [name for name in dict.fromkeys(listing.names) if repository_in_scope(name, scope)]
    missing = [name for name in listed if name not in known]
    judges = policies_for(registry, missing)
    owners = owner_columns(registry, missing)
    made = Repository.objects.bulk_create(
        (
            Repository(registry=registry, name=name, policy_id=judges[name], first_seen_at=now, **owners[name])
            for name in missing
        ),
        batch_size=_BATCH,
    )
    returned = [known[name][0] for name in listed if name in known and known[name][1] is not None]
    there = {name: pk for name, (pk, deleted_at) in known.items() if deleted_at is None}
    outside = {pk for name, pk in there.items() if not repository_in_scope(name, scope)}
    gone: list[int] = []
    if listing.problem is None:  # a listing that broke off says nothing about what it did not name
        kept = outside | _asked_for_a_push(registry)
        wanted = set(listing.names)
        gone = [pk for name, pk in there.items() if name not in wanted and pk not in kept]
    names = set(listed)
    doubted = [pk for name, (pk, _) in known.items() if name not in names] if listing.problem else []
    _hold([*returned, *outside, *gone, *doubted])
    Repository.objects.filter(pk__in=returned).update(deleted_at=None, **NO_PROBLEM)
    leave_out_repositories(sorted(outside), now=now)
    forget_repositories(gone, scan.pk, now=now, asked_at=listing.asked_at)
    return [known[name][0] for name in listed if name in known] + [row.pk for row in made]


def _hold(ids: Sequence[int]) -> None:
    """All at once and in the order in which others take many of them, so that no two wait in a circle."""
    list(Repository.objects.filter(pk__in=ids).order_by("pk").select_for_update().values_list("pk"))


def _asked_for_a_push(registry: Registry) -> set[int]:
    """Repositories that may be younger than the listing."""
    parts = RepositoryScan.objects.filter(scan__registry=registry, only_tags__isnull=False, state__in=ACTIVE)
    return set(parts.values_list("repository_id", flat=True))


def _rows(registry: Registry) -> Iterable[tuple[int, str, datetime | None]]:
    return Repository.objects.filter(registry=registry).values_list("pk", "name", "deleted_at")


def _put_off(scan: Scan, token: uuid.UUID, problem: ScanProblem, now: datetime) -> None:
    """Try again later, or give the scan up; either way the registry's page says why."""
    wait = retry_in(problem, scan.attempts, now - scan.requested_at)
    if wait is None:
        fail_scan(scan.pk, token, problem, now=now)
        return
    counted = 0 if problem.code == "rate-limited" else scan.attempts
    with transaction.atomic():
        Scan.objects.fence(scan.pk, token)
        Registry.objects.filter(pk=scan.registry_id).update(**problem_columns(problem))
        Scan.objects.filter(pk=scan.pk).update(
            state=State.QUEUED,
            not_before=now + wait,
            attempts=counted,
            lease_token=None,
            lease_until=None,
            **problem_columns(problem),
        )


def _crashed() -> ScanProblem:
    return ImageProblem(
        "crashed",
        f"Listing this registry ended the worker {MOST_ATTEMPTS} times",
        remedy="Look into the worker's log, then start a scan by hand.",
    )
