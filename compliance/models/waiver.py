"""Accepted violations: always with a reason, an owner and an end, and never a pass."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from compliance.access import Actor
from compliance.models.registry import Registry
from compliance.models.team import Team


class ReasonChoice(models.TextChoices):
    """Why somebody lives with it."""

    COMPENSATED = "compensated", "Another control makes up for it"
    VENDOR = "vendor", "The vendor's image; waiting for theirs"
    MIGRATION = "migration", "Being replaced"
    REQUIRED = "required", "It cannot work otherwise"
    RISK = "risk", "The risk is accepted"


class WaiverQuerySet(models.QuerySet["Waiver"]):
    """Named filters."""

    def for_user(self, actor: Actor) -> WaiverQuerySet:
        """Those that somebody may see: their teams', and those that cover a finding they see."""
        if actor.sees_everything:
            return self
        mine = models.Q(team__in=actor.team_ids) | models.Q(owner=actor.id)
        covers = models.Q(findings__repository__team__in=actor.team_ids)
        return self.filter(mine | covers).distinct()


class Waiver(models.Model):
    """What is accepted, for whom, why and until when.

    It covers a finding of ``rule`` whose repository, and each of whose tags, fit the scope, as long as every image that
    shows it runs as one of ``accepted``: ``Image.run_key`` of what was there when it was written. Every empty part of
    the scope fits all. It counts from ``approved_at`` until ``expires_at`` or ``revoked_at``. ``reopened_at``: what it
    covered was opened again because it ended. ``warned``: the smallest number of days before its end that was told.
    """

    title = models.CharField(max_length=150)
    rule = models.CharField(max_length=16)
    registry = models.ForeignKey(Registry, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    repository_pattern = models.CharField(max_length=255, blank=True)
    tag_pattern = models.CharField(max_length=128, blank=True)
    digest = models.CharField(max_length=135, blank=True)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.CASCADE, related_name="waivers")
    accepted = ArrayField(models.CharField(max_length=32), default=list)
    reason = models.CharField(max_length=16, choices=ReasonChoice.choices)
    explanation = models.TextField()
    control = models.TextField(blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="owned_waivers")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    reopens = models.BooleanField(default=True)
    restarts_sla = models.BooleanField(default=False)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reopened_at = models.DateTimeField(null=True, blank=True)
    warned = models.PositiveSmallIntegerField(null=True, blank=True)
    renews = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="renewals")

    objects = WaiverQuerySet.as_manager()

    class Meta:
        ordering = ["expires_at", "id"]
        indexes = [
            models.Index(fields=["expires_at"], condition=models.Q(reopened_at=None), name="waiver_ending"),
            models.Index(fields=["rule"], condition=models.Q(revoked_at=None), name="waiver_rule"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(expires_at__gt=models.F("created_at")), name="waiver_ends"),
            models.CheckConstraint(
                condition=models.Q(approved_at=None) | models.Q(approver__isnull=False), name="waiver_approved_by"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class UnsettledWaiver(models.Model):
    """A waiver that was made to count and that scans which were under way may not know of.

    ``after``: once all transactions before this one are over none of them can write without it any more; ``NULL``:
    nobody has looked yet.
    """

    waiver = models.OneToOneField(Waiver, primary_key=True, on_delete=models.CASCADE, related_name="+")
    after = models.BigIntegerField(null=True, blank=True)

    def __str__(self) -> str:
        return f"waiver {self.pk}"
