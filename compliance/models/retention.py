"""How long what is forgotten after a while is kept, where administrators chose another time than the environment."""

from __future__ import annotations

from typing import ClassVar, Final

from django.db import models

FEWEST_DAYS: Final = 7
"""A registry that got no answer repeats an event for days, and is known to by what is kept of the first."""
MOST_DAYS: Final = 365
"""Each event keeps up to 64 KiB of what came."""


def _within(column: str) -> models.Q:
    return models.Q(**{column: None}) | models.Q(**{f"{column}__range": (FEWEST_DAYS, MOST_DAYS)})


class Retention(models.Model):
    """Whole days; empty: as the environment says. The only row is number 1.

    There is no column for the audit trail: that is kept for ever.
    """

    event_days = models.PositiveSmallIntegerField(null=True, blank=True)
    message_days = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = "retention"
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(pk=1), name="retention_is_one_row"),
            models.CheckConstraint(condition=_within("event_days"), name="retention_of_events_within"),
            models.CheckConstraint(condition=_within("message_days"), name="retention_of_messages_within"),
        ]
