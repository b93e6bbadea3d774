"""Pushes as registries announce them: where, what came, and what it asks us to look at."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from compliance.models.encryption import EncryptedTextField
from compliance.models.registry import Registry
from compliance.models.scan import Scan


class WebhookEndpoint(models.Model):
    """Where one registry sends its pushes. ``key`` is the public part of the address, the secret is apart from it.

    ``previous_secret`` counts too until ``previous_until``, so that a secret can be rotated without losing a push.
    ``unannounced``: pushes that polling found and no request had told of, since ``unannounced_since``.
    """

    registry = models.OneToOneField(Registry, on_delete=models.CASCADE, related_name="webhook")
    product = models.CharField(max_length=20)
    key = models.CharField(max_length=32, unique=True)
    secret = EncryptedTextField()
    previous_secret = EncryptedTextField(blank=True, default="")
    previous_until = models.DateTimeField(null=True, blank=True)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    last_event_at = models.DateTimeField(null=True, blank=True)
    rejected = models.PositiveIntegerField(default=0)
    rejected_at = models.DateTimeField(null=True, blank=True)
    rejected_reason = models.CharField(max_length=200, blank=True)
    unannounced = models.PositiveIntegerField(default=0)
    unannounced_since = models.DateTimeField(null=True, blank=True)


class InboundEvent(models.Model):
    """One authenticated request of a registry; committed before it is answered, kept for a while, never updated."""

    class Outcome(models.TextChoices):
        """What became of it."""

        ACCEPTED = "accepted", "Accepted"
        DUPLICATE = "duplicate", "Duplicate"
        IGNORED = "ignored", "Nothing to do"
        QUARANTINED = "quarantined", "Quarantined"

    registry = models.ForeignKey(Registry, on_delete=models.CASCADE, related_name="events")
    product = models.CharField(max_length=20)
    received_at = models.DateTimeField()
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    reason = models.CharField(max_length=500, blank=True)
    remote_address = models.GenericIPAddressField(null=True, blank=True)
    content_type = models.CharField(max_length=200, blank=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    body_size = models.PositiveIntegerField()
    milliseconds = models.FloatField(default=0)
    replay_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replays")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["registry", "-id"], name="inbound_event_of_registry"),
            models.Index(fields=["received_at"], name="inbound_event_age"),
        ]


class Push(models.Model):
    """One tag that an event says has moved: a hint to ask the registry, until ``scan`` is the answer.

    Waiting rows are work. ``event_key`` is what the sender calls the event, or empty. ``pusher`` is who the sender says
    pushed, where it says so: a stranger's words, which are no name of ours.
    """

    class Kind(models.TextChoices):
        """What is said to have happened."""

        PUSHED = "pushed", "Pushed"
        DELETED = "deleted", "Deleted"

    class State(models.TextChoices):
        """Where it stands."""

        WAITING = "waiting", "Waiting"
        JOINED = "joined", "In a scan"
        DUPLICATE = "duplicate", "Duplicate"
        OUT_OF_SCOPE = "out-of-scope", "Out of scope"

    event = models.ForeignKey(InboundEvent, on_delete=models.CASCADE, related_name="pushes")
    registry = models.ForeignKey(Registry, on_delete=models.CASCADE, related_name="pushes")
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.PUSHED)
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    event_key = models.CharField(max_length=200, blank=True)
    repository = models.CharField(max_length=255)
    tag = models.CharField(max_length=128, blank=True)
    digest = models.CharField(max_length=135, blank=True)
    received_at = models.DateTimeField()
    scan = models.ForeignKey(Scan, null=True, blank=True, on_delete=models.SET_NULL, related_name="pushes")
    pusher = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001  # nobody is no name

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "pushes"
        indexes = [
            models.Index(fields=["registry", "id"], condition=models.Q(state="waiting"), name="push_waiting"),
            # Without duplicates, or the ten thousandth of one tag would be compared with all the others.
            models.Index(
                fields=["registry", "repository", "tag", "-id"],
                condition=models.Q(state__in=["waiting", "joined"]),
                name="push_of_tag",
            ),
            models.Index(
                fields=["registry", "event_key"],
                condition=models.Q(state__in=["waiting", "joined"]) & ~models.Q(event_key=""),
                name="push_event_key",
            ),
        ]
