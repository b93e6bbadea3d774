"""What the beat does every few seconds."""

from __future__ import annotations

from celery import shared_task

from compliance.models.clock import database_now
from compliance.services.close_days import close_days
from compliance.services.doubt_tags import lapse_unconfirmed
from compliance.services.end_sessions import forget_sessions
from compliance.services.end_waivers import tend_waivers
from compliance.services.find_due_work import due_work
from compliance.services.forget_events import forget_events
from compliance.services.seal_audit import seal_audit
from compliance.services.shared_cache import forget_expired
from compliance.services.tell_by_clock import tell_by_clock
from compliance.services.tell_people import waiting_deliveries
from compliance.tasks.wake import ring

_TEN_MINUTES = 600
"""Seconds. Hosts' clocks may disagree by several minutes, and a message that counts as late at once wakes nobody."""


@shared_task(name="compliance.tick", ignore_result=True)
def tick(**_later: object) -> None:
    """Request due scans, ring for rows nobody works on, close days, tell people, end waivers, give up what lapsed."""
    now = database_now()
    ring(due_work(now), expires=_TEN_MINUTES)
    close_days(now)
    lapse_unconfirmed(now)
    tell_by_clock(now)
    tend_waivers(now)
    ring(waiting_deliveries(now), expires=_TEN_MINUTES)
    forget_events(now)
    seal_audit(now)
    forget_expired()
    forget_sessions(now)
