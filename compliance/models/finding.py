"""What people work on: findings, where they occur, and everything that happened to them."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from compliance.access import Actor
from compliance.models.image import BaseImage, Image
from compliance.models.repository import Repository, Tag
from compliance.models.team import Team
from compliance.models.waiver import Waiver
from compliance.remediation.status import TO_DO


class StatusChoice(models.TextChoices):
    """``compliance.remediation.status.Status`` as a column."""

    NEW = "new", "New"
    OPEN = "open", "Open"
    IN_PROGRESS = "in_progress", "In progress"
    FIX_CLAIMED = "fix_claimed", "Fix claimed"
    REGRESSED = "regressed", "Regressed"
    WAIVED = "waived", "Waived"
    FALSE_POSITIVE = "false_positive", "False positive"
    FIXED = "fixed", "Fixed"


class ResolutionChoice(models.TextChoices):
    """``compliance.remediation.status.Resolution`` as a column."""

    NONE = "", "–"
    PROVED = "proved", "Proved by a scan"
    GONE = "gone", "The last tag with it is gone"
    POLICY = "policy", "No policy asks for it any more"


_TO_DO = models.Q(status__in=sorted(status.value for status in TO_DO))
_UNFIXED = models.Q(status__in=sorted([*(status.value for status in TO_DO), "waived"]))


class FindingQuerySet(models.QuerySet["Finding"]):
    """Named filters."""

    def for_user(self, actor: Actor) -> FindingQuerySet:
        """Those that somebody may see."""
        return self if actor.sees_everything else self.filter(repository__team__in=actor.team_ids)

    def to_do(self) -> FindingQuerySet:
        """Somebody has to do something about them."""
        return self.filter(_TO_DO)

    def new_since_baseline(self) -> FindingQuerySet:
        """Those to do that came, came back or got worse after their repository's baseline was set."""
        return self.to_do().filter(baseline=False, repository__baseline_at__isnull=False)


