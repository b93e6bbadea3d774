"""Messages that ask a worker to judge a policy's repositories again."""

from __future__ import annotations

from celery import shared_task

from compliance.models.clock import database_clock
from compliance.services.rejudge import work_on_rejudging
from compliance.tasks.wake import ring


@shared_task(name="compliance.wake_rejudging", ignore_result=True)
def wake_rejudging(*, pk: int, **_later: object) -> None:
    """Judge the repositories of one policy again."""
    ring(work_on_rejudging(pk, clock=database_clock()))
