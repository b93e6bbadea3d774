"""When somebody was here before: the login before this one, kept in the session."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest

_KEY = "login_before"


def keep_last_visit(request: HttpRequest, before: datetime | None) -> None:
    """Remember it in the session that has just begun."""
    if before is not None:
        request.session[_KEY] = before.isoformat()


def last_visit(request: HttpRequest) -> datetime | None:
    """What was kept; nothing after the first login."""
    kept = request.session.get(_KEY, "")
    return datetime.fromisoformat(kept) if kept else None