class Finding(models.Model):
    """One cause in one repository: a rule, on a platform, about a subject; the tags that show it are ``Occurrence``.

    ``platform`` is empty for rules that compare platforms. ``subject`` is what USER says for rules about who runs,
    and empty for rules about files (decision 0012). ``rank``: ``Severity.rank`` under the repository's policy.
    ``regression``: a tag that ran as somebody else runs as root now; it goes on top of everything. ``baseline``: it was
    there when the repository's baseline was set. ``opened_at`` begins the present episode, ``sla_from`` its term.
    ``base``: what the image says it was built on that proves it (``queries.finding_evidence``).
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="findings", db_index=False)
    rule = models.CharField(max_length=16)
    platform = models.CharField(max_length=100, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    rank = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=16, choices=StatusChoice.choices, default=StatusChoice.NEW)
    resolution = models.CharField(max_length=16, choices=ResolutionChoice.choices, blank=True, default="")
    regression = models.BooleanField(default=False)
    baseline = models.BooleanField(default=False)
    protected = models.BooleanField(default=False)
    tags = models.PositiveIntegerField(default=0)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="findings"
    )
    base = models.ForeignKey(
        BaseImage, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    waiver = models.ForeignKey(Waiver, null=True, blank=True, on_delete=models.SET_NULL, related_name="findings")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    opened_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    sla_from = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)
    due_edited = models.BooleanField(default=False)
    claimed_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = FindingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "rule", "platform", "subject"], name="finding_once"),
            models.CheckConstraint(
                condition=models.Q(closed_at__isnull=True) | models.Q(status="fixed"), name="finding_closed_is_fixed"
            ),
        ]
        indexes = [
            # Numbers, and the first cards of a column, are read from these indexes alone.
            models.Index(
                fields=["repository", "status"],
                include=["id", "regression", "due_at", "assignee"],
                name="finding_of_repository",
            ),
            models.Index(
                fields=["status", "repository"],
                include=[
                    "id",
                    "rule",
                    "regression",
                    "protected",
                    "rank",
                    "opened_at",
                    "due_at",
                    "baseline",
                    "changed_at",
                    "base",
                ],
                condition=_UNFIXED,
                name="finding_unfixed",
            ),
            models.Index(fields=["due_at"], condition=_TO_DO, name="finding_due"),
            # A page of the inbox, whatever it is kept to, is read from this index alone.
            models.Index(
                fields=["-regression", "-protected", "rank", "opened_at", "id"],
                include=["repository", "due_at", "status"],
                condition=_TO_DO,
                name="finding_urgent",
            ),
            models.Index(fields=["rule", "subject", "repository"], condition=_TO_DO, name="finding_cause"),
            models.Index(fields=["base", "status"], name="finding_base"),
            models.Index(fields=["status", "-changed_at"], name="finding_status"),
            models.Index(fields=["-changed_at", "id"], include=["status"], condition=~_TO_DO, name="finding_settled"),
            models.Index(fields=["-closed_at", "id"], condition=models.Q(status="fixed"), name="finding_fixed"),
            models.Index(fields=["id"], condition=models.Q(status="false_positive"), name="finding_false"),
        ]


class Occurrence(models.Model):
    """A tag that shows a finding, by one of its images.

    ``decides``: the policy fails the tag for it now. ``proved`` is ``False`` while nobody can say whether it still
    does. ``rank`` is what a finding's is made of. ``regression``: the tag ran as somebody else before, and root now.
    """

    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="occurrences")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="occurrences")
    image = models.ForeignKey(Image, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decides = models.BooleanField(default=True)
    proved = models.BooleanField(default=True)
    rank = models.PositiveSmallIntegerField(default=0, db_default=0)
    regression = models.BooleanField(default=False, db_default=False)
    since = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["finding", "tag"], name="occurrence_once")]


class BulkChange(models.Model):
    """Many findings, or the repositories of findings, changed by one click, for its undo."""

    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField()
    action = models.CharField(max_length=32)
    count = models.PositiveIntegerField()
    undone_at = models.DateTimeField(null=True, blank=True)


class FindingEvent(models.Model):
    """One thing that happened to a finding; never updated. ``by`` is empty for what a scan or the clock did.

    ``was`` and ``became`` are the values of the field that ``kind`` names; ``text`` is what a person wrote.
    """

    class Kind(models.TextChoices):
        """What happened."""

        FOUND = "found", "Found"
        STATUS = "status", "Status"
        ASSIGNEE = "assignee", "Assigned"
        DUE = "due", "Due date"
        COMMENT = "comment", "Comment"
        WAIVER = "waiver", "Waiver"
        CLAIM_REFUTED = "claim_refuted", "Claim refuted by a scan"
        CLAIM_CONFIRMED = "claim_confirmed", "Claim confirmed by a scan"
        SPREAD = "spread", "Tags with it changed"
        BASELINE = "baseline", "Baseline"
        RESCAN = "rescan", "Its tags are scanned again"

    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    was = models.CharField(max_length=200, blank=True)
    became = models.CharField(max_length=200, blank=True)
    text = models.TextField(blank=True)
    scan = models.ForeignKey("Scan", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    bulk = models.ForeignKey(BulkChange, null=True, blank=True, on_delete=models.CASCADE, related_name="events")

    class Meta:
        ordering = ["at", "id"]
        indexes = [
            models.Index(fields=["finding", "at"], name="finding_event_when"),
            models.Index(
                fields=["finding", "at"], condition=models.Q(kind="waiver", was=""), name="finding_event_waived"
            ),
        ]


class FindingSpan(models.Model):
    """One episode of a finding, from when it was found until a scan said that it is over: what metrics are made of.

    ``waived_days`` of it do not count against anybody. A reopened finding has a span for each time.
    """

    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="spans")
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="+", db_index=False)
    rank = models.PositiveSmallIntegerField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    resolution = models.CharField(max_length=16, choices=ResolutionChoice.choices, blank=True, default="")
    reopened = models.BooleanField(default=False)
    due_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["finding"], condition=models.Q(closed_at=None), name="finding_span_one_open"
            ),
        ]
        indexes = [
            # A year of episodes, somebody's or everybody's, is read from these alone: they hold what metrics ask for.
            models.Index(
                fields=["repository", "opened_at"], include=["finding", "reopened"], name="finding_span_opened"
            ),
            models.Index(
                fields=["repository", "closed_at"],
                include=["finding", "opened_at", "due_at", "resolution"],
                name="finding_span_closed",
            ),
            models.Index(
                fields=["closed_at"],
                include=["repository", "finding", "opened_at", "due_at", "resolution"],
                name="finding_span_all_closed",
            ),
            models.Index(
                fields=["opened_at"], include=["repository", "finding", "reopened"], name="finding_span_all_opened"
            ),
        ]


class SlaTerm(models.Model):
    """How many days there are to fix a finding of a severity; none: no due date."""

    rank = models.PositiveSmallIntegerField()
    protected = models.BooleanField()
    days = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["rank", "-protected"]
        constraints = [models.UniqueConstraint(fields=["rank", "protected"], name="sla_term_once")]


class SavedView(models.Model):
    """A query of the inbox under a name; ``shared`` ones are shown as ``queries.saved_views`` says.

    With a ``team`` it is shared with that team alone; who sees everything sees it, too. It is a tab of all it is meant
    for but those in ``unpinned_by``, and of others while they are in ``pinned_by``.
    """

    name = models.CharField(max_length=80)
    query = models.CharField(max_length=1000)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    shared = models.BooleanField(default=False)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    unpinned_by = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+")
    pinned_by = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["by", "name"], name="saved_view_once")]
