"""Registries and the policies they are judged by."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from compliance.models.encryption import EncryptedTextField
from compliance.policy.scan_scope import ScanScope
from compliance.policy.schedule import Schedule


class Policy(models.Model):
    """A named set of rule settings; every change is a new version.

    A waiver of what it finds lasts at most ``waiver_days`` and, with ``second_person``, counts when somebody else than
    its author has approved it.
    """

    name = models.SlugField(unique=True)
    title = models.CharField(max_length=200)
    waiver_days = models.PositiveSmallIntegerField(default=180, db_default=180)
    second_person = models.BooleanField(default=False, db_default=False)
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


def _names(longest: int) -> Any:
    return ArrayField(models.CharField(max_length=longest), default=list, db_default=[], blank=True)


class AuthMethod(models.TextChoices):
    """Where the credential comes from."""

    PASSWORD = "password", "User name and password or token"
    BEARER = "bearer", "Registry token, sent as it is"
    DOCKER_CONFIG = "docker_config", "The workers' docker config.json and its credential helpers"
    ECR = "ecr", "AWS: exchanged for an ECR token"
    GOOGLE = "google", "Google Cloud: exchanged for an access token"
    AZURE = "azure", "Azure: exchanged for an ACR token"


class Registry(models.Model):
    """A registry that is scanned, as a person set it up; what happens to it is in ``RegistryState``.

    ``url`` is ``http(s)://host[:port]``, or for a source on this machine ``docker-daemon:``, ``oci:PATH`` or
    ``docker-archive:PATH``. ``product`` is a key of ``scanner.sources.catalogs.PRODUCTS``; ``namespaces`` are the
    organizations, groups or projects to list there; ``api_token`` is for the product's own interface where that knows
    other credentials than the registry. Repositories a registry cannot list are ``entered_repositories``.
    ``environment`` is what people call the place its images run in, such as ``production``.
    """

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=100, unique=True)
    environment = models.CharField(max_length=30, blank=True, default="", db_default="")
    url = models.CharField(max_length=300)
    product = models.CharField(max_length=20, default="distribution", db_default="distribution")
    namespaces = _names(255)
    entered_repositories = _names(255)
    auth_method = models.CharField(
        max_length=20,
        choices=AuthMethod.choices,
        default=AuthMethod.PASSWORD,
        db_default=AuthMethod.PASSWORD,
        help_text="ignored without a user name",
    )
    username = models.CharField(max_length=200, blank=True)
    password = EncryptedTextField(blank=True, default="")
    api_token = EncryptedTextField(blank=True, default="", db_default="")
    credential_set_at = models.DateTimeField(null=True, blank=True)
    credential_set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    verify_tls = models.BooleanField(default=True)
    allow_private = models.BooleanField(default=False)
    token_hosts = _names(255)
    extra_ca = models.TextField(blank=True, default="", db_default="")
    client_certificate = models.TextField(blank=True, default="", db_default="")
    client_key = EncryptedTextField(blank=True, default="", db_default="")
    proxy = EncryptedTextField(blank=True, default="", db_default="", help_text="a URL, which may hold a password")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="registries")
    protected_tags = _names(128)
    include_repositories = _names(255)
    exclude_repositories = _names(255)
    include_tags = _names(128)
    exclude_tags = _names(128)
    newest_tags = models.PositiveIntegerField(null=True, blank=True)
    pushed_within_days = models.PositiveIntegerField(null=True, blank=True)
    platforms = _names(100)
    enabled = models.BooleanField(default=True)
    interval_minutes = models.PositiveIntegerField(default=60, help_text="0: scanned only when asked for")
    cron = models.CharField(
        max_length=100, blank=True, default="", db_default="", help_text="counts instead of the interval"
    )
    time_zone = models.CharField(max_length=64, default="UTC", db_default="UTC")
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    connections = models.PositiveSmallIntegerField(default=16, db_default=16, help_text="at once, all workers together")
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
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
                condition=models.Q(url__regex=r"^(https?://[^/@\s]+|docker-daemon:|(oci|docker-archive):/.+)$"),
                name="registry_url_is_origin",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def schedule(self) -> Schedule:
        """When it is scanned."""
        return Schedule(self.interval_minutes, self.cron, self.time_zone, self.quiet_from, self.quiet_until)

    @property
    def scope(self) -> ScanScope:
        """What of it is scanned."""
        return ScanScope(
            include_repositories=tuple(self.include_repositories),
            exclude_repositories=tuple(self.exclude_repositories),
            include_tags=tuple(self.include_tags),
            exclude_tags=tuple(self.exclude_tags),
            newest_tags=self.newest_tags,
            pushed_within_days=self.pushed_within_days,
            platforms=tuple(self.platforms),
        )

    @property
    def host(self) -> str:
        """``host[:port]``, as image references write it; the whole address of a source on the workers' machine."""
        return self.url if self.is_local else self.url.partition("://")[2]

    @property
    def is_local(self) -> bool:
        """Whether this is a Docker engine, a folder or an archive on the workers' own machine."""
        return not self.url.startswith(("http://", "https://"))

    @property
    def reference_prefix(self) -> str:
        """What stands before a repository's name in a reference that can be copied."""
        if not self.is_local:
            return f"{self.host}/"
        return self.url if self.url.endswith(":") else f"{self.url}:"


class RegistryState(models.Model):
    """What makes us wait for a registry. Apart from its settings, because workers write it all the time.

    ``failures`` in a row open the circuit until ``paused_until``. Requests that workers have reserved use up the time
    until ``budget_until`` at the rate allowed; ``budget_left`` could still be reserved then. ``quota_*`` is what the
    registry itself said last of the pulls it still allows. ``served_at``: when a worker last took a piece of its work;
    who waits longest is next.
    """

    registry = models.OneToOneField(Registry, primary_key=True, on_delete=models.CASCADE, related_name="state")
    failures = models.PositiveIntegerField(default=0)
    paused_until = models.DateTimeField(null=True, blank=True)
    pause_code = models.CharField(max_length=64, blank=True)
    pause_message = models.TextField(blank=True)
    pause_remedy = models.TextField(blank=True)
    budget_until = models.DateTimeField(null=True, blank=True)
    budget_left = models.PositiveIntegerField(default=0)
    quota_limit = models.PositiveIntegerField(null=True, blank=True)
    quota_remaining = models.PositiveIntegerField(null=True, blank=True)
    quota_window_seconds = models.PositiveIntegerField(null=True, blank=True)
    quota_source = models.CharField(max_length=100, blank=True)
    quota_at = models.DateTimeField(null=True, blank=True)
    served_at = models.DateTimeField(null=True, blank=True)


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
