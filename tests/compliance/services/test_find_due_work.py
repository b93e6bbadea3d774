"""The tick: which scans are due, also after a pause of the beat, beside another beat, and with faults in the middle."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from kombu.exceptions import OperationalError

from compliance.models import Registry, Scan, State
from compliance.services import find_due_work
from compliance.services.find_due_work import due_work, request_due_scans
from compliance.services.request_scan import request_scan
from compliance.tasks import tick
from tests.compliance.services.conftest import NOON
from tests.support.rows import registry


def _due(**columns: object) -> Registry:
    return registry(**{"next_scan_at": NOON, **columns})  # type: ignore[arg-type]  # a name only where one is given


def _next(home: Registry) -> datetime | None:
    return Registry.objects.get(pk=home.pk).next_scan_at


def test_by_cron_though_without_an_interval(db: None) -> None:
    home = _due(cron="0 3 * * *", time_zone="Europe/Berlin", interval_minutes=0)

    assert len(request_due_scans(NOON)) == 1

    following = _next(home)
    assert following is not None
    assert following.replace(second=0, microsecond=0) == datetime.fromisoformat("2026-03-02T02:00+00:00")


def test_only_when_asked_for(db: None) -> None:
    _due(interval_minutes=0)

    assert request_due_scans(NOON) == []


def test_what_was_missed_is_done_once(db: None) -> None:
    home = _due(interval_minutes=10)
    later = NOON + timedelta(hours=7)

    assert len(request_due_scans(later)) == 1
    Scan.objects.update(state=State.DONE)
    assert request_due_scans(later + timedelta(minutes=1)) == []
    following = _next(home)
    assert following is not None
    assert abs(following - later - timedelta(minutes=10)) <= timedelta(seconds=15)


def test_what_was_missed_does_not_begin_in_quiet_hours(db: None) -> None:
    home = _due(quiet_from=time(8), quiet_until=time(18))

    assert request_due_scans(NOON) == []

    begins = _next(home)
    assert begins is not None
    assert NOON.replace(hour=18) <= begins < NOON.replace(hour=18, minute=5)
    assert len(request_due_scans(begins)) == 1


def test_somebody_may_ask_in_quiet_hours(db: None) -> None:
    home = _due(quiet_from=time(8), quiet_until=time(18))

    assert request_scan(home, trigger=Scan.Trigger.PAGE, now=NOON)


@pytest.mark.parametrize("columns", [{"cron": "61 * * * *"}, {"time_zone": "Mars/Olympus", "cron": "0 3 * * *"}])
def test_a_schedule_nobody_understands_holds_up_nobody(
    db: None, columns: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    home = _due(**columns)
    _due(name="Fine")

    assert len(request_due_scans(NOON)) == 2
    assert _next(home) == NOON + timedelta(hours=1)
    assert "scanned every hour" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_two_beats_at_once_request_each_scan_once() -> None:
    for number in range(20):
        _due(name=f"R{number}")

    def beat(_: int) -> None:
        try:
            due_work(NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(beat, range(4)))

    assert Scan.objects.count() == 20


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_is_cut_in_the_middle_of_a_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    """All or nothing, and the next tick does it."""
    _due(name="One")
    _due(name="Two")
    asked: list[int] = []

    def cut(home: Registry, **rest: Any) -> int:
        asked.append(home.pk)
        if len(asked) == 2:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return request_scan(home, **rest)

    monkeypatch.setattr(find_due_work, "request_scan", cut)
    with pytest.raises(DatabaseError):
        request_due_scans(NOON)
    connection.close()
    assert Scan.objects.count() == 0

    assert len(request_due_scans(NOON)) == 2
    assert Scan.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_tick_without_a_queue_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _due()
    caplog.set_level(logging.WARNING)

    def down(*_: object, **__: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("celery.Celery.send_task", down)
    tick()
    tick()
    assert "wait for the tick" in caplog.text
    assert Scan.objects.get().state == State.QUEUED

    sent: list[str] = []
    monkeypatch.setattr("celery.Celery.send_task", lambda _app, name, **_: sent.append(name))
    tick()
    assert sent == ["compliance.wake_scan"]
