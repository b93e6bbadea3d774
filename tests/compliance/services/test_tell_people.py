"""Who is told of what: by rights, by what was chosen, once, and in the transaction of what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import Delivery, Finding, Membership, Repository, SharedValue, Team, User, Waiver
from compliance.policy.wake_up import WakeUp, Work
from compliance.policy.weeks import latest_week
from compliance.remediation.change import Assign
from compliance.remediation.notices import Kind
from compliance.services.change_findings import change_findings
from compliance.services.end_waivers import tend_waivers
from compliance.services.news_of_findings import tell_of_findings
from compliance.services.reconciled import Reconciled
from compliance.services.tell_people import tell, waiting_deliveries
from tests.support.channels import channel, notice
from tests.support.remediation import finding, join, own, team
from tests.support.rows import NOW, fleet, user
from tests.support.telling import tell_by_clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows() -> list[Repository]:
    """One of team Web, one of team Data, one that nobody owns."""
    made = fleet(3).repositories
    own(team("Web"), made[:1])
    own(team("Data"), made[1:2])
    return made


@pytest.fixture
def web(rows: Sequence[Repository]) -> Team:
    return Team.objects.get(slug="web")


def told() -> set[tuple[str, str]]:
    """The names of channels with what each was told of."""
    return set(Delivery.objects.values_list("channel__name", "kind"))


def subjects() -> list[str]:
    return [row.message["title"] for row in Delivery.objects.order_by("pk")]


def test_a_team_is_told_of_its_own(rows: list[Repository], web: Team) -> None:
    row = channel(web, Kind.CRITICAL)
    channel(Team.objects.get(slug="data"), Kind.CRITICAL)
    tell([notice(rows[0])], now=NOW)
    assert waiting_deliveries(NOW) == [WakeUp(Work.DELIVERIES, row.pk)]
    assert told() == {("Chat of Web", "critical")}


def test_people_are_told_of_what_they_may_see(rows: list[Repository], web: Team) -> None:
    ours, theirs = user("ours", role="member"), user("theirs", role="member")
    gone, auditor = user("gone", role="member"), user("auditor", role="auditor")
    join(web, ours, "viewer")
    join(web, gone, "lead")
    join(Team.objects.get(slug="data"), theirs, "lead")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    for person in (ours, theirs, gone, auditor):
        channel(person, Kind.CRITICAL)
    tell([notice(rows[0], key="a")], now=NOW)
    assert told() == {("Chat of ours", "critical"), ("Chat of auditor", "critical")}
    tell([notice(rows[2], key="b")], now=NOW)  # nobody's
    assert Delivery.objects.filter(about="b").get().channel.user == auditor
    tell([notice(rows[0], rows[1], key="c")], now=NOW)  # of both teams: neither's members see all of it
    assert {row.channel.name for row in Delivery.objects.filter(about="c")} == {"Chat of auditor"}


def test_only_what_was_chosen_and_only_while_it_is_on(rows: list[Repository], web: Team) -> None:
    channel(web, Kind.DIGEST, name="other kind")
    channel(web, Kind.CRITICAL, name="off", enabled=False)
    tell([notice(rows[0])], now=NOW)
    assert not told()


def test_nothing_is_told_twice_to_one_channel(rows: list[Repository], web: Team) -> None:
    channel(web, Kind.CRITICAL, name="one")
    channel(web, Kind.CRITICAL, name="two")
    for _ in range(3):
        tell([notice(rows[0]), notice(rows[0])], now=NOW)
    assert Delivery.objects.count() == 2


def test_what_is_rolled_back_is_told_to_nobody(rows: list[Repository], web: Team) -> None:
    channel(web, Kind.CRITICAL)
    with transaction.atomic():
        tell([notice(rows[0])], now=NOW)
        assert told()
        transaction.set_rollback(True)
    assert not Delivery.objects.exists()


def test_secrets_are_not_in_what_is_kept(rows: list[Repository], web: Team) -> None:
    channel(web, Kind.CRITICAL, secret="T0PS3CRET")
    tell([notice(rows[0])], now=NOW)
    assert "S3CRET" not in str(Delivery.objects.values().get())


def test_findings_of_a_repository_are_one_message(rows: list[Repository], web: Team) -> None:
    channel(web, Kind.CRITICAL, Kind.REGRESSION)
    ids = [finding(rows[0], "NR103", subject=f"user-{at}").pk for at in range(12)]
    worse = finding(rows[0], "NR101").pk
    tell_of_findings(Reconciled(critical=[*ids, worse], regressions=[worse]), now=NOW)
    assert subjects() == [
        f"harbor/{rows[0].name} runs as root now, and did not before",
        f"12 new critical findings in harbor/{rows[0].name}",
    ]
    kept = Delivery.objects.get(kind="critical").message
    assert (len(kept["lines"]), kept["more"]) == (10, 2)


def test_a_critical_finding_that_is_back_is_told(rows: list[Repository], web: Team) -> None:
    channel(web, Kind.CRITICAL)
    critical, lower = finding(rows[0], "NR101", rank=0).pk, finding(rows[0], "NR102", rank=2).pk
    tell_of_findings(Reconciled(regressed=[critical, lower]), now=NOW)
    (row,) = Delivery.objects.all()
    assert [line[2] for line in row.message["lines"]] == [critical]


def test_a_regression_is_a_critical_finding_to_who_hears_of_no_regressions(rows: list[Repository], web: Team) -> None:
    both, critical = channel(web, Kind.CRITICAL, Kind.REGRESSION), channel(web, Kind.CRITICAL)
    new, back, old = (finding(rows[0], rule, rank=0).pk for rule in ("NR101", "NR102", "NR103"))
    tell_of_findings(Reconciled(critical=[new], regressed=[back], regressions=[new, back, old]), now=NOW)
    heard = {(row.channel_id, row.kind): row.message["lines"] for row in Delivery.objects.all()}
    assert {to: {line[2] for line in lines} for to, lines in heard.items()} == {
        (both.pk, "regression"): {new, back, old},
        (critical.pk, "critical"): {new, back},
    }


def test_who_is_given_something_is_told(rows: list[Repository], web: Team) -> None:
    lead, triager = user("lea", role="member"), user("tri", role="member")
    join(web, lead, "lead")
    join(web, triager, "triager")
    for person in (lead, triager):
        channel(person, Kind.ASSIGNED)
    row = finding(rows[0])
    change_findings(Finding.objects.filter(pk=row.pk), Assign(triager.pk), by=lead, now=NOW)
    assert subjects() == ["lea assigned you a finding"]
    assert Delivery.objects.get().channel.user == triager
    change_findings(Finding.objects.filter(pk=row.pk), Assign(lead.pk), by=lead, now=NOW)
    assert Delivery.objects.count() == 1, "who takes something knows of it"


def test_overdue_is_told_once(rows: list[Repository], web: Team) -> None:
    row = channel(web, Kind.OVERDUE)
    finding(rows[0], "NR101", due_at=NOW - timedelta(minutes=1))  # before anybody listened to the clock
    finding(rows[0], "NR102", due_at=NOW + timedelta(minutes=1))
    finding(rows[0], "NR103", due_at=NOW + timedelta(minutes=1), status="waived")
    finding(rows[1], "NR103", due_at=NOW + timedelta(minutes=1))
    tell_by_clock(NOW)
    assert not told()
    tell_by_clock(NOW + timedelta(minutes=2))
    assert waiting_deliveries(NOW + timedelta(minutes=2)) == [WakeUp(Work.DELIVERIES, row.pk)]
    assert subjects() == ["A finding is overdue"]
    for minutes in (3, 4, 60):
        tell_by_clock(NOW + timedelta(minutes=minutes))
    assert Delivery.objects.count() == 1


def test_a_date_that_is_moved_on_passes_again(rows: list[Repository], web: Team) -> None:
    channel(web, Kind.OVERDUE)
    row = finding(rows[0], due_at=NOW + timedelta(minutes=1))
    tell_by_clock(NOW)
    tell_by_clock(NOW + timedelta(minutes=2))
    Finding.objects.filter(pk=row.pk).update(due_at=NOW + timedelta(days=3))
    tell_by_clock(NOW + timedelta(days=2))
    assert Delivery.objects.count() == 1
    tell_by_clock(NOW + timedelta(days=4))
    assert Delivery.objects.count() == 2


def test_everybody_is_told_in_their_morning_and_once(rows: list[Repository], web: Team) -> None:
    zones = {"tok": "Asia/Tokyo", "ber": "Europe/Berlin", "nyc": "America/New_York", "odd": "Mars/Phobos"}
    for name, zone in zones.items():
        person = user(name, role="member")
        User.objects.filter(pk=person.pk).update(time_zone=zone)
        join(web, person, "viewer")
        channel(User.objects.get(pk=person.pk), Kind.DIGEST)
    channel(web, Kind.DIGEST)
    sunday = datetime(2026, 3, 29, 12, tzinfo=UTC)  # the clocks of Berlin went forward this morning
    heard: dict[str, datetime] = {}
    for minutes in range(0, 2 * 24 * 60, 30):
        now = sunday + timedelta(minutes=minutes)
        tell_by_clock(now)
        if now == datetime(2026, 3, 30, 2, tzinfo=UTC):
            User.objects.filter(username="tok").update(time_zone="America/New_York")
        for row in Delivery.objects.filter(created_at=now):
            assert heard.setdefault(row.channel.name, now) == now, "told twice"
    assert {name.removeprefix("Chat of "): moment.strftime("%a %H:%M") for name, moment in heard.items()} == {
        "tok": "Sun 23:00",
        "ber": "Mon 06:00",
        "nyc": "Mon 12:00",
        "odd": "Mon 08:00",
        "Web": "Mon 08:00",
    }


def test_the_week_of_a_team(rows: list[Repository], web: Team) -> None:
    member, auditor = user("mem", role="member"), user("aud", role="auditor")
    join(web, member, "viewer")
    channel(web, Kind.DIGEST)
    channel(member, Kind.DIGEST)
    channel(auditor, Kind.DIGEST)  # in no team
    finding(rows[0], "NR101", opened_at=NOW, due_at=NOW + timedelta(days=1))
    finding(rows[0], "NR102", opened_at=NOW - timedelta(days=30), due_at=NOW + timedelta(days=60))
    tell_by_clock(NOW)  # a Tuesday
    assert not told()
    monday = latest_week(NOW, UTC).ends + timedelta(days=7)
    tell_by_clock(monday)
    assert told() == {("Chat of Web", "digest"), ("Chat of mem", "digest")}
    assert set(subjects()) == {"Web: 0 fixed, 1 found, 2 to do"}
    assert "Overdue: 1" in Delivery.objects.earliest("pk").message["lines"][1]
    tell_by_clock(monday + timedelta(days=3))
    assert Delivery.objects.count() == 2


@pytest.mark.parametrize("many", [1, 12])
def test_weeks_are_counted_together(
    rows: list[Repository],
    web: Team,
    many: int,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    tell_by_clock(NOW)
    for at in range(many):
        made, person = team(f"T{at}"), user(f"p{at}", role="member")
        join(made, person, "viewer")
        channel(made, Kind.DIGEST)
        channel(person, Kind.DIGEST)
    with django_assert_max_num_queries(32):
        tell_by_clock(latest_week(NOW, UTC).ends + timedelta(days=7))
    assert Delivery.objects.count() == 2 * many


def test_when_all_counters_were_forgotten_nothing_old_is_told(rows: list[Repository], web: Team) -> None:
    channel(web, Kind.OVERDUE, Kind.DIGEST)
    finding(rows[0], due_at=NOW - timedelta(days=1))
    tell_by_clock(NOW)
    SharedValue.objects.all().delete()
    tell_by_clock(NOW + timedelta(days=8))
    assert not told()


def test_after_the_databases_clock_was_wrong_for_a_while(rows: list[Repository], web: Team) -> None:
    """A year ahead, and then set right: nobody waits for that year to pass."""
    channel(web, Kind.OVERDUE)
    finding(rows[0], "NR101", due_at=NOW + timedelta(days=1))
    tell_by_clock(NOW)
    SharedValue.objects.filter(key="notices:overdue").update(value=(NOW + timedelta(days=365)).isoformat())
    tell_by_clock(NOW + timedelta(seconds=10))
    assert not told()
    tell_by_clock(NOW + timedelta(days=2))
    assert told() == {("Chat of Web", "overdue")}


@pytest.fixture
def waiver(web: Team) -> Waiver:
    owner = user("owner", role="member")
    return Waiver.objects.create(
        title="Vendor\r\nBcc: all@example.org",
        rule="NR105",
        team=web,
        reason="vendor",
        explanation="Theirs.",
        owner=owner,
        created_by=owner,
        approver=user("approver"),
        approved_at=NOW - timedelta(days=30),
        created_at=NOW - timedelta(days=31),
        expires_at=NOW + timedelta(days=14),
    )


def test_a_waiver_that_ends_is_told_before_and_after(waiver: Waiver, web: Team) -> None:
    channel(web, Kind.WAIVER)
    channel(waiver.owner, Kind.WAIVER)  # in no team, and answers for it
    channel(user("else", role="auditor"), Kind.WAIVER)  # whom it does not concern
    for day in (0, 0.5, 11, 14):
        tend_waivers(NOW + timedelta(days=day))
    tend_waivers(NOW + timedelta(days=14, seconds=1))
    tend_waivers(NOW + timedelta(days=15))
    assert told() == {("Chat of Web", "waiver"), ("Chat of owner", "waiver")}
    said = [text for text in subjects() if "expired" in text]
    assert len(said) == 2
    assert all(text.isprintable() for text in subjects())
    assert len(subjects()) == 2 * len(set(subjects()))


def test_rights_are_read_once_for_everybody(rows: list[Repository], web: Team, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]  # the fixture has no public type
    for at in range(20):
        person = user(f"p{at}", role="member")
        Membership.objects.create(team=web, user=person, role="viewer")
        channel(person, Kind.CRITICAL)
    with django_assert_max_num_queries(6):
        tell([replace(notice(rows[0]), about=str(at)) for at in range(5)], now=NOW)
    assert Delivery.objects.count() == 100


def test_what_is_sent_again_keeps_its_parts(rows: list[Repository], web: Team) -> None:
    channel(web, Kind.CRITICAL)
    tell([notice(rows[0], key=key) for key in ("whole", "part")], now=NOW)
    whole = Delivery.objects.get(about="whole")
    long_ago = NOW - timedelta(days=31)
    Delivery.objects.filter(about="part").update(state="joined", joined_to=whole, ended_at=long_ago)
    tell_by_clock(NOW)
    assert whole.parts.count() == 1
    Delivery.objects.filter(pk=whole.pk).update(state="sent", ended_at=long_ago)
    tell_by_clock(NOW)
    assert not Delivery.objects.exists()


def test_old_messages_are_forgotten(rows: list[Repository], web: Team) -> None:
    channel(web, Kind.CRITICAL)
    for at in range(4):
        tell([notice(rows[0], key=str(at))], now=NOW)
    Delivery.objects.filter(about="0").update(state="sent", ended_at=NOW - timedelta(days=31))
    Delivery.objects.filter(about="1").update(state="sent", ended_at=NOW - timedelta(days=29))
    Delivery.objects.filter(about="2").update(state="failed", ended_at=NOW - timedelta(days=400))
    tell_by_clock(NOW)
    assert set(Delivery.objects.values_list("about", flat=True)) == {"1", "3"}
