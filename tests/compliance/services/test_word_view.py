"""Saved views by mail: what they say and to whom, once a week, by a real server of mails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from itertools import pairwise

import pytest
from pytest_django import Settings

from compliance.models import Channel, Delivery, SavedView, Team, User, ViewMail
from compliance.policy.weeks import latest_week, zone_of
from compliance.remediation.notices import Kind
from compliance.services.mail_view import MOST_MAILED, CannotMail, end_mail, mail_view
from compliance.services.save_profile import save_profile
from compliance.services.send_deliveries import redeliver, send_deliveries
from tests.support.channels import channel
from tests.support.postbox import Postbox, posting
from tests.support.remediation import finding, own, team
from tests.support.rows import NOW, Fleet, fleet, user
from tests.support.telling import tell_by_clock

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)
MONDAY = latest_week(NOW, UTC).ends + WEEK


@pytest.fixture
def box(settings: Settings) -> Iterator[Postbox]:
    with posting() as made:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", made.port, 5
        settings.MAIL_CONFIGURED, settings.PUBLIC_URL = True, "https://plimsoll.example"
        yield made


@pytest.fixture
def made(db: None) -> Fleet:
    """Two repositories, of which team Web owns the first."""
    found = fleet(2)
    own(team("Web", lead=user("lea", role="member")), found.repositories[:1])
    return found


@pytest.fixture
def web(made: Fleet) -> Team:
    return Team.objects.get(slug="web")


@pytest.fixture
def lea(made: Fleet) -> User:
    return User.objects.get(username="lea")


def post_of(person: User) -> Channel:
    return channel(person, kind="mail", name="Post", target=f"{person.get_username()}@example.org")


def mailed(person: User, query: str = "subject=kept", *, by: User | None = None, **columns: object) -> ViewMail:
    """A view that somebody has mailed."""
    view = SavedView.objects.create(name="Kept", query=query, by=by or person, **columns)
    return mail_view(view.pk, post_of(person).pk, by=person, now=NOW)


def weekly(now: datetime, box: Postbox) -> list[EmailMessage]:
    """What is mailed then."""
    before = len(box.mails)
    tell_by_clock(now)
    for each in Channel.objects.order_by("pk"):
        send_deliveries(each.pk, clock=lambda: now)
    return [mail for _, mail in box.mails[before:]]


def test_what_a_mail_says(made: Fleet, lea: User, box: Postbox) -> None:
    tell_by_clock(NOW)
    old = [finding(made.repositories[0], "NR103", subject="kept", platform=f"p{at}") for at in range(10)]
    worst = finding(made.repositories[0], "NR101", subject="kept", regression=True, opened_at=NOW + WEEK / 4)
    finding(made.repositories[0], "NR101", subject="other")
    mail = mailed(lea)
    (read,) = weekly(MONDAY, box)
    assert box.mails[0][0] == ["lea@example.org"]
    assert read["Subject"] == "[Plimsoll] Kept: 11 findings, 1 new since 10 March 2026"
    text = read.get_content().replace("\r\n", "\n")
    assert f"https://plimsoll.example/findings/?{mail.view and mail.view.query}\n" in text
    links = [line.strip() for line in text.splitlines() if line.startswith("  https")]
    assert links == [f"https://plimsoll.example/findings/{row.pk}/" for row in (worst, *old[:9])]
    assert "and 1 more" in text
    assert text.endswith("which you end here:\nhttps://plimsoll.example/settings/notifications/#views\n")
    mail.refresh_from_db()
    assert (mail.told_at, mail.told_count) == (MONDAY, 11)

    assert weekly(MONDAY + timedelta(hours=1), box) == []
    assert weekly(MONDAY + timedelta(days=6), box) == []
    finding(made.repositories[0], "NR102", subject="kept", opened_at=MONDAY + timedelta(days=1))
    (read,) = weekly(MONDAY + WEEK, box)
    assert read["Subject"] == "[Plimsoll] Kept: 12 findings, 1 new since 16 March 2026"


def test_each_reads_by_their_own_rights(made: Fleet, web: Team, lea: User, box: Postbox) -> None:
    tell_by_clock(NOW)
    security = user("sam", role="security")
    view = SavedView.objects.create(name="Kept", query="subject=kept", by=security, shared=True)
    rows = [finding(row, "NR103", subject="kept") for row in made.repositories]
    for person in (security, lea):
        mail_view(view.pk, post_of(person).pk, by=person, now=NOW)
    weekly(MONDAY, box)
    read = {to: (mail["Subject"], mail.get_content()) for (to,), mail in box.mails}
    assert "Kept: 2 findings" in read["sam@example.org"][0]
    assert "Kept: 1 finding," in read["lea@example.org"][0]
    assert made.repositories[1].name not in read["lea@example.org"][1]
    assert f"/findings/{rows[1].pk}/" not in read["lea@example.org"][1]
    own(web, made.repositories)  # between two weeks
    weekly(MONDAY + WEEK, box)
    assert all("Kept: 2 findings" in mail["Subject"] for _, mail in box.mails[2:])


def test_an_empty_view_is_told_of_once(made: Fleet, lea: User, box: Postbox) -> None:
    tell_by_clock(NOW)
    mailed(lea)
    assert weekly(MONDAY, box) == []
    assert Delivery.objects.get().state == Delivery.State.NOTHING
    row = finding(made.repositories[0], "NR103", subject="kept")
    (read,) = weekly(MONDAY + WEEK, box)
    assert "Kept: 1 finding," in read["Subject"]
    row.status, row.closed_at = "fixed", MONDAY + WEEK
    row.save()
    (read,) = weekly(MONDAY + 2 * WEEK, box)
    assert read["Subject"] == "[Plimsoll] Kept: no finding any more"
    assert weekly(MONDAY + 3 * WEEK, box) == []


def _deleted(mail: ViewMail) -> None:
    SavedView.objects.all().delete()


def _unshared(mail: ViewMail) -> None:
    SavedView.objects.update(shared=False)


def _odd(mail: ViewMail) -> None:
    SavedView.objects.update(query="rule=NR999")


def _deactivated(mail: ViewMail) -> None:
    User.objects.filter(username="lea").update(is_active=False)


def _left(mail: ViewMail) -> None:
    Team.objects.get(slug="web").memberships.all().delete()


def _off(mail: ViewMail) -> None:
    Channel.objects.update(enabled=False)


def _ended(mail: ViewMail) -> None:
    end_mail(mail, by=User.objects.get(username="lea"), now=NOW)


@pytest.mark.parametrize("lost", [_deleted, _unshared, _odd, _deactivated, _left, _off, _ended])
@pytest.mark.parametrize("written", [False, True])
def test_who_is_sent_nothing(
    made: Fleet, web: Team, lea: User, box: Postbox, lost: Callable[[ViewMail], None], *, written: bool
) -> None:
    """Also where it went after the week was written down, and before it was sent."""
    tell_by_clock(NOW)
    mail = mailed(lea, by=user("boss", role="security"), shared=True, team=web)
    finding(made.repositories[0], "NR103", subject="kept")
    if written:
        tell_by_clock(MONDAY)
        assert Delivery.objects.filter(state=Delivery.State.WAITING).exists()
    lost(mail)
    assert weekly(MONDAY + timedelta(minutes=1), box) == []
    assert set(Delivery.objects.values_list("state", flat=True)) <= {Delivery.State.DROPPED}
    assert not ViewMail.objects.exclude(told_at=None).exists()


def test_a_second_try_says_the_same(made: Fleet, lea: User, box: Postbox) -> None:
    tell_by_clock(NOW)
    mail = mailed(lea)
    finding(made.repositories[0], "NR103", subject="kept")
    box.answer = "451 4.3.2 not now"
    assert weekly(MONDAY, box) == []
    mail.refresh_from_db()
    assert (mail.told_at, mail.told_count) == (None, 0)
    finding(made.repositories[0], "NR102", subject="kept")
    box.answer = "250 OK"
    (read,) = weekly(MONDAY + timedelta(minutes=2), box)
    assert "Kept: 1 finding," in read["Subject"]
    mail.refresh_from_db()
    assert (mail.told_at, mail.told_count) == (MONDAY, 1)
    (later,) = weekly(MONDAY + WEEK, box)
    assert "Kept: 2 findings" in later["Subject"]
    redeliver(Delivery.objects.earliest("pk"), now=MONDAY + WEEK)
    (again,) = weekly(MONDAY + WEEK, box)
    assert (again["Subject"], again["Message-ID"]) == (read["Subject"], read["Message-ID"])
    mail.refresh_from_db()
    assert (mail.told_at, mail.told_count) == (MONDAY + WEEK, 2)


def test_what_is_not_seen_any_more_is_left_out_of_a_second_try(made: Fleet, lea: User, box: Postbox) -> None:
    tell_by_clock(NOW)
    mailed(lea)
    finding(made.repositories[0], "NR103", subject="kept")
    box.answer = "451 4.3.2 not now"
    weekly(MONDAY, box)
    own(team("Other"), made.repositories)
    box.answer = "250 OK"
    assert weekly(MONDAY + timedelta(minutes=2), box) == []
    assert Delivery.objects.get().state == Delivery.State.DROPPED


def test_a_view_goes_to_one_channel_and_there_are_not_too_many(lea: User) -> None:
    first, second = post_of(lea), post_of(lea)
    views = [SavedView.objects.create(name=f"v{at}", query="", by=lea) for at in range(MOST_MAILED + 1)]
    for view in views[:MOST_MAILED]:
        mail_view(view.pk, first.pk, by=lea, now=NOW)
    mail_view(views[0].pk, second.pk, by=lea, now=NOW)
    assert second.view_mails.count() == 1
    assert ViewMail.objects.count() == MOST_MAILED
    with pytest.raises(CannotMail, match="30 views mailed"):
        mail_view(views[-1].pk, second.pk, by=lea, now=NOW)
    for to in (channel(lea, name="Chat"), post_of(user("other", role="member"))):
        with pytest.raises(CannotMail, match="not there any more"):
            mail_view(views[0].pk, to.pk, by=lea, now=NOW)
    with pytest.raises(CannotMail, match="not there any more"):
        mail_view(0, first.pk, by=lea, now=NOW)


def test_who_begins_again_is_not_told_twice(made: Fleet, lea: User, box: Postbox) -> None:
    tell_by_clock(NOW)
    mail = mailed(lea)
    finding(made.repositories[0], "NR103", subject="kept")
    assert len(weekly(MONDAY, box)) == 1
    end_mail(mail, by=lea, now=MONDAY)
    assert mail.view is not None
    mail_view(mail.view.pk, Channel.objects.get().pk, by=lea, now=MONDAY)
    assert weekly(MONDAY + timedelta(hours=1), box) == []


ZONES = ("Pacific/Kiritimati", "Europe/Berlin", "America/Los_Angeles", "Pacific/Pago_Pago")


@pytest.mark.parametrize("zones", [*pairwise(ZONES), *pairwise(reversed(ZONES)), (ZONES[0], ZONES[-1], ZONES[0])])
@pytest.mark.parametrize("hour", [-20, -7, 1, 9, 20])
def test_who_moves_is_told_of_each_week_once(web: Team, lea: User, zones: tuple[str, ...], hour: int) -> None:
    """The week of the team and a view, by people who move around a Monday, a few hours apart."""
    User.objects.update(time_zone=zones[0])
    mailed(lea)
    channel(lea, Kind.DIGEST, name="Chat")
    moves = {MONDAY + timedelta(hours=hour + 3 * at, minutes=7): zone for at, zone in enumerate(zones[1:])}
    heard: set[tuple[str, str]] = set()
    for now in sorted({*moves, *(MONDAY + timedelta(hours=at) for at in (*range(-32, 36, 4), 120, 216))}):
        if now in moves:
            lea.refresh_from_db()
            save_profile(lea, first_name="", last_name="", time_zone=moves[now], shortcuts=True, now=now)
        else:
            tell_by_clock(now)
        for kind, about in Delivery.objects.filter(created_at=now).values_list("kind", "about"):
            monday = datetime.fromisoformat(about.rpartition("/")[2]).date()
            lea.refresh_from_db()
            assert latest_week(now, zone_of(lea.time_zone)).monday == monday
            assert (kind, about) not in heard
            heard.add((kind, about))
    weeks = {MONDAY.date().isoformat(), (MONDAY + WEEK).date().isoformat()}
    assert {(kind, about.rpartition("/")[2]) for kind, about in heard} == {
        (kind, week) for kind in ("view", "digest") for week in weeks
    }


def test_who_moves_with_nothing_over_is_told_nothing(web: Team, lea: User) -> None:
    mailed(lea)
    channel(lea, Kind.DIGEST, name="Chat")
    save_profile(lea, first_name="", last_name="", time_zone="Asia/Tokyo", shortcuts=True, now=NOW)  # before any tick
    tell_by_clock(NOW)
    save_profile(lea, first_name="", last_name="", time_zone="UTC", shortcuts=True, now=NOW + timedelta(days=1))
    assert not Delivery.objects.exists()
