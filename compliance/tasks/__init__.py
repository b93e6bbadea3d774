"""Celery tasks: each turns ids into values and makes one call."""

from compliance.tasks.audit import check
from compliance.tasks.deliveries import wake_deliveries
from compliance.tasks.due_dates import wake_due_dates
from compliance.tasks.pushes import wake_pushes
from compliance.tasks.rejudging import wake_rejudging
from compliance.tasks.scans import wake_heavy_repository_scan, wake_repository_scan, wake_scan
from compliance.tasks.tick import tick

__all__ = [
    "check",
    "tick",
    "wake_deliveries",
    "wake_due_dates",
    "wake_heavy_repository_scan",
    "wake_pushes",
    "wake_rejudging",
    "wake_repository_scan",
    "wake_scan",
]
