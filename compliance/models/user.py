"""People."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.crypto import salted_hmac

from compliance.access import Actor, Role, TeamRole


class RoleChoice(models.TextChoices):
    """``compliance.access.Role`` as a column."""

    MEMBER = "member", "Member: sees and works on the repositories of their teams"
    AUDITOR = "auditor", "Auditor: sees everything, changes nothing"
    SECURITY = "security", "Security: sees everything, works on every finding"
    ADMIN = "admin", "Administrator: that, and registries, policies and people"


class Density(models.TextChoices):
    """How close the rows of all lists stand."""

    COMFORTABLE = "comfortable", "Comfortable"
    COMPACT = "compact", "Compact"


class User(AbstractUser):
    """Somebody who can log in. What they may do is said by ``actor`` and decided by ``compliance.access``.

    ``hidden_columns``: by the name of a list, what ``compliance.queries.columns`` leaves out of it.
    ``role_group``: the group of single sign-on that gave the role; empty: a person did (``policy.group_map``).
    ``shortcuts``: whether single keys do something (WCAG 2.1.4).
    """

    role = models.CharField(max_length=16, choices=RoleChoice.choices, default=RoleChoice.MEMBER)
    role_group = models.CharField(max_length=200, blank=True, default="", db_default="")
    time_zone = models.CharField(max_length=64, default="UTC")
    density = models.CharField(
        max_length=16, choices=Density.choices, default=Density.COMFORTABLE, db_default=Density.COMFORTABLE
    )
    hidden_columns: models.JSONField[dict[str, list[str]], dict[str, list[str]]] = models.JSONField(
        default=dict, db_default={}, blank=True
    )
    shortcuts = models.BooleanField(default=True, db_default=True)

    lacks_factor: bool
    """Whether one is demanded of whoever is logged in and has none; only ``views.factor_gate`` sets it."""

    lapsed_since: datetime | None
    """When the first waiver ended that covers what they see and that nothing has ended yet; set there, too."""

    @property
    def is_staff(self) -> bool:
        """Whether somebody administrates; Django's ``create_superuser`` sets it."""
        return self.role == RoleChoice.ADMIN

    @is_staff.setter
    def is_staff(self, value: bool) -> None:
        if value:
            self.role = RoleChoice.ADMIN
        elif self.role == RoleChoice.ADMIN:
            self.role = RoleChoice.MEMBER

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session is bound to: with another password, another role, or deactivated, it is over."""
        bound = f"{self.password} {self.role} {self.is_active}"
        return salted_hmac("compliance.User", bound, secret=secret, algorithm="sha256").hexdigest()

    @cached_property
    def actor(self) -> Actor:
        """The person's rights now; one query for each time the row is loaded."""
        teams = {team: TeamRole(role) for team, role in self.memberships.values_list("team_id", "role")}
        return Actor(self.pk, Role(self.role) if self.is_active else Role.MEMBER, teams if self.is_active else {})
