"""Who is told what, where, and how it went: the outbox."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models

from compliance.models.encryption import EncryptedTextField
from compliance.models.lease import Leased, LeasedQuerySet
from compliance.models.repository import Repository
from compliance.models.team import Team


class ChannelKind(models.TextChoices):
    """How somebody is reached."""

    MAIL = "mail", "Mail"
    SLACK = "slack", "Slack, or whatever takes the same requests"
    WEBHOOK = "webhook", "Signed webhook"


class NoticeKind(models.TextChoices):
    """``compliance.remediation.notices.Kind`` as a column."""

    REGRESSION = "regression", "A tag that ran as somebody else runs as root now"
    CRITICAL = "critical", "A new critical finding"
    ASSIGNED = "assigned", "A finding was assigned to me"
    OVERDUE = "overdue", "A finding is overdue"
    WAIVER = "waiver", "A waiver expires soon, or has expired"
    DIGEST = "digest", "The week of the team"
    WATCHED = "watched", "News of a repository I watch: a regression, a new critical finding, one overdue"

    @classmethod
    def choosable(cls, *, by_team: bool) -> list[NoticeKind]:
        """What a channel can be told of: what one person is given, or watches, is that person's."""
        return [kind for kind in cls if not (by_team and kind in (cls.ASSIGNED, cls.WATCHED))]


class Channel(models.Model):
    """A place to send to, of a person or of a team (a person's own mail, a team's chat).

    ``target`` is a mail address or a URL, which may hold a secret and is never shown whole; ``secret`` signs the
    requests of a webhook. ``problem``: what the last attempt ended with, empty when it went well.
    """

    kind = models.CharField(max_length=16, choices=ChannelKind.choices)
    name = models.CharField(max_length=100)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="channels"
    )
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.CASCADE, related_name="channels")
    target = EncryptedTextField()
    host = models.CharField(max_length=300, help_text="what of the target may be shown")
    secret = EncryptedTextField(blank=True, default="")
    allow_private = models.BooleanField(default=False)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    problem = models.CharField(max_length=300, blank=True)
    problem_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=False, team=None) | models.Q(user=None, team__isnull=False),
                name="channel_of_a_person_or_a_team",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Subscription(models.Model):
    """A kind of news that goes to a channel."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="subscriptions")
    kind = models.CharField(max_length=16, choices=NoticeKind.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "kind"], name="subscription_once")]


class Watch(models.Model):
    """Somebody wants to hear of one repository; it says nothing about whether they may see it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="watches")
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="watches")
    since = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "repository"], name="watch_once")]


class ViewMail(models.Model):
    """A saved view that somebody has mailed every week; it says nothing about whether they may see it.

    ``view`` is empty once it was deleted; ``name`` is what it was called. ``told_at``, ``told_count``: when the last
    mail that was sent had been made, and how many findings there were.
    """

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="view_mails")
    view = models.ForeignKey("SavedView", null=True, blank=True, on_delete=models.SET_NULL, related_name="mails")
    name = models.CharField(max_length=80)
    since = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)
    told_count = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["channel", "view"], name="view_mail_once")]


class DeliveryQuerySet(LeasedQuerySet["Delivery"]):
    """Deliveries as work."""

    def due(self, now: datetime) -> Self:
        """What is to be sent now and nobody is sending."""
        return self.free().filter(state=Delivery.State.WAITING, next_at__lte=now)

    def fresh(self) -> Self:
        """What nobody has tried to send yet: it may still become part of another message."""
        tries = DeliveryAttempt.objects.filter(delivery=models.OuterRef("pk"))
        return self.filter(~models.Exists(tries), attempts=0)


class Delivery(Leased):
    """One message to one channel. The row is the work: written with what it tells of, sent after the commit.

    ``about`` names what it tells of, so that nothing is told twice to one channel. ``message`` is what happened, in the
    words of ``remediation.joining``, without secrets. ``next_at`` is when it is tried (again). What waited together is
    one message: ``joined_to`` is the one that says all of it.
    """

    class State(models.TextChoices):
        """Where it stands; all but the first are final."""

        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Given up"
        DROPPED = "dropped", "Not sent: nobody there is to hear of it any more"
        JOINED = "joined", "Sent with others in one message"
        NOTHING = "nothing", "Not sent: there was nothing to tell"

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="deliveries")
    kind = models.CharField(max_length=16, choices=NoticeKind.choices)
    about = models.CharField(max_length=200)
    message = models.JSONField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    created_at = models.DateTimeField()
    next_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    joined_to = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="parts")

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "about"], name="delivery_once")]
        indexes = [
            models.Index(fields=["next_at"], condition=models.Q(state="waiting"), name="delivery_due"),
            models.Index(fields=["channel", "-created_at"], name="delivery_latest"),
            models.Index(
                fields=["channel", "kind", "ended_at"], condition=models.Q(state="sent"), name="delivery_sent"
            ),
        ]


class DeliveryAttempt(models.Model):
    """One try: what came back, in words without secrets; ``status`` is HTTP's or SMTP's, 0 where nobody answered."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="tries")
    at = models.DateTimeField()
    ok = models.BooleanField()
    status = models.PositiveSmallIntegerField(default=0)
    milliseconds = models.PositiveIntegerField(default=0)
    words = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["at", "id"]
