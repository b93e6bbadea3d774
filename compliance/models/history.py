"""What people decide, as it was: a row for each time it was added, changed or removed, written by triggers.

Triggers see what ``update()``, bulk writes and other programs do, which signals and services do not. None of these
tables has a column for a secret, nor one that scans write all the time. Each row is copied into ``AuditEvent`` by one
more trigger (migration ``audit_triggers``), which is what pages read and what is sealed.
"""

from __future__ import annotations

from collections.abc import Sequence

import pghistory
import pgtrigger
from django.db import models

from compliance.models.api_token import ApiToken
from compliance.models.audit import AuditAction
from compliance.models.factor_rule import FactorRule
from compliance.models.finding import Finding, SlaTerm
from compliance.models.group_grant import GroupGrant
from compliance.models.label import LabelSet
from compliance.models.registry import Policy, PolicyAssignment, Registry
from compliance.models.retention import Retention
from compliance.models.team import Membership, OwnershipRule, Team
from compliance.models.user import User
from compliance.models.waiver import Waiver
from compliance.models.webhook import WebhookEndpoint

_ALL = (AuditAction.ADDED, AuditAction.CHANGED, AuditAction.REMOVED)
_TRACKERS = {
    AuditAction.ADDED: pghistory.InsertEvent,
    AuditAction.CHANGED: pghistory.UpdateEvent,
    AuditAction.REMOVED: pghistory.DeleteEvent,
}


def _history(
    tracked: type[models.Model],
    fields: Sequence[str] = (),
    *,
    without: Sequence[str] = (),
    actions: Sequence[AuditAction] = _ALL,
) -> type[models.Model]:
    """A table beside ``tracked``: written by statement, so that ten thousand rows are one insert.

    :param fields: those that are kept; empty: all but ``without``.
    """
    names = fields or [field.name for field in tracked._meta.concrete_fields if field.name not in {"id", *without}]
    return pghistory.create_event_model(
        tracked,
        *(_TRACKERS[action](action.value) for action in actions),
        fields=list(names),
        obj_field=pghistory.ObjForeignKey(related_name="+", related_query_name="+"),
        context_field=pghistory.ContextJSONField(),
        context_id_field=None,  # type: ignore[arg-type]  # as its documentation says
        model_name=f"{tracked._meta.object_name}History",
        app_label="compliance",
        abstract=False,
        level=pgtrigger.Statement,
    )


_SECRETS = ("password", "api_token", "client_key", "proxy")
_WRITTEN_BY_SCANS = ("next_scan_at", "reached_at", "problem_code", "problem_message", "problem_remedy")

HISTORIES: tuple[type[models.Model], ...] = (
    _history(User, ["username", "email", "role", "role_group", "is_active", "is_superuser"]),
    _history(Team),
    _history(Membership),
    _history(OwnershipRule),
    _history(Registry, without=[*_SECRETS, *_WRITTEN_BY_SCANS]),
    _history(Policy),
    _history(PolicyAssignment),
    _history(WebhookEndpoint, ["registry", "product", "enabled", "previous_until"]),
    # Scans find ten thousand of them, and nobody decided that: only what became of them is kept.
    _history(
        Finding,
        ["repository", "rule", "status", "assignee", "due_at", "waiver", "baseline"],
        actions=[AuditAction.CHANGED],
    ),
    _history(Waiver, without=["warned", "reopened_at"]),
    _history(SlaTerm),
    _history(Retention),
    _history(FactorRule),
    _history(GroupGrant),
    _history(LabelSet),
    _history(ApiToken, without=["digest", "last_used_at", "last_used_ip"]),
)
