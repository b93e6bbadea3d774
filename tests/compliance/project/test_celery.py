"""Lines that are logged while a task runs carry its id and name."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from celery import Task

from compliance.project.celery import app

logger = logging.getLogger("tests.tasks")

# The audit trail is told of the task as well.
pytestmark = pytest.mark.django_db


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the formatter of the settings makes of our logger's records."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(next(one.formatter for one in logging.getLogger().handlers if one.name == "stderr"))
    logger.addHandler(handler)
    try:
        yield written
    finally:
        logger.removeHandler(handler)


@pytest.fixture
def task() -> Iterator[Task[..., None]]:
    """A task of its own, taken out of the application again."""

    def work(*, fail: bool) -> None:
        logger.warning("at work")
        structlog.get_logger("tests.tasks").warning("at work too")
        if fail:
            raise ValueError

    made = app.task(name="tests.work")(work)
    yield made
    app.tasks.pop("tests.work")


@pytest.mark.parametrize("fail", [False, True])
def test_lines_carry_the_task(task: Task[..., None], lines: io.StringIO, fail: bool) -> None:
    task.apply(kwargs={"fail": fail}, task_id="0f3c")
    logger.warning("afterwards")
    *during, after = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [(line["event"], line["task_id"], line["task"]) for line in during] == [
        ("at work", "0f3c", "tests.work"),
        ("at work too", "0f3c", "tests.work"),
    ]
    assert after["event"] == "afterwards"
    assert not {"task_id", "task"} & after.keys()
