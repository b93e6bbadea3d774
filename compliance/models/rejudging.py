"""Work: a policy's repositories that wait to be judged again."""

from __future__ import annotations

from django.db import models

from compliance.models.lease import Leased, LeasedQuerySet
from compliance.models.registry import Policy, PolicyVersion
from compliance.models.scan import State


class RejudgingQuerySet(LeasedQuerySet["Rejudging"]):
    """Policies as work."""


class Rejudging(Leased):
    """Judging again the repositories of one policy, from what is stored: the row is the work, and its progress.

    One row per policy, taken anew whenever its version or its repositories change: what is left to do are its
    repositories with another ``judged_by``. ``total`` and ``done`` count repositories, ``changed`` tags whose verdict
    is another one now.
    """

    policy = models.OneToOneField(Policy, on_delete=models.CASCADE, related_name="rejudging")
    version = models.ForeignKey(PolicyVersion, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)

    objects = RejudgingQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["lease_until"],
                condition=models.Q(state__in=["queued", "running"]),
                name="rejudging_unfinished",
            ),
        ]
