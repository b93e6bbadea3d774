"""Who is in a team: taken in, given another role, taken out, by whom; and looking people up."""

from __future__ import annotations

import pytest
from django.test import Client

from compliance.models import Membership, Team, TeamRoleChoice, User
from compliance.services.change_members import LastLead, remove_member, set_member
from tests.support.pages import get, logged_in
from tests.support.remediation import join, team
from tests.support.rows import HOSTILE, user

URL = "/teams/web/members/"


@pytest.fixture
def web(db: None) -> Team:
    """A team that Lea leads and in which Vic views."""
    return team("Web", lead=user("lea", role="member"), viewer=user("vic", role="member"))


@pytest.fixture
def lea(web: Team) -> Client:
    return logged_in(User.objects.get(username="lea"))


def roles(row: Team) -> dict[str, str]:
    return dict(Membership.objects.filter(team=row).values_list("user__username", "role"))


def test_members_are_shown_to_members(web: Team, lea: Client) -> None:
    viewer = logged_in(User.objects.get(username="vic"))
    page = get(viewer, URL)
    assert [row.text for row in page.rows] == ["lea Lead", "vic Viewer"]
    assert not page.all("select")
    assert len(get(lea, URL).all("select")) == 3


def test_a_lead_takes_somebody_in(web: Team, lea: Client) -> None:
    user("Tim", role="member")
    assert lea.post(URL, {"person": "tim", "role": "triager"}).headers["Location"] == URL
    assert roles(web) == {"lea": "lead", "vic": "viewer", "Tim": "triager"}
    lea.post(URL, {"person": "Tim", "role": "viewer"})
    assert roles(web)["Tim"] == "viewer"
    assert "was in Web already" in get(lea, URL).text


def test_somebody_is_found_by_mail_too(web: Team, lea: Client) -> None:
    User.objects.filter(pk=user("tim", role="member").pk).update(email="Tim@example.org")
    lea.post(URL, {"person": "tim@example.org", "role": "triager"})
    assert roles(web)["tim"] == "triager"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"person": "", "role": "viewer"}, "This field is required."),
        ({"person": "ti", "role": "viewer"}, "There is no such person. Did you mean tim?"),
        ({"person": "xyz", "role": "viewer"}, "There is no such person."),
        ({"person": "gone", "role": "viewer"}, "There is no such person."),
        ({"person": "tim", "role": "owner"}, "Select a valid choice."),
        ({"person": "a\0b", "role": "viewer"}, "Null characters are not allowed."),
    ],
)
def test_who_cannot_be_taken_in(web: Team, lea: Client, data: dict[str, str], said: str) -> None:
    user("tim", role="member")
    User.objects.filter(pk=user("gone", role="member").pk).update(is_active=False)
    response = lea.post(URL, data)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert set(roles(web)) == {"lea", "vic"}


def test_a_name_that_two_have_in_other_capitals_is_taken_as_written(web: Team, lea: Client) -> None:
    user("Tim", role="member"), user("tim", role="member")
    lea.post(URL, {"person": "tim", "role": "viewer"})
    assert set(roles(web)) == {"lea", "vic", "tim"}
    assert lea.post(URL, {"person": "TIM", "role": "viewer"}).status_code == 422


def test_roles_change_and_members_go(web: Team, lea: Client) -> None:
    vic = User.objects.get(username="vic").pk
    assert lea.post(f"{URL}{vic}/", {"role": "lead"}).headers["Location"] == URL
    assert roles(web)["vic"] == "lead"
    lea.post(f"{URL}{vic}/", {"remove": "yes"})
    assert set(roles(web)) == {"lea"}
    assert lea.post(f"{URL}{vic}/", {"remove": "yes"}).status_code == 404
    assert lea.post(f"{URL}{User.objects.get(username='lea').pk}/", {"role": "king"}).status_code == 422


@pytest.mark.parametrize("data", [{"role": "viewer"}, {"remove": "yes"}])
def test_the_last_lead_goes_only_when_that_is_meant(web: Team, lea: Client, data: dict[str, str]) -> None:
    me = User.objects.get(username="lea").pk
    response = lea.post(f"{URL}{me}/", data)
    assert response.status_code == 409
    assert "lea is the last who leads Web." in response.content.decode()
    assert roles(web)["lea"] == "lead"
    assert lea.post(f"{URL}{me}/", {**data, "leaderless": "yes"}).status_code == 302
    assert roles(web).get("lea") == data.get("role")


