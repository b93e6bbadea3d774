"""What went past its due date under a waiver is told of when the waiver ends, by whatever road, and once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from compliance.models import Delivery, Finding, FindingSpan, Image, Occurrence, SharedValue, Waiver
from compliance.models.shared_value import OVERDUE_TOLD
from compliance.remediation.notices import Kind
from compliance.remediation.waiver import WaiverScope
from compliance.services.decide_waiver import revoke_waiver
from compliance.services.end_waivers import tend_waivers
from compliance.services.write_waiver import write_waiver
from tests.compliance.services.conftest import BASE, World, app
from tests.compliance.services.test_waivers import DAY, look_again
from tests.support.channels import channel
from tests.support.facts import facts
from tests.support.images import image as build
from tests.support.remediation import draft, statuses
from tests.support.rows import NOW, Fleet, image, user
from tests.support.telling import tell_by_clock

TICK = timedelta(seconds=10)


@pytest.fixture
def waiver(made: Fleet) -> Waiver:
    """It covers two findings; one of them went past its date yesterday, and the clock has passed that."""
    channel(user("listener", role="security"), Kind.OVERDUE)
    by = user("sec")
    row = write_waiver(draft(by), by=by, now=NOW)
    due(Finding.objects.earliest("pk"), NOW + DAY)
    due(Finding.objects.latest("pk"), NOW + 30 * DAY)
    tell_by_clock(NOW)
    tell_by_clock(NOW + 2 * DAY)
    assert subjects() == []
    return row


def due(row: Finding, at: datetime) -> None:
    Finding.objects.filter(pk=row.pk).update(due_at=at)
    FindingSpan.objects.filter(finding=row).update(due_at=at)


def subjects() -> list[str]:
    return [row.message["title"] for row in Delivery.objects.filter(kind=Kind.OVERDUE.value).order_by("pk")]


def expire(waiver: Waiver, now: datetime) -> None:
    Waiver.objects.filter(pk=waiver.pk).update(expires_at=now)
    tend_waivers(now)


def revoke(waiver: Waiver, now: datetime) -> None:
    revoke_waiver(waiver.pk, by=waiver.created_by, now=now)


def change_the_image(waiver: Waiver, now: datetime) -> None:
    moved = image(replace(facts("0")), 950)
    Image.objects.filter(pk=moved.pk).update(run_key="as-somebody-else")
    Occurrence.objects.update(image=moved)
    look_again(list(Finding.objects.values_list("repository", flat=True)), now)


def end_unseen(waiver: Waiver, now: datetime) -> None:
    """It was revoked while a scan that did not know of it covered the findings again."""
    Waiver.objects.filter(pk=waiver.pk).update(revoked_at=now, revoked_by=waiver.created_by, reopened_at=now)
    tend_waivers(now)


ROADS = pytest.mark.parametrize("end", [expire, revoke, change_the_image, end_unseen])


@ROADS
def test_it_is_told_once(waiver: Waiver, end: Callable[[Waiver, datetime], None]) -> None:
    now = NOW + 3 * DAY
    tell_by_clock(now - TICK)
    end(waiver, now)
    assert statuses() == ["open", "open"]
    assert subjects() == ["A finding is overdue"]
    for at in (now, now + TICK, now + DAY):
        tell_by_clock(at)
        tend_waivers(at)
    assert subjects() == ["A finding is overdue"]


@ROADS
@pytest.mark.parametrize("beats", [True, False], ids=["between two ticks", "while no tick came"])
def test_what_passed_since_the_last_tick_is_told_by_the_next(
    waiver: Waiver, end: Callable[[Waiver, datetime], None], beats: bool
) -> None:
    now = NOW + 3 * DAY
    due(Finding.objects.latest("pk"), now - timedelta(seconds=1))
    if beats:
        tell_by_clock(now - TICK)
    end(waiver, now)
    tell_by_clock(now + TICK)
    assert subjects() == ["A finding is overdue"] * 2


def test_where_no_clock_ever_ticked_it_is_told_at_once(waiver: Waiver) -> None:
    SharedValue.objects.filter(key=OVERDUE_TOLD).delete()
    revoke(waiver, NOW + 3 * DAY)
    tell_by_clock(NOW + 3 * DAY + TICK)
    assert subjects() == ["A finding is overdue"]


@pytest.mark.parametrize("end", [expire, revoke])
def test_a_waiver_that_tells_nobody_tells_nobody(waiver: Waiver, end: Callable[[Waiver, datetime], None]) -> None:
    Waiver.objects.update(reopens=False)
    waiver.refresh_from_db()
    end(waiver, NOW + 3 * DAY)
    assert (statuses(), subjects()) == (["open", "open"], [])


def test_a_term_that_begins_again_is_not_overdue(waiver: Waiver) -> None:
    Waiver.objects.update(restarts_sla=True)
    waiver.refresh_from_db()
    revoke(waiver, NOW + 3 * DAY)
    assert (statuses(), subjects()) == (["open", "open"], [])


def test_what_another_waiver_covers_is_not_open(waiver: Waiver) -> None:
    write_waiver(replace(draft(waiver.owner), title="Another"), by=waiver.owner, now=NOW)
    revoke(waiver, NOW + 3 * DAY)
    assert (statuses(), subjects()) == (["waived", "waived"], [])


def test_a_scan_that_finds_another_image_tells_of_it(world: World) -> None:
    channel(user("listener", role="security"), Kind.OVERDUE)
    by = user("sec")
    world.layout.tag("team/app", "1", app("0"))
    world.scan()
    write_waiver(
        replace(draft(by, scope=WaiverScope("NR102")), until=world.now.date() + 90 * DAY), by=by, now=world.now
    )
    found = Finding.objects.get(rule="NR102")
    assert (found.status, found.due_at is not None) == ("waived", True)
    tell_by_clock(world.now)
    world.later(days=60)
    tell_by_clock(world.now)
    told = len(subjects())
    world.layout.tag("team/app", "1", build([BASE], user="0", entrypoint=["/another"]))
    world.scan()
    found.refresh_from_db()
    assert found.status == "open"
    assert len(subjects()) == told + 1
    world.scan()
    assert len(subjects()) == told + 1
