"""Watching repositories: who is told of what gets worse there, once, and only while they may see it."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

import pytest

from compliance.models import Channel, Delivery, Finding, Membership, Repository, Team, User, Watch
from compliance.remediation.notices import Kind
from compliance.services import watch_repository
from compliance.services.news_of_findings import tell_of_findings, tell_overdue
from compliance.services.reconciled import Reconciled
from compliance.services.send_deliveries import send_deliveries
from compliance.services.watch_repository import TooManyWatched, unwatch, watch
from compliance.services.word_delivery import message_of
from tests.support.channels import channel
from tests.support.remediation import finding, join, own, team
from tests.support.rows import NOW, fleet, user

pytestmark = pytest.mark.django_db


@pytest.fixture
def homes() -> list[Repository]:
    """Two repositories of team Web."""
    made = fleet(2).repositories
    own(team("Web"), made)
    return made


@pytest.fixture
def sec() -> User:
    """Somebody of security who is in no team and watches nothing yet."""
    return user("sec")


def told() -> list[tuple[str, str]]:
    return sorted(Delivery.objects.values_list("kind", "message__title"))


def critical(*rows: Finding) -> None:
    tell_of_findings(Reconciled(critical=[row.pk for row in rows]), now=NOW)


def test_who_watches_is_told_though_it_is_not_their_team(homes: list[Repository], sec: User) -> None:
    channel(sec, Kind.WATCHED)
    watch(homes[0].pk, by=sec, now=NOW)
    critical(finding(homes[0]), finding(homes[1]))
    assert told() == [("watched", f"New critical finding in harbor/{homes[0].name}")]


def test_without_a_watch_or_a_channel_that_is_told_nothing_is(homes: list[Repository], sec: User) -> None:
    channel(sec, Kind.WATCHED)
    channel(user("other"), Kind.DIGEST)
    watch(homes[0].pk, by=User.objects.get(username="other"), now=NOW)
    critical(finding(homes[0]))
    assert told() == []


def test_a_regression_an_overdue_and_a_critical_finding(homes: list[Repository], sec: User) -> None:
    channel(sec, Kind.WATCHED)
    watch(homes[0].pk, by=sec, now=NOW)
    worse, new = finding(homes[0], "NR101"), finding(homes[0], "NR103")
    tell_of_findings(Reconciled(critical=[worse.pk, new.pk], regressions=[worse.pk]), now=NOW)
    late = [finding(home, subject="late", due_at=NOW - timedelta(days=1)).pk for home in homes]
    tell_overdue(Finding.objects.filter(pk__in=late), now=NOW)
    name = f"harbor/{homes[0].name}"
    assert told() == [
        ("watched", f"A finding in {name} is overdue"),
        ("watched", f"New critical finding in {name}"),
        ("watched", f"{name} runs as root now, and did not before"),
    ]


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ((Kind.WATCHED,), ["watched", "watched", "watched"]),
        ((Kind.WATCHED, Kind.CRITICAL), ["critical", "critical", "watched"]),
        ((Kind.WATCHED, Kind.REGRESSION), ["regression", "watched", "watched"]),
        ((Kind.WATCHED, Kind.OVERDUE), ["overdue", "watched", "watched"]),
        ((Kind.WATCHED, Kind.CRITICAL, Kind.REGRESSION, Kind.OVERDUE), ["critical", "overdue", "regression"]),
    ],
)
def test_nothing_is_told_twice_to_one_channel(
    homes: list[Repository], sec: User, kinds: tuple[Kind, ...], expected: list[str]
) -> None:
    channel(sec, *kinds)
    watch(homes[0].pk, by=sec, now=NOW)
    worse, new = finding(homes[0], "NR101"), finding(homes[0], "NR103")
    tell_of_findings(Reconciled(critical=[worse.pk, new.pk], regressions=[worse.pk]), now=NOW)
    late = finding(homes[0], subject="late", due_at=NOW - timedelta(days=1))
    tell_overdue(Finding.objects.filter(pk=late.pk), now=NOW)
    assert [kind for kind, _ in told()] == expected


def test_a_team_hears_nothing_of_what_people_watch(homes: list[Repository], sec: User) -> None:
    channel(Team.objects.get(), Kind.WATCHED)
    watch(homes[0].pk, by=sec, now=NOW)
    critical(finding(homes[0]))
    assert told() == []


def _member(homes: list[Repository]) -> tuple[User, Channel]:
    vic = user("vic", role="member")
    join(Team.objects.get(), vic, "viewer")
    watch(homes[0].pk, by=vic, now=NOW)
    return vic, channel(vic, Kind.WATCHED)


def test_who_may_not_see_it_any_more_is_told_nothing(homes: list[Repository]) -> None:
    vic, _ = _member(homes)
    Membership.objects.filter(user=vic).delete()
    critical(finding(homes[0]))
    assert told() == []
    assert Watch.objects.filter(user=vic).exists()  # with the right comes the news again
    join(Team.objects.get(), vic, "viewer")
    critical(finding(homes[0], subject="later"))
    assert len(told()) == 1


@pytest.mark.parametrize("how", ["left the team", "moved to another", "unwatched", "switched off", "fewer rights"])
def test_what_waits_is_not_sent_after_that(homes: list[Repository], how: str) -> None:
    vic, chat = _member(homes)
    critical(finding(homes[0]))
    row = Delivery.objects.get()
    assert message_of(row) is not None
    match how:
        case "left the team":
            Membership.objects.filter(user=vic).delete()
        case "moved to another":
            own(team("Data"), homes)
        case "unwatched":
            unwatch(homes[0].pk, by=vic)
        case "switched off":
            User.objects.filter(pk=vic.pk).update(is_active=False)
        case _:
            Repository.objects.update(team=None)
    assert send_deliveries(chat.pk, clock=lambda: NOW) == []
    row.refresh_from_db()
    assert (row.state, row.tries.count()) == (Delivery.State.DROPPED, 0)


def test_several_are_one_message(homes: list[Repository], sec: User) -> None:
    chat = channel(sec, Kind.WATCHED)
    for home in homes:
        watch(home.pk, by=sec, now=NOW)
    critical(*(finding(home) for home in homes))
    with patch("compliance.services.send_deliveries.post") as sent:
        sent.side_effect = RuntimeError
        with pytest.raises(RuntimeError):
            send_deliveries(chat.pk, clock=lambda: NOW)
    whole = Delivery.objects.get(joined_to=None)
    message = message_of(whole)
    assert message is not None
    assert message.subject == "[Plimsoll] News of 2 findings in 2 repositories, which you watch"


def test_watching_begins_and_ends_once(homes: list[Repository], sec: User) -> None:
    assert watch(homes[0].pk, by=sec, now=NOW)
    assert not watch(homes[0].pk, by=sec, now=NOW + timedelta(days=1))
    assert Watch.objects.get().since == NOW
    assert unwatch(homes[0].pk, by=sec)
    assert not unwatch(homes[0].pk, by=sec)


def test_there_is_a_most(homes: list[Repository], sec: User) -> None:
    with patch.object(watch_repository, "MOST_WATCHED", 1):
        watch(homes[0].pk, by=sec, now=NOW)
        with pytest.raises(TooManyWatched, match="1 repositories"):
            watch(homes[1].pk, by=sec, now=NOW)
        assert not watch(homes[0].pk, by=sec, now=NOW)
    assert Watch.objects.count() == 1
