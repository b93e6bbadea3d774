"""Log people out."""

from __future__ import annotations

from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction

from compliance.models import AuditAction, User
from compliance.services.record_audit import audit


def end_sessions(user: User, *, by: User | None, now: datetime, only: int | None = None, but: str = "") -> int:
    """End somebody's sessions at once; how many.

    :param only: the one with this id, if it is theirs.
    :param but: the key of one to be left.
    """
    sessions = UserSession.objects.filter(user=user).exclude(session_key=but)
    if only is not None:
        sessions = sessions.filter(pk=only)
    with transaction.atomic():
        keys = list(sessions.values_list("session_key", flat=True))
        Session.objects.filter(session_key__in=keys).delete()
        UserSession.objects.filter(session_key__in=keys).delete()
        if keys:
            audit(AuditAction.SESSIONS_ENDED, user, by=by, now=now, details={"sessions": len(keys)})
    return len(keys)


def forget_sessions(now: datetime) -> None:
    """Remove what is over: rows of sessions that have expired, and what was kept to list them."""
    Session.objects.filter(expire_date__lt=now).delete()
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
