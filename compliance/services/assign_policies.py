"""Keep the policy of every repository in step with assignments and registries, and have it judged by the new one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection, transaction

from compliance.models import Policy, PolicyAssignment, Registry, Repository, User
from compliance.policy.assignment import Assignment, effective_policy, in_order, parse_pattern
from compliance.services.request_rejudge import request_rejudge

_LOCK = 7_021_002
_BATCH = 5_000


def policies_for(registry: Registry, names: Iterable[str]) -> dict[str, int]:
    """The ids of the policies that judge these repositories of a registry.

    The caller's transaction then holds a lock: nobody changes an assignment before the new rows are there.
    """
    _lock()
    assignments = _assignments()
    fallback = Registry.objects.values_list("policy_id", flat=True).get(pk=registry.pk)
    return {name: effective_policy(registry.pk, name, fallback, assignments) for name in names}


def assign_policy(
    pattern: str, policy: Policy, *, registry: Registry | None, by: User | None, now: datetime
) -> PolicyAssignment:
    """Have the repositories a glob fits judged by a policy: those of one registry, or of all.

    An assignment of the same glob is changed; a new one comes after the others of its level.

    :raises InvalidPattern: when no repository can have such a name.
    """
    parse_pattern(pattern)
    with transaction.atomic():
        _lock()
        level = PolicyAssignment.objects.filter(registry=registry)
        row = level.filter(pattern=pattern).first()
        if row is None:
            last = level.order_by("-position").values_list("position", flat=True).first()
            position = 0 if last is None else last + 1
            row = PolicyAssignment(registry=registry, pattern=pattern, position=position, created_at=now, created_by=by)
        row.policy = policy
        row.save()
        reassign(registry, now=now)
    return row


def unassign_policy(assignment: PolicyAssignment, *, now: datetime) -> None:
    """Take an assignment away; what it covered falls to the next one, or to the registry's policy."""
    with transaction.atomic():
        _lock()
        assignment.delete()
        reassign(assignment.registry, now=now)


def order_assignments(registry: Registry | None, ids: Sequence[int], *, now: datetime) -> None:
    """Put the assignments of one registry, or of all registries, into an order; those not named come last."""
    with transaction.atomic():
        _lock()
        rows = list(PolicyAssignment.objects.filter(registry=registry).order_by("position", "pk"))
        wanted = {pk: place for place, pk in enumerate(ids)}
        rows.sort(key=lambda row: wanted.get(row.pk, len(wanted)))
        for position, row in enumerate(rows):
            row.position = position
        PolicyAssignment.objects.bulk_update(rows, ["position"])
        reassign(registry, now=now)


def reassign(registry: Registry | None, *, now: datetime) -> int:
    """Write the policies that differ, of one registry's repositories or of all, and request that they are judged.

    Return how many differed. The verdicts follow when ``Rejudging`` is worked on.
    """
    with transaction.atomic():
        _lock()
        by_policy: dict[int, list[int]] = {}
        for pk, policy in _differing(registry):
            by_policy.setdefault(policy, []).append(pk)
        ids = sorted(pk for pks in by_policy.values() for pk in pks)
        # In the order in which judging again and forgetting take them, so that none wait for each other in a circle.
        list(Repository.objects.filter(pk__in=ids).order_by("pk").select_for_update().values_list("pk"))
        for policy, pks in by_policy.items():
            Repository.objects.filter(pk__in=pks).update(policy=policy)
        request_rejudge(by_policy, now=now)
    return len(ids)


def _differing(registry: Registry | None) -> Iterable[tuple[int, int]]:
    assignments = _assignments()
    rows = Repository.objects.all() if registry is None else Repository.objects.filter(registry=registry)
    columns = rows.values_list("pk", "registry_id", "name", "registry__policy_id", "policy_id")
    for pk, home, name, fallback, policy in columns.iterator(chunk_size=_BATCH):
        wanted = effective_policy(home, name, fallback, assignments)
        if wanted != policy:
            yield pk, wanted


def _assignments() -> list[Assignment]:
    rows = PolicyAssignment.objects.order_by("position", "pk")
    columns = rows.values_list("registry_id", "pattern", "policy_id", "position")
    return in_order([Assignment(*row) for row in columns])


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
