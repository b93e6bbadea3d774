"""What the beat does every few seconds."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from celery import shared_task

from compliance.models.clock import database_now
from compliance.services.close_days import close_days
from compliance.services.doubt_tags import lapse_unconfirmed
from compliance.services.end_sessions import forget_sessions
from compliance.services.end_waivers import tend_waivers
from compliance.services.find_due_work import finish_scans, request_due_scans, waiting_work
from compliance.services.forget_events import forget_events
from compliance.services.seal_audit import seal_audit
from compliance.services.shared_cache import forget_expired
from compliance.services.take_steps import Step, take_steps
from compliance.services.tell_by_clock import forget_deliveries, tell_of_overdue
from compliance.services.tell_people import waiting_deliveries
from compliance.services.tell_the_week import tell_the_week
from compliance.tasks.wake import ring

_TEN_MINUTES = 600
"""Seconds. Hosts' clocks may disagree by several minutes, and a message that counts as late at once wakes nobody."""


def _tend(now: datetime) -> None:
    if failed := tend_waivers(now).failed:
        raise RuntimeError(f"{failed} failed, each of which was logged")


# What becomes overdue in the moment in which its waiver ends is told of with the waiver, and not twice: told before.
STEPS: Final = (
    Step("begin scheduled scans", request_due_scans),
    Step("end scans that are done", finish_scans),
    Step("wake workers for scans", lambda now: ring(waiting_work(now), expires=_TEN_MINUTES)),
    Step("close days", close_days),
    Step("give up what no registry confirms", lapse_unconfirmed),
    Step("tell what is overdue", tell_of_overdue),
    Step("tell teams of their week", tell_the_week),
    Step("end waivers and warn of their end", _tend),
    Step("wake workers for messages", lambda now: ring(waiting_deliveries(now), expires=_TEN_MINUTES)),
    Step("forget old messages", forget_deliveries),
    Step("forget old pushes", forget_events),
    Step("seal the audit trail", seal_audit),
    Step("forget what has expired", lambda _now: forget_expired()),
    Step("forget ended sessions", forget_sessions),
)


@shared_task(name="compliance.tick", ignore_result=True)
def tick(**_later: object) -> None:
    """Do all that the clock has done."""
    take_steps(STEPS, database_now())
