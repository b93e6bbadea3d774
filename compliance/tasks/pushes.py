"""Messages that ask a worker to look at the pushes of a registry."""

from __future__ import annotations

from celery import shared_task

from compliance.models.clock import database_clock
from compliance.services.gather_pushes import gather_pushes
from compliance.tasks.wake import ring


@shared_task(name="compliance.wake_pushes", ignore_result=True)
def wake_pushes(*, pk: int, **_later: object) -> None:
    """Gather one registry's waiting pushes into a scan."""
    ring(gather_pushes(pk, clock=database_clock()))
