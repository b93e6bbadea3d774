"""Teams, who is in them, and which repositories are theirs."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from compliance.models.registry import Registry


class Team(models.Model):
    """Those who fix what is found in their repositories."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=100, unique=True)
    description = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="teams")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TeamRoleChoice(models.TextChoices):
    """``compliance.access.TeamRole`` as a column."""

    VIEWER = "viewer", "Viewer: sees"
    TRIAGER = "triager", "Triager: works on findings"
    LEAD = "lead", "Lead: that, and approves waivers, claims repositories, changes members"


class Membership(models.Model):
    """A person in a team. ``group``: the one of single sign-on that gave it; empty: a person did."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=TeamRoleChoice.choices, default=TeamRoleChoice.VIEWER)
    group = models.CharField(max_length=200, blank=True, default="", db_default="")

    class Meta:
        ordering = ["user__username"]
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="membership_once")]


class OwnershipRule(models.Model):
    """Repositories that fit belong to the team; the last rule that fits counts, as in CODEOWNERS.

    ``pattern`` is a glob over names of repositories; with a ``label``, one over the value of that label of the image
    that the repository's newest tag points to.
    """

    position = models.PositiveIntegerField()
    registry = models.ForeignKey(Registry, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    label = models.CharField(max_length=200, blank=True, help_text="empty: the name of the repository")
    pattern = models.CharField(max_length=255)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="ownership_rules")

    class Meta:
        ordering = ["position", "id"]
