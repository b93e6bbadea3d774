"""Where somebody is logged in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session

from compliance.models import User

_MOST: Final = 200
# In this order, because each browser names those before it too.
_BROWSERS: Final = (
    ("Edge", r"Edg/"),
    ("Opera", r"OPR/"),
    ("Firefox", r"Firefox/"),
    ("Chrome", r"Chrom(e|ium)/"),
    ("Safari", r"Safari/"),
    ("curl", r"^curl/"),
)
_SYSTEMS: Final = (
    ("Android", r"Android"),
    ("iOS", r"iPhone|iPad"),
    ("Windows", r"Windows"),
    ("macOS", r"Macintosh|Mac OS X"),
    ("Linux", r"Linux|X11"),
)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One session of somebody."""

    id: int
    browser: str
    agent: str
    address: str
    since: datetime
    seen: datetime
    current: bool


@dataclass(frozen=True, slots=True)
class SessionsPage:
    """The page's."""

    sessions: Sequence[OpenSession]

    @property
    def others(self) -> int:
        """How many can be ended without logging oneself out."""
        return sum(not each.current for each in self.sessions)


def sessions_page(user: User, key: str) -> SessionsPage:
    """Sessions of ``user`` that have not ended; the newest first.

    :param key: of the session that asks.
    """
    alive = Session.objects.values("session_key")
    rows = UserSession.objects.filter(user=user, session_key__in=alive).order_by("-last_seen_at", "-id")[:_MOST]
    return SessionsPage(
        [
            OpenSession(
                id=row.pk,
                browser=browser_in_words(row.user_agent),
                agent=row.user_agent,
                address="" if row.ip == "::" else row.ip,
                since=row.created_at,
                seen=row.last_seen_at,
                current=row.session_key == key,
            )
            for row in rows
        ]
    )


def browser_in_words(agent: str) -> str:
    """Browser and system as people call them; what the browser says of itself is a claim."""
    browser = next((name for name, pattern in _BROWSERS if re.search(pattern, agent)), "")
    system = next((name for name, pattern in _SYSTEMS if re.search(pattern, agent)), "")
    return " on ".join(filter(None, (browser, system))) or "Unknown browser"
