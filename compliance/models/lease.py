"""Rows are the work: a worker takes one by a conditional UPDATE and writes only while its token is still the row's.

Leases read the database's clock alone, so that hosts with wrong clocks agree.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import timedelta
from typing import Any, Self, TypeVar

from django.db import models
from django.db.models.functions import Now


class LeaseLost(Exception):
    """Somebody else has the row now; whatever was computed under the old lease must not be written."""


_Row = TypeVar("_Row", bound=models.Model)


class LeasedQuerySet(models.QuerySet[_Row]):
    """Taking, holding and giving back."""

    def free(self) -> Self:
        """Rows nobody holds, or whose holder stopped renewing."""
        return self.filter(models.Q(lease_until=None) | models.Q(lease_until__lt=Now()))

    def take(self, pk: object, lease: timedelta, **values: Any) -> uuid.UUID | None:
        """Take one row; ``None`` means that somebody else has it. Counts the attempt.

        :param values: what else to write into it.
        """
        token = uuid.uuid4()
        counted = models.F("attempts") + 1
        rows = self.free().filter(pk=pk)
        taken = rows.update(lease_token=token, lease_until=Now() + lease, attempts=counted, **values)
        return token if taken == 1 else None

    def take_many(self, pks: Collection[object], lease: timedelta) -> tuple[uuid.UUID, dict[object, int]]:
        """Take what is free of these under one token; return it and the attempts of each row taken."""
        token = uuid.uuid4()
        free = self.free().filter(pk__in=pks)
        # In one order, and without those another worker is taking: two that want the same rows must not deadlock.
        locked = dict(free.order_by("pk").select_for_update(skip_locked=True).values_list("pk", "attempts"))
        self.filter(pk__in=locked).update(
            lease_token=token, lease_until=Now() + lease, attempts=models.F("attempts") + 1
        )
        return token, {pk: attempts + 1 for pk, attempts in locked.items()}

    def renew(self, pk: object, token: uuid.UUID, lease: timedelta) -> None:
        """Hold a row longer.

        :raises LeaseLost: when the token is not the row's any more.
        """
        if self.filter(pk=pk, lease_token=token).update(lease_until=Now() + lease) != 1:
            raise LeaseLost

    def fence(self, pk: object, token: uuid.UUID) -> None:
        """Lock a row for this transaction and prove that it is still ours.

        :raises LeaseLost: when the token is not the row's any more.
        """
        if self.select_for_update().filter(pk=pk, lease_token=token).values_list("pk").first() is None:
            raise LeaseLost

    def give_back(self, pk: object, token: uuid.UUID) -> None:
        """Let the next worker have the row at once."""
        self.filter(pk=pk, lease_token=token).update(lease_token=None, lease_until=None)


class Leased(models.Model):
    """Columns of a row that one worker at a time works on."""

    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        abstract = True
