"""Small values that all web processes share and that may be forgotten: counters of guesses."""

from __future__ import annotations

from django.db import models


class SharedValue(models.Model):
    """What ``compliance.services.shared_cache`` keeps."""

    key = models.CharField(primary_key=True, max_length=255)
    value = models.JSONField(null=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="shared_value_expiry")]
