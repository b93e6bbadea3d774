"""Keep leases while work goes on: a thread renews them, so that neither a slow registry nor a big layer loses them."""

from __future__ import annotations

import logging
import threading
import uuid
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from django.conf import settings
from django.db import DatabaseError, connection

from compliance.models import LeaseLost
from compliance.models.lease import LeasedQuerySet

logger = logging.getLogger(__name__)

_RENEWALS_PER_LEASE = 4


def lease_length() -> timedelta:
    """How long a row is held without a renewal."""
    return timedelta(seconds=settings.LEASE_SECONDS)


class LeaseKeeper:
    """Renews every lease it is told of until it is told otherwise or left. Used in ``with``."""

    def __init__(self) -> None:
        self._held: dict[tuple[type[Any], object], tuple[LeasedQuerySet[Any], uuid.UUID]] = {}
        self._lost: set[tuple[type[Any], object]] = set()
        self._guard = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew_until_over, name="leases", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def hold(self, rows: LeasedQuerySet[Any], pk: object, token: uuid.UUID) -> None:
        """Begin to renew a lease that was just taken."""
        with self._guard:
            self._held[rows.model, pk] = (rows, token)

    def let_go(self, rows: LeasedQuerySet[Any], pk: object) -> None:
        """Stop renewing; the row itself is the caller's to write."""
        with self._guard:
            self._held.pop((rows.model, pk), None)

    def check(self, rows: LeasedQuerySet[Any], pk: object) -> None:
        """Stop work that can no longer be written.

        :raises LeaseLost: when a renewal found the row in other hands.
        """
        if (rows.model, pk) in self._lost:
            raise LeaseLost

    def _renew_until_over(self) -> None:
        pause = lease_length().total_seconds() / _RENEWALS_PER_LEASE
        while not self._over.wait(pause):
            with self._guard:
                held = list(self._held.items())
            for key, (rows, token) in held:
                self._renew(key, rows, token)
        connection.close()  # this thread's own

    def _renew(self, key: tuple[type[Any], object], rows: LeasedQuerySet[Any], token: uuid.UUID) -> None:
        try:
            rows.renew(key[1], token, lease_length())
        except LeaseLost:
            with self._guard:
                if key in self._held:  # not let go in the meantime
                    self._lost.add(key)
                    del self._held[key]
        except DatabaseError:
            # The lease outlives three failed renewals; longer, and the fence stops the write.
            logger.warning("a lease could not be renewed", exc_info=True)
            connection.close()
