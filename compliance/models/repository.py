"""Mutable pointers: repositories and tags, a row for every move, a row for every day."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from compliance.access import Actor
from compliance.models.image import Image, Index, ShownChoice, VerdictChoice
from compliance.models.registry import Policy, PolicyVersion, Registry
from compliance.models.team import OwnershipRule, Team


class RepositoryQuerySet(models.QuerySet["Repository"]):
    """Named filters."""

    def listed(self) -> RepositoryQuerySet:
        """Repositories the registry still has."""
        return self.filter(deleted_at=None)

    def for_user(self, actor: Actor) -> RepositoryQuerySet:
        """Those that somebody may see."""
        return self if actor.sees_everything else self.filter(team__in=actor.team_ids)


class Repository(models.Model):
    """A repository with the totals of its tags, kept by ``services.record_images`` for the lists.

    ``failed_protected`` of the ``failed`` tags are protected.

    ``policy`` is the one that judges it, kept by ``services.assign_policies``. ``judged_by``: every listed tag shows
    what this version says, whatever the tag's own ``judged_by``; empty where some may not.
    ``team`` owns it, because ``team_rule`` says so unless ``team_pinned``: then a person did. ``labels`` are those of
    the image its newest tag points to, whose digest is ``labels_digest``. Findings that were there at ``baseline_at``
    are not new.
    """

    registry = models.ForeignKey(Registry, on_delete=models.CASCADE, related_name="repositories")
    name = models.CharField(max_length=255)
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="repositories")
    judged_by = models.ForeignKey(
        PolicyVersion, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="repositories")
    team_pinned = models.BooleanField(default=False, db_default=False)
    team_rule = models.ForeignKey(
        OwnershipRule, null=True, blank=True, on_delete=models.SET_NULL, related_name="repositories"
    )
    labels = models.JSONField(default=dict, db_default={})
    labels_digest = models.CharField(max_length=135, blank=True, default="", db_default="")
    baseline_at = models.DateTimeField(null=True, blank=True)
    baseline_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    first_seen_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)
    scanned_at = models.DateTimeField(null=True, blank=True)
    pushed_at = models.DateTimeField(null=True, blank=True)
    tags_total = models.PositiveIntegerField(default=0)
    passed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    failed_protected = models.PositiveIntegerField(default=0, db_default=0)
    unknown = models.PositiveIntegerField(default=0)
    waived = models.PositiveIntegerField(default=0, db_default=0)
    not_applicable = models.PositiveIntegerField(default=0)
    score = models.DecimalField(max_digits=4, decimal_places=1, null=True)
    grade = models.CharField(max_length=1, blank=True)
    verdict = models.CharField(max_length=16, choices=ShownChoice.choices, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    problem_code = models.CharField(max_length=64, blank=True)
    problem_message = models.TextField(blank=True)
    problem_remedy = models.TextField(blank=True)

    objects = RepositoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "repositories"
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["registry", "name"], name="repository_once")]
        indexes = [
            GinIndex(fields=["name"], name="repository_name_trigrams", opclasses=["gin_trgm_ops"]),
            models.Index(fields=["verdict", "name"], condition=models.Q(deleted_at=None), name="repository_verdict"),
            models.Index(fields=["name", "id"], name="repository_by_name"),
            models.Index(
                fields=["-failed", "name"],
                condition=models.Q(deleted_at=None, failed__gt=0),
                name="repository_worst",
            ),
        ]

    def __str__(self) -> str:
        return self.name


_UNCONFIRMED = models.Q(deleted_at=None, unconfirmed_since__isnull=False)


class TagQuerySet(models.QuerySet["Tag"]):
    """Named filters."""

    def listed(self) -> TagQuerySet:
        """Tags the registry still has."""
        return self.filter(deleted_at=None)

    def for_user(self, actor: Actor) -> TagQuerySet:
        """Those that somebody may see."""
        return self if actor.sees_everything else self.filter(repository__team__in=actor.team_ids)

    def unconfirmed(self) -> TagQuerySet:
        """Listed tags whose verdict is only the last known one."""
        return self.filter(_UNCONFIRMED)


class Tag(models.Model):
    """A tag and what it points to: one image, or an index, or (``problem_code``) something that could not be read.

    ``verdict`` is what the policy says; lists and counts go by ``shown``: ``excused_as`` where the tag fails and every
    finding it fails for is waived, which is *waived*, or *unknown* where that would be its verdict without them.

    A scan passes over a tag whose digest is the same and that was judged by the current policy version: by its own
    ``judged_by`` or, unless that is empty, by its repository's.
    ``unconfirmed_since``: since then the registry has not said what the tag points to, for the reason in the problem;
    the verdict is the last known one, and becomes *unknown* when that lasts.
    ``seen_at``, by the database's clock: when the registry was asked what ``digest`` says. An answer that was asked
    for earlier is not written over it.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=128)
    digest = models.CharField(max_length=135, db_index=True)
    image = models.ForeignKey(Image, null=True, blank=True, on_delete=models.PROTECT, related_name="tags")
    index = models.ForeignKey(Index, null=True, blank=True, on_delete=models.PROTECT, related_name="tags")
    verdict = models.CharField(max_length=16, choices=VerdictChoice.choices)
    excused_as = models.CharField(max_length=16, blank=True, default="", db_default="")
    shown = models.GeneratedField(
        expression=models.Case(
            models.When(models.Q(verdict="fail") & ~models.Q(excused_as=""), then=models.F("excused_as")),
            default=models.F("verdict"),
        ),
        output_field=models.CharField(max_length=16, choices=ShownChoice.choices),
        db_persist=True,
    )
    score = models.PositiveSmallIntegerField(null=True)
    runs_as = models.CharField(max_length=200, blank=True)
    platforms = models.JSONField(default=list)
    violated = models.JSONField(default=list)
    size = models.BigIntegerField(default=0)
    first_seen_at = models.DateTimeField()
    moved_at = models.DateTimeField()
    judged_at = models.DateTimeField()
    judged_by = models.ForeignKey(
        PolicyVersion, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    seen_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    unconfirmed_since = models.DateTimeField(null=True, blank=True)
    problem_code = models.CharField(max_length=64, blank=True)
    problem_message = models.TextField(blank=True)
    problem_remedy = models.TextField(blank=True)

    objects = TagQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["repository", "name"], name="tag_once")]
        indexes = [
            models.Index(fields=["repository", "shown"], condition=models.Q(deleted_at=None), name="tag_shown"),
            models.Index(fields=["repository"], condition=~models.Q(excused_as=""), name="tag_excused"),
            models.Index(fields=["repository", "-moved_at"], name="tag_moved"),
            models.Index(fields=["repository", "unconfirmed_since"], condition=_UNCONFIRMED, name="tag_unconfirmed"),
            # Apart from those already given up: the tick asks every few seconds.
            models.Index(
                fields=["unconfirmed_since"], condition=_UNCONFIRMED & ~models.Q(verdict="unknown"), name="tag_lapsing"
            ),
            GinIndex(
                fields=["violated"],
                opclasses=["jsonb_path_ops"],
                condition=models.Q(deleted_at=None),
                name="tag_violated",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class TagChangeQuerySet(models.QuerySet["TagChange"]):
    """Named filters."""

    def for_user(self, actor: Actor) -> TagChangeQuerySet:
        """Those that somebody may see."""
        return self if actor.sees_everything else self.filter(repository__team__in=actor.team_ids)


class TagChange(models.Model):
    """A tag appeared, moved, was deleted or came back, or was judged otherwise; never updated.

    ``pusher`` is who pushed ``to_digest``, where the registry announced that very push and named somebody.
    """

    class Kind(models.TextChoices):
        """What happened."""

        CREATED = "created", "Created"
        MOVED = "moved", "Moved"
        DELETED = "deleted", "Deleted"
        RETURNED = "returned", "Came back"
        REJUDGED = "rejudged", "Judged again"

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="changes")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="changes")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    at = models.DateTimeField()
    from_digest = models.CharField(max_length=135, blank=True)
    to_digest = models.CharField(max_length=135, blank=True)
    was = models.CharField(max_length=16, choices=VerdictChoice.choices, blank=True)
    became = models.CharField(max_length=16, choices=VerdictChoice.choices, blank=True)
    scan = models.ForeignKey("Scan", null=True, blank=True, on_delete=models.SET_NULL, related_name="changes")
    pusher = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001  # nobody is no name

    objects = TagChangeQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["repository", "-at"], name="tag_change_when"),
            models.Index(fields=["-at"], name="tag_change_latest"),
            models.Index(
                fields=["-at"], condition=models.Q(became="fail") & ~models.Q(was="fail"), name="tag_change_worse"
            ),
        ]


