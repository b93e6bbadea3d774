"""What groups of single sign-on give."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from compliance.models.team import Team, TeamRoleChoice
from compliance.models.user import RoleChoice


class GroupRoleChoice(models.TextChoices):
    """What a group can give: roles in a team, and roles that count everywhere."""

    VIEWER = TeamRoleChoice.VIEWER.value, "Viewer of the team"
    TRIAGER = TeamRoleChoice.TRIAGER.value, "Triager of the team"
    LEAD = TeamRoleChoice.LEAD.value, "Lead of the team"
    AUDITOR = RoleChoice.AUDITOR.value, "Auditor: sees everything"
    SECURITY = RoleChoice.SECURITY.value, "Security: sees everything, works on every finding"
    ADMIN = RoleChoice.ADMIN.value, "Administrator"


_EVERYWHERE = [RoleChoice.AUDITOR.value, RoleChoice.SECURITY.value, RoleChoice.ADMIN.value]


class GroupGrant(models.Model):
    """Whoever is in ``group`` at the provider has ``role``: in ``team``, or without one everywhere."""

    group = models.CharField(max_length=200)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=16, choices=GroupRoleChoice.choices)

    class Meta:
        verbose_name = "what a group gives"
        ordering: ClassVar = ["group", "team__name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["group", "team"], nulls_distinct=False, name="group_grant_once"),
            models.CheckConstraint(
                condition=Q(team=None, role__in=_EVERYWHERE) | Q(team__isnull=False, role__in=TeamRoleChoice.values),
                name="group_grant_is_known",
            ),
        ]

    def __str__(self) -> str:
        return self.group
