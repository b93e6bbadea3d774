"""Small values that all web processes share and that may be forgotten: counters of guesses."""

from __future__ import annotations

from typing import Final

from django.db import models

OVERDUE_TOLD: Final = "notices:overdue"
"""The key of the moment until which people were told what is overdue."""

TICKED: Final = "tick"
"""The key of what the last tick wrote down: ``at``, its moment, and in ``failing``, by the names of the steps it could
not do, since when that is so."""


class SharedValue(models.Model):
    """What ``compliance.services.shared_cache`` keeps."""

    key = models.CharField(primary_key=True, max_length=255)
    value = models.JSONField(null=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="shared_value_expiry")]


def relabel_key(bulk_id: int) -> str:
    """The key of what a change of labels did, which it is undone by."""
    return f"relabel:{bulk_id}"
