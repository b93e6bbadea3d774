"""The Celery application: `celery -A compliance.project worker`."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, Task
from celery.signals import task_postrun, task_prerun
from structlog.contextvars import bind_contextvars, unbind_contextvars

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "compliance.project.settings")

app = Celery("compliance")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["compliance"])


def _name_the_task(task_id: str, task: Task[Any, Any], **_later: Any) -> None:
    """Put the task's id and name into each line that is logged while it runs."""
    bind_contextvars(task_id=task_id, task=task.name)


def _forget_the_task(**_later: Any) -> None:
    unbind_contextvars("task_id", "task")


# Celery's own signals, since a worker has no middleware to do this in.
task_prerun.connect(_name_the_task)
task_postrun.connect(_forget_the_task)
