"""Send no more requests to a registry than its settings and its own quota allow, all workers together.

Workers reserve some at once, by one UPDATE in the registry's row, and go by the database's clock. Where nothing is
left, the piece of work is put off; nobody sleeps over it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from compliance.models import Registry, RegistryState
from compliance.policy.quota import Quota, read_quota
from compliance.policy.retry import OwnLimit
from scanner.sources.registry.access import Gate
from scanner.sources.source import Source

_LEAST_CAPACITY = 20
_MOST_RESERVED = 10
_RESERVATIONS_PER_BURST = 20
_USABLE_SECONDS = 30.0

_RESERVE = """
    UPDATE compliance_registrystate AS state
    SET budget_until = old.paid + least(%(wanted)s, old.free) * %(each)s * interval '1 second',
        budget_left = old.free - least(%(wanted)s, old.free)
    FROM (
        SELECT registry_id, paid,
               greatest(0, floor(%(capacity)s - %(kept)s - extract(epoch FROM paid - at) / %(each)s))::int AS free,
               extract(epoch FROM paid - at) AS ahead
        FROM (
            SELECT registry_id, greatest(budget_until, now.at) AS paid, now.at
            FROM compliance_registrystate, (SELECT clock_timestamp() AS at) AS now
            WHERE registry_id = %(registry)s
            FOR UPDATE OF compliance_registrystate
        ) AS locked
    ) AS old
    WHERE state.registry_id = old.registry_id
    RETURNING least(%(wanted)s, old.free), old.ahead
"""


@dataclass(frozen=True, slots=True)
class Reserved:
    """:param wait: seconds until all that may be sent at once is there again, where nothing was."""

    requests: int
    wait: float


def reserve(registry_id: int, per_minute: int, *, to_read: bool = True) -> Reserved:
    """Reserve some requests: at most half a minute's worth, or 20, are sent at once, then as many as a minute allows.

    The time that all reserved requests take at that rate is paid for in advance (a leaky bucket as a meter, GCRA).

    :param to_read: for images; lists and HEADs leave half to them, or a turn would find what is new and never read it.
    """
    each, capacity = 60 / per_minute, max(_LEAST_CAPACITY, per_minute // 2)
    values = {
        "registry": registry_id,
        "wanted": max(1, min(_MOST_RESERVED, capacity // _RESERVATIONS_PER_BURST)),
        "kept": 0 if to_read else capacity // 2,
        "each": each,
        "capacity": capacity,
    }
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE, values)
        row = cursor.fetchone()
    if row is None:
        raise LookupError(f"registry {registry_id} has no state")
    return Reserved(row[0], max(1.0, float(row[1])))


class RegistryGate(Gate):
    """For one turn at one registry; used by several threads.

    :ivar quota: what the registry said last.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._per_minute = registry.requests_per_minute
        self._worker = threading.get_ident()
        self._guard = threading.Lock()
        self._left = {True: 0, False: 0}
        self._usable_until = 0.0
        self.quota: Quota | None = None
        if self._per_minute is not None:
            RegistryState.objects.bulk_create([RegistryState(registry=registry)], ignore_conflicts=True)

    def permit(self, method: str, path: str) -> None:
        """See ``Gate``.

        :raises OwnLimit: when the row should be put off.
        """
        if method == "GET" and "/manifests/" in path:
            self._spare_quota()
        if self._per_minute is not None:
            to_read = method == "GET" and ("/manifests/" in path or "/blobs/" in path)
            self._spend(self._per_minute, to_read)

    def heard(self, rate_limit: Mapping[str, str]) -> None:
        """See ``Gate``."""
        self.quota = read_quota(rate_limit) or self.quota

    def _spare_quota(self) -> None:
        quota = self.quota
        if quota is not None and quota.is_low:
            raise OwnLimit(
                "rate-limited",
                f"{self._registry.name} allows {quota.remaining} more pulls; {quota.kept} are left to others",
                remedy="The scan goes on by itself when pulls come back. An account with a higher limit is faster.",
                retry_after=quota.wait.total_seconds(),
            )

    def _spend(self, per_minute: int, to_read: bool) -> None:
        with self._guard:
            if not self._left[to_read] or time.monotonic() >= self._usable_until:
                self._reserve(per_minute, to_read)
            self._left[to_read] -= 1

    def _reserve(self, per_minute: int, to_read: bool) -> None:
        try:
            reserved = reserve(self._registry.pk, per_minute, to_read=to_read)
        finally:
            if threading.get_ident() != self._worker:
                connection.close()  # this thread's own
        if not reserved.requests:
            raise OwnLimit(
                "rate-limited",
                f"{self._registry.name} is asked {per_minute} times a minute at most, by its settings",
                remedy="The scan goes on by itself. Allow more requests per minute if the registry bears them.",
                retry_after=reserved.wait,
            )
        if time.monotonic() >= self._usable_until:
            self._left = {True: 0, False: 0}
        self._left[to_read] = reserved.requests
        self._usable_until = time.monotonic() + _USABLE_SECONDS


def rate_limit_of(source: Source) -> Mapping[str, str]:
    """What a source was told last of its rate limit; nothing where it is no registry."""
    told: Mapping[str, str] = getattr(source, "rate_limit", {})
    return told


def note_quota(registry_id: int, rate_limit: Mapping[str, str], *, now: datetime) -> None:
    """Store what the registry said last, for its page and for the next worker; nothing where it said nothing."""
    quota = read_quota(rate_limit)
    if quota is None:
        return
    RegistryState.objects.update_or_create(
        registry_id=registry_id,
        defaults={
            "quota_limit": quota.limit,
            "quota_remaining": quota.remaining,
            "quota_window_seconds": quota.window_seconds,
            "quota_source": quota.source,
            "quota_at": now,
        },
    )
