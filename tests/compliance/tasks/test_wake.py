from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import Celery
from django.db import transaction
from kombu.exceptions import OperationalError

from compliance.policy.wake_up import WakeUp, Work
from compliance.tasks.wake import is_stale, ring, wake

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


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

    assert [(name, told["pk"]) for name, told in sent] == [
        ("compliance.wake_scan", 7),
        ("compliance.wake_repository_scan", 8),
    ]


AGES = [(None, False), (0.0, False), (1.9, False), (2.1, True), (600.0, True), (-300.0, False)]


@pytest.mark.parametrize(("seconds", "stale"), AGES)
def test_a_bell_that_waited_behind_others_says_nothing(seconds: float | None, stale: bool) -> None:
    rung_at = None if seconds is None else (NOON - timedelta(seconds=seconds)).isoformat()

    assert is_stale(rung_at, NOON) is stale


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
