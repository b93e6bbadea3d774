from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from compliance.models import DailySnapshot, Repository
from compliance.services.close_days import close_days
from tests.compliance.services.conftest import World, app


def _days() -> list[tuple[int, int, int, bool]]:
    rows = DailySnapshot.objects.order_by("day").values_list("day", "failed", "new", "closed")
    return [(day.day, failed, new, closed) for day, failed, new, closed in rows]


@pytest.fixture
def scanned(world: World) -> World:
    world.layout.tag("team/app", "1", app(""))
    world.scan()
    return world


def test_today_stays_open(scanned: World) -> None:
    assert close_days(scanned.now) == 0
    assert _days() == [(1, 1, 1, False)]


def test_days_without_a_scan_are_carried_forward(scanned: World) -> None:
    scanned.later(days=4)

    close_days(scanned.now)
    close_days(scanned.now)

    assert _days() == [(1, 1, 1, True), (2, 1, 0, True), (3, 1, 0, True), (4, 1, 0, True)]


def test_days_between_two_scans_are_filled_even_when_nobody_closed_them_in_time(scanned: World) -> None:
    scanned.later(days=3)
    scanned.layout.tag("team/app", "1", app("10001:10001"))
    scanned.scan()
    scanned.later(days=1)

    close_days(scanned.now)

    assert _days() == [(1, 1, 1, True), (2, 1, 0, True), (3, 1, 0, True), (4, 0, 0, True)]


def test_a_deleted_repository_is_not_carried_forward(scanned: World) -> None:
    Repository.objects.update(deleted_at=scanned.now)
    scanned.later(days=3)

    close_days(scanned.now)

    assert _days() == [(1, 1, 1, True)]


def test_a_closed_day_never_changes(scanned: World) -> None:
    scanned.later(days=1)
    close_days(scanned.now)

    with pytest.raises(IntegrityError), transaction.atomic():
        DailySnapshot.objects.update(failed=0)
    scanned.now -= timedelta(days=1)  # a clock that went back
    scanned.layout.tag("team/app", "2", app("", "x"))
    scanned.scan()

    snapshot = DailySnapshot.objects.get(day=date(2026, 3, 1))
    assert (snapshot.failed, snapshot.closed) == (1, True)


def test_a_batch_that_is_late_for_its_day_counts_in_the_next(scanned: World) -> None:
    """It looked at the clock before midnight and writes after the day was closed."""
    scanned.now = scanned.now.replace(hour=23, minute=59)
    close_days(scanned.now + timedelta(minutes=5))
    scanned.layout.tag("team/app", "2", app("", "x"))
    scanned.layout.tag("team/app", "1", app("10001:10001"))

    scanned.scan()

    assert _days() == [(1, 1, 1, True), (2, 1, 1, False)]
    assert DailySnapshot.objects.get(closed=False).fixed == 1


def test_an_open_day_is_written_while_the_one_before_is_closed(scanned: World) -> None:
    scanned.later(days=3)
    close_days(scanned.now)
    scanned.layout.tag("team/app", "2", app("", "x"))

    scanned.scan()

    assert _days()[-1] == (4, 2, 1, False)
