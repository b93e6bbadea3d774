"""The one reading of an address of the audit trail: its page and its file ask this."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet

from compliance.models import HISTORIES, AuditAction, AuditEvent, User
from compliance.queries.filters import Chip, choice_of, number_of, text_of, without

SHOWS: Final = {
    "people": "What people did",
    "logins": "Logins",
    "exports": "Exports",
    "itself": "What scans and the clock did",
    "all": "Everything",
}
ACTIONS: Final = {str(action): str(action.label) for action in AuditAction}
PERIODS: Final = {"day": "The last 24 hours", "week": "The last 7 days", "month": "The last 30 days"}
KINDS: Final = {
    str(history.pgh_tracked_model._meta.model_name): str(history.pgh_tracked_model._meta.verbose_name).capitalize()  # type: ignore[attr-defined]  # of pghistory
    for history in HISTORIES
} | {
    "repository": "Repository",  # whose lines say who owns it, and its baseline
    "savedview": "Shared view",
    "scan": "Scan",
}
_SPANS: Final = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30)}
_OF_LOGINS: Final = (
    AuditAction.LOGIN, AuditAction.LOGIN_FAILED, AuditAction.LOGOUT, AuditAction.SESSIONS_ENDED
)  # fmt: skip


def read_filter(params: Mapping[str, str]) -> dict[str, str]:
    """Take what is on the lists and ignore the rest."""
    number = number_of(params, "object")
    kind, action = choice_of(params, "kind", KINDS), choice_of(params, "action", ACTIONS)
    # All of the lines of one thing, and what nobody does, are asked for as such.
    whole = bool(number and kind) or action == AuditAction.KNOWN
    return {
        "show": choice_of(params, "show", SHOWS) or ("all" if whole else "people"),
        "person": text_of(params, "person"),
        "kind": kind,
        "object": str(number) if number and kind else "",
        "action": action,
        "period": choice_of(params, "period", PERIODS),
    }


def matching(chosen: Mapping[str, str], now: datetime) -> QuerySet[AuditEvent]:
    """The lines that were asked for, in no order."""
    rows = _shown(chosen["show"]).order_by()
    for name in ("kind", "object", "action"):
        if chosen[name]:
            rows = rows.filter(**{name: chosen[name]})
    if chosen["period"]:
        rows = rows.filter(at__gte=now - _SPANS[chosen["period"]])
    return rows.filter(_by(chosen["person"])) if chosen["person"] else rows


def _shown(show: str) -> QuerySet[AuditEvent]:
    rows = AuditEvent.objects.all()
    match show:
        case "people":
            return rows.by_people()
        case "itself":
            return rows.by_itself()
        case "logins":
            return rows.filter(action__in=_OF_LOGINS)
        case "exports":
            return rows.filter(action=AuditAction.EXPORTED)
        case _:
            return rows


def _by(person: str) -> Q:
    """Somebody by name; who is gone is known by the name they had, and who failed to log in by the name they gave."""
    known = User.objects.filter(username=person).values_list("pk", flat=True).first()
    done = Q(actor=known) if known is not None else Q(actor_name=person)
    return done | Q(action=AuditAction.LOGIN_FAILED, name=person)


def chips(params: Mapping[str, str], chosen: Mapping[str, str]) -> list[Chip]:
    """A chip for each filter that is on."""
    words = {
        "person": f"done by {chosen['person']}",
        "kind": KINDS.get(chosen["kind"], "").lower(),
        "object": f"number {chosen['object']}",
        "action": ACTIONS.get(chosen["action"], "").lower(),
        "period": PERIODS.get(chosen["period"], "").lower(),
    }
    gone = {"kind": ("kind", "object")}
    return [
        Chip(label, without(params, *gone.get(name, (name,)), "before", "after"))
        for name, label in words.items()
        if chosen[name]
    ]
