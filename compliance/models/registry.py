"""Registries and the policies they are judged by."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from compliance.models.encryption import EncryptedTextField


class Policy(models.Model):
    """A named set of rule settings; every change is a new version."""

    name = models.SlugField(unique=True)
    title = models.CharField(max_length=200)
    current = models.OneToOneField("PolicyVersion", null=True, on_delete=models.PROTECT, related_name="current_of")

    def __str__(self) -> str:
        return self.name


class PolicyVersion(models.Model):
    """One immutable version of a policy; ``document`` is what ``compliance.policy`` reads and writes.

    ``edited``: the settings are a person's choice, which no release may overwrite. ``author`` is empty for versions
    a release made and for people who are gone.
    """

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    document = models.JSONField()
    edited = models.BooleanField(default=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    note = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["policy", "number"], name="policy_version_number")]

    def __str__(self) -> str:
        return f"{self.policy} v{self.number}"


class Registry(models.Model):
    """A registry that is scanned. ``url`` is ``http(s)://host[:port]``."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=100, unique=True)
    url = models.CharField(max_length=300)
    username = models.CharField(max_length=200, blank=True)
    password = EncryptedTextField(blank=True, default="")
    credential_set_at = models.DateTimeField(null=True, blank=True)
    credential_set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    verify_tls = models.BooleanField(default=True)
    allow_private = models.BooleanField(default=False)
    token_hosts = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="registries")
    protected_tags = ArrayField(models.CharField(max_length=128), default=list, blank=True)
    enabled = models.BooleanField(default=True)
    interval_minutes = models.PositiveIntegerField(default=60, help_text="0: scanned only when asked for")
    next_scan_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    reached_at = models.DateTimeField(null=True, blank=True)
    problem_code = models.CharField(max_length=64, blank=True)
    problem_message = models.TextField(blank=True)
    problem_remedy = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "registries"
        ordering = ["name"]
        indexes = [
            models.Index(fields=["next_scan_at"], condition=models.Q(enabled=True), name="registry_due"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(url__regex=r"^https?://[^/@\s]+$"), name="registry_url_is_origin"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def host(self) -> str:
        """``host[:port]``, as image references write it."""
        return self.url.partition("://")[2]


class PolicyAssignment(models.Model):
    """Which policy judges the repositories whose names a glob fits: of one registry, or of all.

    ``compliance.policy.assignment`` says which of several counts; ``position`` orders those of one registry, or of all.
    """

    registry = models.ForeignKey(
        Registry, null=True, blank=True, on_delete=models.CASCADE, related_name="policy_assignments"
    )
    pattern = models.CharField(max_length=255)
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="assignments")
    position = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["registry", "position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["registry", "pattern"], name="policy_assignment_once", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pattern}: {self.policy}"
