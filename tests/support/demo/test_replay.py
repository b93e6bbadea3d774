"""Days are played through the real scan, against the demo registry over HTTP, into the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import astuple
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from compliance.models import DailySnapshot, PolicyVersion, Registry, Repository, Scan, TagChange
from compliance.policy.weighed_again import replay as replay_moves
from compliance.queries.trend import repository_trend
from compliance.queries.weighed_again import moves_of
from compliance.services.list_repositories import list_repositories
from compliance.services.publish_policies import publish_policies
from compliance.services.request_scan import request_scan
from tests.support.demo import house_rules
from tests.support.demo import replay as played
from tests.support.demo.catalog import SERVICES
from tests.support.demo.story import DAYS, Story
from tests.support.demo_registry import DemoRegistry
from tests.support.images import image
from tests.support.oci_layout import OciLayout

NOW = datetime(2026, 3, 1, 15, 30, tzinfo=UTC)

# Leases are renewed on a second connection, which cannot see what a test's own transaction hides.
pytestmark = pytest.mark.django_db(transaction=True)


def short_story(last_day: date) -> Story:
    return Story(last_day, only=SERVICES[:2])


class Told:
    """A replay whose clock and words a test can look at."""

    def __init__(self, folder: Path, url: str) -> None:
        publish_policies(NOW)
        self.folder = folder
        self.registry = played.demo_registry(url, NOW)
        self.lines: list[str] = []
        self.tell = short_story

    def play(self, days: int, now: datetime = NOW) -> None:
        self.play_until(self.lines.append, days, now)

    def play_until(self, say: Callable[[str], object], days: int, now: datetime = NOW) -> None:
        played.replay(self.folder, self.registry, days=days, clock=lambda: now, say=say, tell=self.tell)


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    OciLayout(tmp_path).tag("team/shop", "1.4", image())
    server = DemoRegistry(tmp_path, username=played.USERNAME, password=played.PASSWORD)
    with server.running() as registry:
        yield Told(tmp_path, registry.url)


def test_each_day_is_scanned_with_its_own_clock(told: Told) -> None:
    told.play(days=3)

    nine = datetime(2026, 3, 1, 9, tzinfo=UTC)
    scans = Scan.objects.order_by("requested_at")
    assert [scan.requested_at for scan in scans] == [nine - timedelta(days=2), nine - timedelta(days=1), NOW]
    assert {(scan.state, scan.repositories_failed) for scan in scans} == {("done", 0)}
    assert set(DailySnapshot.objects.values_list("day", flat=True)) == {scan.requested_at.date() for scan in scans}
    assert TagChange.objects.filter(at__lt=NOW - timedelta(days=1)).exists()
    assert len(told.lines) == 3


def test_in_the_end_the_registry_is_scanned_like_any_other(told: Told) -> None:
    told.play(days=1)

    row = Registry.objects.get(pk=told.registry.pk)
    assert row.enabled
    assert row.next_scan_at == NOW + timedelta(minutes=row.interval_minutes)


def test_what_was_played_is_not_played_again(told: Told) -> None:
    told.play(days=1)
    told.play(days=1, now=NOW + timedelta(days=4))

    assert Scan.objects.count() == 1
    assert told.lines[-1] == "The story was played before."


def test_a_replay_that_was_cut_off_goes_on_where_it_stopped(told: Told) -> None:
    def cut_off(words: str) -> None:
        raise KeyboardInterrupt(words)

    with pytest.raises(KeyboardInterrupt):
        told.play_until(cut_off, days=2)
    told.play(days=2)

    days = {scan.requested_at.date() for scan in Scan.objects.all()}
    assert days == {NOW.date() - timedelta(days=1), NOW.date()}
    assert played.Progress.of(told.folder, NOW.date()).played == DAYS


def test_a_scan_that_was_killed_in_the_middle_is_made_again(told: Told) -> None:
    scan_id = request_scan(told.registry, trigger="schedule", now=NOW)
    list_repositories(scan_id, clock=lambda: NOW)

    told.play(days=1)

    assert sorted(Scan.objects.values_list("state", flat=True)) == ["cancelled", "done"]


def test_a_database_that_saw_nothing_is_told_from_the_beginning(told: Told) -> None:
    told.play(days=1)
    Registry.objects.all().delete()
    told.registry = played.demo_registry(told.registry.url, NOW)
    told.play(days=1)

    assert Scan.objects.filter(registry=told.registry).count() == 1


def test_an_unknown_name_is_refused_in_words() -> None:
    with pytest.raises(played.ReplayFailed, match="no registry named Nothing"):
        played.find_registry("Nothing")


def test_the_day_on_which_a_teams_rules_changed_shows(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house_rules, "STRICTER_FROM", DAYS)
    told.tell = lambda last_day: Story(last_day, only=[team])
    (team,) = [service for service in SERVICES if service.repository == "platform/mailer"]
    told.play(days=2)

    repository = Repository.objects.get(name="platform/mailer")
    (change,) = repository_trend(repository.pk, repository.name, "day", today=NOW.date()).changes
    assert (change.label, str(*change.versions)) == (f"{NOW:%d %b}", "platform-team v2")
    assert repository.verdict == "fail"


def test_under_the_same_rules_the_days_weighed_again_are_the_days_recorded(told: Told) -> None:
    told.tell = lambda last_day: Story(last_day, only=SERVICES[:6])
    told.play(days=20)

    for repository in Repository.objects.select_related("registry", "policy__current"):
        moves = moves_of(repository, kept=timedelta(days=7), now=NOW)
        recorded = list(DailySnapshot.objects.filter(repository=repository).order_by("day"))
        assert recorded
        weighed = list(replay_moves(moves or (), [row.day for row in recorded]))
        assert [astuple(each) for each in weighed] == [
            (row.day, row.passed, row.failed, row.unknown, row.new, row.fixed, row.regressed) for row in recorded
        ]
    assert DailySnapshot.objects.filter(failed__gt=0, fixed__gt=0).exists()


def test_days_before_stricter_rules_are_weighed_by_them(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house_rules, "STRICTER_FROM", DAYS)
    told.tell = lambda last_day: Story(last_day, only=[team])
    (team,) = [service for service in SERVICES if service.repository == "platform/mailer"]
    told.play(days=2)

    repository = Repository.objects.select_related("registry", "policy__current").get(name="platform/mailer")
    before, today = DailySnapshot.objects.filter(repository=repository).order_by("day")
    moves = moves_of(repository, kept=timedelta(days=7), now=NOW)
    weighed = list(replay_moves(moves or (), [before.day, today.day]))
    assert [day.failed for day in weighed] == [today.failed, today.failed]
    assert before.failed < today.failed


def test_house_rules_are_kept_however_often_they_are_told(told: Told) -> None:
    for _ in range(3):
        house_rules.keep_house_rules(told.registry, DAYS, now=NOW)

    assert PolicyVersion.objects.filter(policy__name=house_rules.NAME).count() == 2
