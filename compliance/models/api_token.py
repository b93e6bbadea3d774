"""Tokens by which programs read what their person may read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

LONGEST_LIFE: Final = timedelta(days=366)


class ScopeChoice(models.TextChoices):
    """What a token is good for; never more than its person may do."""

    SUMMARY = "read:summary", "Summary: the numbers of the overview"
    FINDINGS = "read:findings", "Findings: the export of the inbox"
    WAIVERS = "read:waivers", "Waivers: the export of their list"


class TokenState(models.TextChoices):
    """Whether a token is taken."""

    ACTIVE = "active", "Active"
    EXPIRED = "expired", "Expired"
    REVOKED = "revoked", "Revoked"


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Named filters."""

    def active(self, now: datetime) -> ApiTokenQuerySet:
        """Those that are taken, as long as their person may log in."""
        return self.filter(revoked_at=None, expires_at__gt=now)


class ApiToken(models.Model):
    """A secret that somebody was shown once. Of it only ``digest`` is stored, the SHA-256 in hexadecimal digits.

    ``prefix``: what tells it from others; it is no part of what is random in the secret.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    scopes = ArrayField(models.CharField(max_length=32, choices=ScopeChoice.choices))
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_ip = models.GenericIPAddressField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = "access token"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at"))
                & models.Q(expires_at__lte=models.F("created_at") + LONGEST_LIFE),
                name="api_token_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    def state(self, now: datetime) -> TokenState:
        """What has become of it; who it belongs to is another question."""
        if self.revoked_at is not None:
            return TokenState.REVOKED
        return TokenState.ACTIVE if now < self.expires_at else TokenState.EXPIRED
