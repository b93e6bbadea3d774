"""Scanning one repository again, and watching it, from the head of its page."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import Membership, Registry, Repository, RepositoryScan, Scan, State, User, Watch
from compliance.policy.wake_up import WakeUp, Work
from compliance.remediation.notices import Kind
from tests.support.channels import channel
from tests.support.pages import get, logged_in
from tests.support.remediation import own, team
from tests.support.rows import HOSTILE, NOW, Fleet, fleet, user

URL, MINE = "/r/harbor/team/app-0000/-/", "/settings/watched/"


@pytest.fixture
def made(db: None) -> Fleet:
    return fleet(1)


@pytest.fixture
def tia(made: Fleet) -> Client:
    """A triager of its team, who sees no page of scans; Vic only looks."""
    people = {"triager": user("tia", role="member"), "viewer": user("vic", role="member")}
    own(team("Web", **people), made.repositories)
    return logged_in(people["triager"])


def said(client: Client, url: str = URL) -> str:
    return get(client, url).all("div", class_="toasts")[0].text


def test_it_is_scanned_again_and_the_scan_shown(made: Fleet, reader: Client) -> None:
    answer = reader.post(f"{URL}rescan/")
    part = RepositoryScan.objects.order_by("-pk")[0]
    assert answer.headers["Location"] == f"/scans/{part.scan_id}/"
    assert part.scan.requested_by == User.objects.get(username="reader")
    strip = get(reader, URL).all("div", id="under-way")[0]
    assert strip.text == f"A scan is going to read its tags. Asked for just now · Scan #{part.scan_id}"
    RepositoryScan.objects.filter(pk=part.pk).update(state=State.RUNNING, tags_done=1, tags_total=2)
    assert "Its tags are being read: 1 of 2 done." in get(reader, URL).all("div", id="under-way")[0].text
    RepositoryScan.objects.filter(pk=part.pk).update(state=State.DONE)
    assert not get(reader, URL).all("div", id="under-way")


def test_the_bell_rings_for_it_once(made: Fleet, reader: Client) -> None:
    rung: list[WakeUp] = []
    with patch("compliance.views.repository_actions.ring", rung.extend):
        reader.post(f"{URL}rescan/")
        reader.post(f"{URL}rescan/")
    assert rung == [WakeUp(Work.REPOSITORY_SCAN, RepositoryScan.objects.order_by("-pk")[0].pk)]


def test_who_sees_no_scans_stays_here_and_sees_how_far_it_is(tia: Client) -> None:
    assert tia.post(f"{URL}rescan/").headers["Location"] == URL
    page = get(tia, URL)
    assert "The registry is asked about all its tags." in page.text
    assert page.all("div", id="under-way")[0].text.endswith("look again")
    assert "no other was made" not in page.text
    tia.post(f"{URL}rescan/")
    assert "A scan that has not come to it yet reads all its tags: no other was made." in get(tia, URL).text
    RepositoryScan.objects.filter(state=State.QUEUED).update(state=State.RUNNING)
    tia.post(f"{URL}rescan/")
    assert "A scan of all its tags is under way, so no other was made." in get(tia, URL).text
    assert Scan.objects.filter(requested_at=NOW).count() == 1


def test_a_registry_that_is_switched_off_is_said_to_be(tia: Client) -> None:
    Registry.objects.update(enabled=False)
    tia.post(f"{URL}rescan/")
    assert "The registry is switched off" in get(tia, URL).text


def test_only_who_may_is_offered_it(tia: Client) -> None:
    vic = logged_in(User.objects.get(username="vic"))
    assert get(tia, URL).all("button", id="rescan")
    assert not get(vic, URL).all("button", id="rescan")
    assert vic.post(f"{URL}rescan/").status_code == 403
    Repository.objects.update(deleted_at=NOW)
    assert not get(tia, URL).all("button", id="rescan")


def test_watching_is_a_switch_that_says_where_it_stands(made: Fleet, reader: Client) -> None:
    def pressed() -> str:
        return get(reader, f"{URL}trend/").all("button", id="watch")[0].attributes["aria-pressed"]

    assert pressed() == "false"
    answer = reader.post(f"{URL}watch/", {"do": "begin", "next": f"{URL}trend/"})
    assert answer.headers["Location"] == f"{URL}trend/"
    page = get(reader, f"{URL}trend/")
    assert "no channel of yours is told of what you watch" in page.text
    assert pressed() == "true"
    channel(User.objects.get(username="reader"), Kind.WATCHED)
    reader.post(f"{URL}watch/", {"do": "begin"})
    assert "your channels are told of what gets worse in it" in get(reader, URL).text
    reader.post(f"{URL}watch/", {"do": "end", "next": "https://evil.example/"})
    assert pressed() == "false"
    assert not Watch.objects.exists()


def test_what_one_watches_is_a_list_with_a_way_out(made: Fleet, reader: Client) -> None:
    assert "You watch nothing" in get(reader, MINE).text
    Repository.objects.update(name=HOSTILE)
    Watch.objects.create(user=User.objects.get(username="reader"), repository=made.repositories[0], since=NOW)
    page = get(reader, MINE)
    assert HOSTILE not in page.html
    assert "No channel of yours is told" in page.text
    Repository.objects.update(name="team/app-0000")
    form = get(reader, MINE).all("form", class_="row-actions")[0]
    assert form.attributes["action"] == f"{URL}watch/"
    assert reader.post(f"{URL}watch/", {"do": "end", "next": MINE}).headers["Location"] == MINE
    assert not Watch.objects.exists()
    assert get(reader, "/settings/notifications/").all("a", href=MINE)
    assert get(reader, "/settings/profile/").all("a", href=MINE)


def test_what_one_may_not_see_any_more_is_not_named(tia: Client) -> None:
    tia.post(f"{URL}watch/")
    assert "app-0000" in get(tia, MINE).text
    Membership.objects.filter(user__username="tia").delete()
    assert "app-0000" not in get(tia, MINE).text
    assert tia.post(f"{URL}watch/", {"do": "end"}).status_code == 404


@pytest.mark.parametrize("many", [1, 30])
def test_queries(reader: Client, django_assert_num_queries: DjangoAssertNumQueries, many: int) -> None:
    """Three are the session, its user and the user's teams."""
    person = User.objects.get(username="reader")
    rows = fleet(many).repositories
    Watch.objects.bulk_create(Watch(user=person, repository=row, since=NOW) for row in rows)
    with django_assert_num_queries(5):
        assert len(get(reader, MINE).all("th", scope="row")) == many