class DailySnapshotQuerySet(models.QuerySet["DailySnapshot"]):
    """Named filters."""

    def for_user(self, actor: Actor) -> DailySnapshotQuerySet:
        """Those that somebody may see."""
        return self if actor.sees_everything else self.filter(repository__team__in=actor.team_ids)


class DailySnapshot(models.Model):
    """A repository at the end of one day (UTC). Written again and again during the day, then closed for ever.

    ``new`` counts tags that began to fail that day, ``fixed`` tags that stopped; a deleted tag is neither. Of the new
    ones ``regressed`` passed before. ``overdue`` counts findings past their due date. ``failed_protected`` of the
    ``failed`` tags were protected; releases that did not count them left it empty.
    A trigger refuses to change or delete a closed row.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="snapshots")
    day = models.DateField()
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+")
    evaluated = models.PositiveIntegerField()
    passed = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    unknown = models.PositiveIntegerField()
    waived = models.PositiveIntegerField(default=0, db_default=0)
    not_applicable = models.PositiveIntegerField()
    new = models.PositiveIntegerField(default=0)
    fixed = models.PositiveIntegerField(default=0)
    regressed = models.PositiveIntegerField(default=0, db_default=0)
    overdue = models.PositiveIntegerField(default=0, db_default=0)
    failed_protected = models.IntegerField(null=True)  # no check, for which Postgres would read all of the table
    score = models.DecimalField(max_digits=4, decimal_places=1, null=True)
    closed = models.BooleanField(default=False)

    objects = DailySnapshotQuerySet.as_manager()

    class Meta:
        constraints = [
            # With all that trends of a team add up, which are rows from every page of a table written day by day.
            models.UniqueConstraint(
                fields=["repository", "day"],
                include=[
                    *("policy_version", "evaluated", "passed", "failed", "unknown", "waived", "new", "fixed"),
                    *("regressed", "overdue", "score", "closed"),
                ],
                name="snapshot_once_a_day",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    evaluated=models.F("passed") + models.F("failed") + models.F("unknown") + models.F("waived")
                ),
                name="snapshot_adds_up",
            ),
        ]
        indexes = [
            models.Index(fields=["day"], name="snapshot_day"),
            models.Index(fields=["day"], condition=models.Q(closed=False), name="snapshot_open"),
        ]


class FleetDay(models.Model):
    """All closed snapshots of one day, registry and policy version, added up by a trigger when they are closed.

    ``scored`` snapshots have a score; ``score_sum`` is what these add up to. ``failed_protected`` is empty where one of
    them lacks it.
    """

    registry = models.ForeignKey(Registry, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    evaluated = models.BigIntegerField()
    passed = models.BigIntegerField()
    failed = models.BigIntegerField()
    unknown = models.BigIntegerField()
    waived = models.BigIntegerField()
    new = models.BigIntegerField()
    fixed = models.BigIntegerField()
    regressed = models.BigIntegerField()
    overdue = models.BigIntegerField()
    failed_protected = models.BigIntegerField(null=True)
    scored = models.BigIntegerField()
    score_sum = models.DecimalField(max_digits=14, decimal_places=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "registry", "policy_version"], name="fleet_day_once"),
        ]
