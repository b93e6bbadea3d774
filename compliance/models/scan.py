"""Work: scans, their repositories, and what went wrong."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from compliance.models.lease import Leased, LeasedQuerySet
from compliance.models.registry import Registry
from compliance.models.repository import Repository
from compliance.models.user import User


class State(models.TextChoices):
    """Where a piece of work stands; the last three are final."""

    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


ACTIVE = (State.QUEUED, State.RUNNING)


class Traffic(models.Model):
    """What was asked of the registry. ``cache_hits`` counts digests we already knew.

    ``bytes_saved``: what tables of contents spared of layers that were not read whole.
    """

    requests = models.PositiveIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)
    cache_hits = models.PositiveIntegerField(default=0)
    bytes_saved = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        abstract = True


class ScanQuerySet(LeasedQuerySet["Scan"]):
    """Scans as work."""

    def begin_partial(
        self, registry_id: int, trigger: Scan.Trigger, repositories: int, *, by: User | None = None, now: datetime
    ) -> Scan:
        """Make a scan of some repositories, which are known already: it runs as soon as their parts are there."""
        return self.create(
            registry_id=registry_id,
            trigger=trigger,
            requested_by=by,
            partial=True,
            state=State.RUNNING,
            requested_at=now,
            started_at=now,
            listed_at=now,
            repositories_total=repositories,
        )


class Scan(Leased, Traffic):
    """One scan of one registry. The row is the work; a Celery message is only a wake-up.

    ``partial``: of some repositories or tags only, for a push or a retry; several may run beside the whole one.
    """

    class Trigger(models.TextChoices):
        """Who asked."""

        SCHEDULE = "schedule", "Schedule"
        PAGE = "page", "Page"
        COMMAND = "command", "Command line"
        WEBHOOK = "webhook", "Push"
        RETRY = "retry", "Retry"

    registry = models.ForeignKey(Registry, on_delete=models.CASCADE, related_name="scans")
    trigger = models.CharField(max_length=16, choices=Trigger.choices)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    partial = models.BooleanField(default=False, db_default=False)
    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    listed_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    repositories_total = models.PositiveIntegerField(default=0)
    repositories_done = models.PositiveIntegerField(default=0)
    repositories_failed = models.PositiveIntegerField(default=0)
    tags_total = models.PositiveIntegerField(default=0)
    tags_done = models.PositiveIntegerField(default=0)
    images_new = models.PositiveIntegerField(default=0)
    layers_indexed = models.PositiveIntegerField(default=0)
    listing_requests = models.PositiveIntegerField(default=0)
    listing_bytes = models.BigIntegerField(default=0)
    new = models.PositiveIntegerField(default=0)
    fixed = models.PositiveIntegerField(default=0)
    regressed = models.PositiveIntegerField(default=0, db_default=0)
    problem_code = models.CharField(max_length=64, blank=True)
    problem_message = models.TextField(blank=True)
    problem_remedy = models.TextField(blank=True)

    objects = ScanQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["registry"],
                condition=models.Q(state__in=["queued", "running"], partial=False),
                name="scan_one_active",
            ),
        ]
        indexes = [
            models.Index(
                fields=["lease_until"], condition=models.Q(state__in=["queued", "running"]), name="scan_unfinished"
            ),
            models.Index(fields=["registry", "-requested_at"], name="scan_latest"),
            models.Index(fields=["-requested_at", "-id"], name="scan_recent"),
            # Thousands of pushes lie between two scans of whole registries.
            models.Index(fields=["-requested_at", "-id"], condition=models.Q(partial=False), name="scan_whole_recent"),
            models.Index(
                fields=["registry", "-requested_at"], condition=models.Q(partial=False), name="scan_whole_latest"
            ),
        ]


class RepositoryScanQuerySet(LeasedQuerySet["RepositoryScan"]):
    """Repositories' parts as work."""


class RepositoryScan(Leased, Traffic):
    """One repository's part of a scan: the unit a worker leases.

    ``cursor`` is the last tag, in order of names, whose verdict is stored: where the next worker goes on.
    ``only_tags``: nothing but these, and no look for deleted ones. ``heavy``: layers too big for the others' queue.
    ``connections``: how many its holder may open, of those its registry allows.
    """

    scan = models.ForeignKey(Scan, on_delete=models.CASCADE, related_name="repository_scans")
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="scans")
    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    not_before = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    cursor = models.CharField(max_length=128, blank=True)
    only_tags = ArrayField(models.CharField(max_length=128), null=True, blank=True)
    heavy = models.BooleanField(default=False, db_default=False)
    connections = models.PositiveSmallIntegerField(default=0, db_default=0)
    tags_total = models.PositiveIntegerField(default=0)
    tags_done = models.PositiveIntegerField(default=0)
    images_new = models.PositiveIntegerField(default=0)
    layers_indexed = models.PositiveIntegerField(default=0)
    new = models.PositiveIntegerField(default=0)
    fixed = models.PositiveIntegerField(default=0)
    regressed = models.PositiveIntegerField(default=0, db_default=0)

    objects = RepositoryScanQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scan", "repository", "heavy"], name="repository_scan_once")]
        indexes = [
            models.Index(
                fields=["lease_until"],
                condition=models.Q(state__in=["queued", "running"]),
                name="repository_scan_unfinished",
            ),
            models.Index(fields=["repository", "-id"], name="repository_scan_latest"),
            models.Index(
                fields=["repository"],
                condition=models.Q(state__in=["queued", "running"]),
                name="repository_scan_under_way",
            ),
        ]


class ScanError(models.Model):
    """One cause in one repository of one scan, how often, and an example; no ``repository``: the listing."""

    scan = models.ForeignKey(Scan, on_delete=models.CASCADE, related_name="errors")
    repository = models.ForeignKey(Repository, null=True, blank=True, on_delete=models.CASCADE, related_name="errors")
    code = models.CharField(max_length=64)
    message = models.TextField()
    remedy = models.TextField(blank=True)
    subject = models.CharField(max_length=400, blank=True)
    count = models.PositiveIntegerField(default=1)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["scan", "repository", "code"], name="scan_error_once", nulls_distinct=False
            ),
        ]
