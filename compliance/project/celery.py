"""The Celery application: `celery -A compliance.project worker`."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any

from celery import Celery, Task
from celery.signals import task_postrun, task_prerun, task_received, worker_process_shutdown, worker_ready
from django.db import DatabaseError, InterfaceError
from structlog.contextvars import bind_contextvars, unbind_contextvars

from scanner import sandbox

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "compliance.project.settings")

app = Celery("compliance")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["compliance"])


def _name_the_task(task_id: str, task: Task[Any, Any], **_later: Any) -> None:
    """Put the task's id and name into each line that is logged while it runs, and into the audit trail."""
    bind_contextvars(task_id=task_id, task=task.name)
    # For the connection and not for each statement, as requests do it: tasks write in many ways and by the thousand.
    _tell_the_database(json.dumps({"task": task.name, "request": task_id}))


def _forget_the_task(**_later: Any) -> None:
    _tell_the_database("")
    unbind_contextvars("task_id", "task")


def _tell_the_database(words: str) -> None:
    from django.db import connection

    with suppress(DatabaseError, InterfaceError), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pghistory.context_metadata', %s, false)", [words])


def _end_children(**_later: Any) -> None:
    """A pool process that is replaced leaves no zygote for a container's first process to bury."""
    sandbox.close()


def _watch(sender: Any, **_later: Any) -> None:
    """A worker that no message reaches any more ends itself; whatever started it starts it again."""
    from compliance.tasks.watchdog import watchdog_of  # the models are ready only by now

    dog = watchdog_of({queue.name for queue in sender.task_consumer.queues})
    task_received.connect(dog.heard, weak=False)
    dog.watch()


# Celery's own signals, since a worker has no middleware to do this in.
task_prerun.connect(_name_the_task)
task_postrun.connect(_forget_the_task)
worker_process_shutdown.connect(_end_children)
worker_ready.connect(_watch)
