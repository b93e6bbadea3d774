"""What scans, judging again and waivers make news: once for each regression, and at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from compliance.models import Channel, Delivery, Finding, Policy, Repository, RepositoryScan, Scan
from compliance.policy.wake_up import WakeUp, Work
from compliance.remediation.joining import joined, unpacked
from compliance.remediation.notices import Kind
from compliance.remediation.waiver import WaiverScope
from compliance.services.end_waivers import tend_waivers
from compliance.services.list_repositories import list_repositories
from compliance.services.news_of_findings import tell_of_findings
from compliance.services.reconciled import Reconciled
from compliance.services.request_scan import request_scan
from compliance.services.scan_repository import scan_repository
from compliance.services.serve_next import serve_next
from compliance.services.tell_people import waiting_deliveries
from compliance.services.write_waiver import write_waiver
from tests.compliance.services.conftest import World
from tests.compliance.services.test_reconcile_findings import AGAIN, FINE, ROOT
from tests.support.channels import channel
from tests.support.remediation import draft, finding_row, findings
from tests.support.rows import NOW, fleet, user

pytestmark = pytest.mark.django_db
NAME = "team/app"


@pytest.fixture
def listening(world: World) -> Channel:
    """Somebody who sees all of it and wants to hear of everything; one tag runs as root, another does not."""
    row = channel(user("sec", role="security"), *(kind for kind in Kind if kind is not Kind.TEST))
    world.layout.tag(NAME, "1", ROOT)
    world.layout.tag(NAME, "3", FINE)
    world.scan()
    return row


def titles(kind: Kind) -> list[str]:
    return [row.message["title"] for row in Delivery.objects.filter(kind=kind.value).order_by("pk")]


def test_a_regression_is_told_once_however_often_it_is_scanned(world: World, listening: Channel) -> None:
    assert titles(Kind.REGRESSION) == []
    told = []
    for image in (AGAIN, AGAIN, FINE, FINE, AGAIN, ROOT):
        world.layout.tag(NAME, "3", image)
        world.later(minutes=20)
        world.scan()
        told.append(len(titles(Kind.REGRESSION)))
    assert told == [1, 1, 1, 1, 2, 2]
    assert set(titles(Kind.REGRESSION)) == {"demo/team/app runs as root now, and did not before"}
    assert Delivery.objects.filter(kind="regression").values("about").distinct().count() == 2


def test_the_bell_rings_when_the_turn_ends(world: World, listening: Channel) -> None:
    world.layout.tag(NAME, "3", AGAIN)
    Delivery.objects.update(state=Delivery.State.SENT)
    world.later(minutes=20)
    scan = request_scan(world.registry, trigger=Scan.Trigger.PAGE, now=world.now)
    (part,) = list_repositories(scan, clock=lambda: world.now)
    rung = serve_next(part.id, clock=lambda: world.now)
    assert WakeUp(Work.DELIVERIES, listening.pk) in rung
    assert not RepositoryScan.objects.exclude(state="done").exists()


def test_a_worker_that_is_killed_before_it_rings_loses_nothing(world: World, listening: Channel) -> None:
    """The row was committed with the finding: whoever looks next finds it."""
    world.layout.tag(NAME, "3", AGAIN)
    world.later(minutes=20)
    world.scan()  # and nobody rings
    assert waiting_deliveries(world.now) == [WakeUp(Work.DELIVERIES, listening.pk)]


def test_what_is_rolled_back_is_told_to_nobody(
    world: World, listening: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("killed")

    before = Delivery.objects.count()
    world.layout.tag(NAME, "3", AGAIN)
    world.later(minutes=20)
    with monkeypatch.context() as patch:
        patch.setattr("compliance.services.record_images.record_progress", broken)
        with pytest.raises(RuntimeError):
            world.scan()
    assert Delivery.objects.count() == before
    RepositoryScan.objects.update(lease_until=None)  # it has run out
    (part,) = RepositoryScan.objects.exclude(state="done")
    scan_repository(part.pk, clock=lambda: world.now)
    assert len(titles(Kind.REGRESSION)) == 1


def test_what_is_waived_when_it_is_found_is_no_news(world: World, listening: Channel) -> None:
    owner, until = user("owner", role="security"), (world.now + timedelta(days=30)).date()
    for rule in Finding.objects.values_list("rule", flat=True).distinct():
        write_waiver(replace(draft(owner, scope=WaiverScope(rule)), until=until), by=owner, now=world.now)
    before = len(titles(Kind.CRITICAL))
    assert before
    world.layout.tag("team/other", "1", ROOT)
    world.later(minutes=20)
    world.scan()
    assert set(Finding.objects.filter(repository__name="team/other").values_list("status", flat=True)) == {"waived"}
    assert len(titles(Kind.CRITICAL)) == before


def test_the_end_of_what_nobody_approved_is_no_news(world: World, listening: Channel) -> None:
    Policy.objects.update(second_person=True)
    owner, until = listening.user, (world.now + timedelta(days=30)).date()
    assert owner is not None
    waiver = write_waiver(replace(draft(owner, scope=WaiverScope("NR101")), until=until), by=owner, now=world.now)
    tend_waivers(waiver.expires_at)
    waiver.refresh_from_db()
    assert (waiver.approved_at, waiver.reopened_at) == (None, waiver.expires_at)
    assert titles(Kind.WAIVER) == []


@pytest.mark.parametrize("late", [timedelta(seconds=5), timedelta(days=1)], ids=["the next beat", "a day later"])
def test_the_first_beat_after_a_waiver_s_end_tells_of_what_is_overdue(
    world: World, listening: Channel, late: timedelta
) -> None:
    owner, until = user("owner", role="security"), (world.now + timedelta(days=30)).date()
    waiver = write_waiver(replace(draft(owner, scope=WaiverScope("NR101")), until=until), by=owner, now=world.now)
    tend_waivers(waiver.expires_at + late)
    assert Finding.objects.get(rule="NR101").status == "open"
    assert titles(Kind.OVERDUE) == ["A finding is overdue"]


def test_a_waiver_that_ends_tells_of_what_became_overdue_meanwhile(world: World, listening: Channel) -> None:
    owner = user("owner", role="security")
    until = (world.now + timedelta(days=30)).date()
    write_waiver(replace(draft(owner, scope=WaiverScope("NR101")), until=until), by=owner, now=world.now)
    assert Finding.objects.get(rule="NR101").status == "waived"
    for day in range(33):
        for _ in range(2):  # two beats
            tend_waivers(world.now + timedelta(days=day, hours=1))
    assert titles(Kind.OVERDUE) == ["A finding is overdue"]
    assert Finding.objects.get(rule="NR101").status == "open"
    assert not Delivery.objects.filter(kind="waiver").exists(), "the listener does not answer for it"


def test_a_waiver_is_told_of_three_times_and_when_it_has_ended(world: World, listening: Channel) -> None:
    owner = listening.user
    assert owner is not None
    until = (world.now + timedelta(days=30)).date()
    write_waiver(replace(draft(owner, scope=WaiverScope("NR101")), until=until), by=owner, now=world.now)
    days = []
    for day in range(35):
        before = Delivery.objects.filter(kind="waiver").count()
        for _ in range(2):  # two beats
            tend_waivers(world.now + timedelta(days=day))
        if Delivery.objects.filter(kind="waiver").count() > before:
            days.append(day)
    assert [title.rpartition(" ends ")[2] for title in titles(Kind.WAIVER)[:3]] == [
        "within 14 days",
        "within 3 days",
        "today",
    ]
    assert len(days) == len(titles(Kind.WAIVER)) == 4


@pytest.mark.parametrize("repositories", [1, 200])
def test_a_storm_costs_the_scan_a_few_queries(repositories: int) -> None:
    """Two thousand new critical findings, twenty who want to hear of them."""
    rows: list[Repository] = fleet(repositories).repositories
    for at in range(20):
        channel(user(f"s{at}", role="security"), Kind.CRITICAL)
    each = 2_000 // repositories
    made = findings(finding_row(row, subject=str(at)) for row in rows for at in range(each))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        tell_of_findings(Reconciled(critical=[row.pk for row in made]), now=NOW)
    inserts = sum(query["sql"].startswith("INSERT") for query in asked)
    assert len(asked) - inserts <= 8
    assert inserts == -(-20 * repositories // 500)
    kept = Delivery.objects.filter(channel=Channel.objects.earliest("pk"))
    parts = [unpacked(Kind.CRITICAL, row.about, row.message) for row in kept]
    assert sum(part.count for part in parts) == 2_000
    assert joined(parts).title.startswith("2,000 new critical findings in ")