def test_who_leaves_is_not_sent_to_what_they_see_no_more(web: Team, lea: Client) -> None:
    me = User.objects.get(username="lea").pk
    response = lea.post(f"{URL}{me}/", {"remove": "yes", "leaderless": "yes"})
    assert response.headers["Location"] == "/teams/"
    assert lea.get(URL).status_code == 404


def test_taking_the_last_lead_in_again_as_less_asks_too(web: Team, lea: Client) -> None:
    assert lea.post(URL, {"person": "lea", "role": "viewer"}).status_code == 409
    assert roles(web)["lea"] == "lead"


def test_a_deactivated_lead_is_no_lead(web: Team) -> None:
    vic, lea = User.objects.get(username="vic"), User.objects.get(username="lea")
    Membership.objects.filter(user=vic).update(role="lead")
    User.objects.filter(pk=vic.pk).update(is_active=False)
    with pytest.raises(LastLead):
        remove_member(web, lea)
    Membership.objects.filter(user=lea).delete()
    remove_member(web, vic, leaderless=True)
    assert not roles(web)


@pytest.mark.parametrize(("role", "status"), [("member", 404), ("auditor", 403), ("security", 403), ("admin", 302)])
def test_who_may_change_members(web: Team, role: str, status: int) -> None:
    client = logged_in(user("somebody", role=role))
    vic = User.objects.get(username="vic").pk
    assert client.post(URL, {"person": "somebody", "role": "viewer"}).status_code == status
    assert client.post(f"{URL}{vic}/", {"role": "triager"}).status_code == status
    assert roles(web)["vic"] == ("triager" if status == 302 else "viewer")


@pytest.mark.parametrize("role", ["viewer", "triager"])
def test_other_members_change_nobody(web: Team, role: str) -> None:
    person = user("tim", role="member")
    join(web, person, role)
    client = logged_in(person)
    assert client.post(URL, {"person": "tim", "role": "lead"}).status_code == 403
    assert client.post(f"{URL}{person.pk}/", {"role": "lead"}).status_code == 403
    assert roles(web)["tim"] == role


def test_a_lead_of_another_team_changes_nobody_here(web: Team) -> None:
    person = user("tim", role="member")
    join(team("Other"), person, "lead")
    client = logged_in(person)
    assert client.post(URL, {"person": "tim", "role": "lead"}).status_code == 404
    member = Membership.objects.filter(team=web).first()
    assert member is not None
    assert client.post(f"/teams/other/members/{member.user_id}/", {"role": "viewer"}).status_code == 404
    assert set(roles(web)) == {"lea", "vic"}


def test_people_are_found_while_typing(web: Team, lea: Client) -> None:
    User.objects.filter(username="vic").update(first_name="Victor", email="v@example.org")
    options = get(lea, "/people/-/find/?person=tor").all("option")
    assert [(each.attributes["value"], each.text) for each in options] == [("vic", "Victor")]
    assert not get(lea, "/people/-/find/").all("option")
    assert not get(lea, "/people/-/find/?person=%25").all("option")
    assert "example.org" not in get(lea, "/people/-/find/?person=vic").html
    assert logged_in(User.objects.get(username="vic")).get("/people/-/find/?person=lea").status_code == 403


def test_hostile_names_are_inert(web: Team, lea: Client) -> None:
    person = user("odd", role="member")
    User.objects.filter(pk=person.pk).update(first_name=HOSTILE, username=HOSTILE[:40])
    join(web, person, "viewer")
    page = get(lea, URL)
    assert not page.all("img")
    assert not page.all("b")
    assert not get(lea, "/people/-/find/?person=onerror").all("img")


def test_somebody_deactivated_gets_no_role(web: Team, lea: Client) -> None:
    User.objects.filter(username="vic").update(is_active=False)
    assert "deactivated, cannot log in" in get(lea, URL).text
    response = lea.post(f"{URL}{User.objects.get(username='vic').pk}/", {"role": "lead"})
    assert response.status_code == 422
    assert roles(web)["vic"] == "viewer"


def test_setting_a_role_says_whether_somebody_is_new(web: Team) -> None:
    tim = user("tim", role="member")
    assert set_member(web, tim, TeamRoleChoice.VIEWER)
    assert not set_member(web, tim, TeamRoleChoice.TRIAGER)
