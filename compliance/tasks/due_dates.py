"""A message that asks a worker to move due dates that the terms say otherwise now."""

from __future__ import annotations

from celery import shared_task

from compliance.models.clock import database_now
from compliance.services.save_terms import move_due_dates
from compliance.tasks.wake import ring


@shared_task(name="compliance.wake_due_dates", ignore_result=True)
def wake_due_dates(*, pk: int, **_later: object) -> None:
    """Move some, and ring again where there are more."""
    ring(move_due_dates(pk, now=database_now()))
