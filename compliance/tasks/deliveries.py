"""Messages that ask a worker to send what is due to a channel."""

from __future__ import annotations

from celery import shared_task

from compliance.models.clock import database_clock
from compliance.services.send_deliveries import send_deliveries
from compliance.tasks.wake import ring


@shared_task(name="compliance.wake_deliveries", ignore_result=True)
def wake_deliveries(*, pk: int, **_later: object) -> None:
    """Send some, and ring again where there are more."""
    ring(send_deliveries(pk, clock=database_clock()))
