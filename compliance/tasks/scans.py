"""Messages that ask a worker to look at a row."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from compliance.services.list_repositories import list_repositories
from compliance.services.scan_repository import scan_repository
from compliance.tasks.wake import ring


@shared_task(name="compliance.wake_scan", ignore_result=True)
def wake_scan(*, pk: int, **_later: object) -> None:
    """List a registry's repositories and ring for each."""
    ring(list_repositories(pk, clock=timezone.now))


@shared_task(name="compliance.wake_repository_scan", ignore_result=True)
def wake_repository_scan(*, pk: int, **_later: object) -> None:
    """Scan one repository."""
    ring(scan_repository(pk, clock=timezone.now))
