"""Who did what, when: one row for each thing, never changed, never removed, sealed into a chain."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

_CONTEXT = "coalesce(nullif(current_setting('pghistory.context_metadata', true), '')::jsonb, '{}'::jsonb)"
"""What the connection was told of the request, the task or the command that it works for."""


def _told(name: str, cast: str) -> RawSQL:
    return RawSQL(f"(({_CONTEXT}) ->> '{name}')::{cast}", ())  # noqa: S611  # nothing in it comes from outside


class AuditAction(models.TextChoices):
    """What was done; the first four are written by triggers, whoever changes a row in whatever way."""

    ADDED = "added", "Added"
    CHANGED = "changed", "Changed"
    REMOVED = "removed", "Removed"
    KNOWN = "known", "Was there when the trail began"
    LOGIN = "login", "Logged in"
    LOGIN_FAILED = "login_failed", "Login failed"
    LOGOUT = "logout", "Logged out"
    SESSIONS_ENDED = "sessions_ended", "Sessions ended"
    PASSWORD_SET = "password_set", "Password set"
    LINK_MADE = "link_made", "Link to set a password made"
    EXPORTED = "exported", "Exported"
    SECRET_CHANGED = "secret_changed", "Secret changed"
    SECRET_SHOWN = "secret_shown", "Secret shown"
    SECRET_ROTATED = "secret_rotated", "Secret rotated"
    PASSKEY_ADDED = "passkey_added", "Passkey added"
    PASSKEY_RENAMED = "passkey_renamed", "Passkey renamed"
    PASSKEY_REMOVED = "passkey_removed", "Passkey removed"
    PASSKEY_USED = "passkey_used", "Passkey used"
    FACTOR_ADDED = "factor_added", "Second factor turned on"
    FACTOR_REMOVED = "factor_removed", "Second factor turned off"
    FACTOR_RESET = "factor_reset", "Second factor reset"
    CODES_MADE = "codes_made", "Recovery codes made"
    CODE_USED = "code_used", "Recovery code used"
    IDENTITY_ADDED = "identity_added", "Single sign-on connected"
    IDENTITY_REMOVED = "identity_removed", "Single sign-on disconnected"
    ROLE_KEPT = "role_kept", "Last administrator kept"
    KEYS_ROTATED = "keys_rotated", "Credential keys rotated"
    SCAN_CANCELLED = "scan_cancelled", "Scan cancelled"
    VIEW_DELETED = "view_deleted", "Shared view deleted"


_BY_ITSELF = models.Q(actor=None) & (
    models.Q(context__has_key="task") | models.Q(kind="finding") | models.Q(action=AuditAction.KNOWN)
)
"""What workers did, what scans did to findings, and what was there before."""


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Named filters."""

    def by_people(self) -> AuditEventQuerySet:
        """What people did, whether they were logged in or not."""
        return self.filter(~_BY_ITSELF)

    def by_itself(self) -> AuditEventQuerySet:
        """What nobody did."""
        return self.filter(_BY_ITSELF)


class AuditEvent(models.Model):
    """One thing that somebody did, and its place in the chain once it is sealed.

    ``actor`` is no foreign key: the row must outlive the person without being changed. ``source`` and ``source_row``
    name the row of history that a trigger copied here; ``data`` is what that says of the object from then on.
    ``number``, ``link``, ``mac`` and ``key`` are written once, by ``seal_audit``: ``compliance.policy.audit_chain``
    says how. The database refuses every other change (migration ``audit_triggers``).
    """

    at = models.DateTimeField(db_default=Now())
    action = models.CharField(max_length=32, choices=AuditAction.choices)
    actor = models.BigIntegerField(null=True, blank=True, db_default=_told("user", "bigint"))
    actor_name = models.CharField(max_length=150, blank=True, default="")
    kind = models.CharField(max_length=40)
    object = models.CharField(max_length=40, blank=True, default="")
    name = models.CharField(max_length=300, blank=True, default="")
    data = models.JSONField(default=dict)
    context: models.JSONField[Any, Any] = models.JSONField(db_default=RawSQL(_CONTEXT, ()))  # noqa: S611  # a constant
    source = models.CharField(max_length=64, blank=True, default="")
    source_row = models.BigIntegerField(null=True, blank=True)
    number = models.BigIntegerField(null=True, blank=True)
    link = models.BinaryField(null=True, blank=True)
    mac = models.BinaryField(null=True, blank=True)
    key = models.CharField(max_length=16, blank=True, default="")

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["number"], name="audit_event_number"),
            models.UniqueConstraint(
                fields=["source", "source_row"], condition=~models.Q(source=""), name="audit_event_once"
            ),
            models.CheckConstraint(
                condition=models.Q(number=None, link=None, mac=None)
                | models.Q(number__isnull=False, link__isnull=False, mac__isnull=False),
                name="audit_event_sealed_whole",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=models.Q(number=None), name="audit_event_unsealed"),
            models.Index(fields=["-id"], condition=~_BY_ITSELF, name="audit_event_by_people"),
            models.Index(fields=["kind", "object", "-id"], name="audit_event_of_object"),
            models.Index(fields=["actor", "-id"], name="audit_event_of_actor"),
            models.Index(fields=["action", "-id"], name="audit_event_of_action"),
            models.Index(fields=["at"], name="audit_event_when"),
        ]


class AuditCheck(models.Model):
    """What the last check of the chain found; the only row is number 1. Only to be shown: the chain proves itself.

    ``anchored_on``: the day for which an anchor was last written to the log.
    """

    anchored_on = models.DateField(null=True, blank=True)
    anchor = models.CharField(max_length=100, blank=True, default="")
    checked_at = models.DateTimeField(null=True, blank=True)
    checked_number = models.BigIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True, default="")
