"""What a process keeps of the trends of remediation, until any finding changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeVar

from django.core.cache import caches
from django.db import connection

from compliance.models import StatusChoice
from compliance.remediation.metrics import Window

_CACHE_SECONDS = 3_600

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shelf:
    """What is kept of some repositories.

    :param of: what they are called; what has no name is not kept.
    :param stamp: another one whenever a finding was written, or a repository went or was given to another team.
    :param settled: whether nobody was writing findings then: who began to write before the last is done may be done
        after them, and change no stamp. What is read meanwhile is not kept.
    """

    of: str
    stamp: str
    settled: bool = True

    def kept(self, what: str, window: Window, make: Callable[[], T]) -> T:
        """What was made before, unless it has changed since.

        A process keeps some hundred of them, whatever is asked for: then the cache lets others go.
        """
        if not self.of:
            return make()
        key = f"remediation-{what}-{self.of}:{window.first:%Y%m%d}:{window.last:%Y%m%d}:{self.stamp}"
        known: T | None = caches["process"].get(key)
        if known is None:
            known = make()
            if self.settled:
                caches["process"].set(key, known, _CACHE_SECONDS)
        return known


NO_SHELF: Final = Shelf("", "")


def shelf_of(name: str) -> Shelf:
    """The shelf of repositories as things stand. Ask before reading what is put on it: it may change meanwhile."""
    return Shelf(name, *_stamp()) if name else NO_SHELF


# Whose clock is behind writes a change that is older than the last; its event is the newest all the same.
_STAMP = """
SELECT NOT EXISTS (SELECT FROM pg_locks WHERE mode = 'RowExclusiveLock' AND pid <> pg_backend_pid()
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND relation IN ('compliance_finding'::regclass, 'compliance_findingevent'::regclass)),
    (SELECT sum(hashint8extended(id, COALESCE(team_id, 0))) FROM compliance_repository),
    (SELECT max(id) FROM compliance_findingspan), (SELECT max(id) FROM compliance_findingevent),
    (SELECT max(last.at) FROM unnest(%s::text[]) AS every (status) CROSS JOIN LATERAL (SELECT f.changed_at AS at
        FROM compliance_finding f WHERE f.status = every.status ORDER BY f.changed_at DESC LIMIT 1) AS last)
"""


def _stamp() -> tuple[str, bool]:
    with connection.cursor() as cursor:
        cursor.execute(_STAMP, [StatusChoice.values])
        ((is_settled, *seen),) = cursor.fetchall()
        return sha256(repr(seen).encode()).hexdigest()[:24], is_settled
