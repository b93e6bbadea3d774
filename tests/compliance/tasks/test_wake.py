from __future__ import annotations

import logging
from typing import Any

import pytest
from celery import Celery
from django.db import transaction
from kombu.exceptions import OperationalError

from compliance.policy.wake_up import WakeUp, Work
from compliance.tasks.wake import ring, wake


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, int]]]:
    messages: list[tuple[str, dict[str, int]]] = []

    def send(_app: Celery, name: str, *, kwargs: dict[str, int], **_options: Any) -> None:
        messages.append((name, kwargs))

    monkeypatch.setattr(Celery, "send_task", send)
    return messages


@pytest.mark.django_db(transaction=True)
def test_messages_leave_after_the_commit(sent: list[tuple[str, dict[str, int]]]) -> None:
    with transaction.atomic():
        wake(7)
        ring([WakeUp(Work.REPOSITORY_SCAN, 8)])
        assert sent == []

    assert sent == [("compliance.wake_scan", {"pk": 7}), ("compliance.wake_repository_scan", {"pk": 8})]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_sent_for_work_that_was_rolled_back(sent: list[tuple[str, dict[str, int]]]) -> None:
    with transaction.atomic():
        wake(7)
        transaction.set_rollback(True)

    assert sent == []


@pytest.mark.django_db(transaction=True)
def test_a_queue_that_is_down_does_not_break_the_request(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(Celery, "send_task", fail)
    caplog.set_level(logging.WARNING)

    wake(7)

    assert "wait for the tick" in caplog.text
