"""Queries of the inbox under names: who sees them, with whom they are shared, whose tabs they are."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import AuditEvent, SavedView, Team, User, ViewMail
from compliance.queries.saved_views import MOST_VIEWS
from tests.support.channels import channel
from tests.support.pages import get
from tests.support.remediation import finding, join, own, team
from tests.support.rows import NOW, fleet, user

URL = "/findings/views/"


def client_of(name: str, role: str = "member", **teams: Team) -> Client:
    """Somebody with a role in each of the teams."""
    row = user(name, role=role)
    for team_role, each in teams.items():
        join(each, row, team_role)
    client = Client()
    client.force_login(row)
    return client


def keep(client: Client, name: str, shared: str = "", query: str = "severity=critical") -> SavedView | None:
    client.post(URL, {"name": name, "back": query, "shared": shared})
    return SavedView.objects.filter(name=name).first()


def names(client: Client, url: str = URL) -> set[str]:
    """The views a page links to."""
    made = set(SavedView.objects.values_list("name", flat=True))
    return {link.text for link in get(client, url).all("a") if link.text in made}


@pytest.mark.parametrize(
    ("said", "shared"), [("", False), ("1", True), ("anything", False), ("0", False), ("team", False)]
)
def test_only_who_says_so_shares(db: None, said: str, shared: bool) -> None:
    view = keep(client_of("security", "security"), "Mine", said)
    assert view is not None
    assert (view.shared, view.team) == (shared, None)


@pytest.fixture
def pay(db: None) -> Team:
    return team("Payments")


@pytest.fixture
def web(db: None) -> Team:
    return team("Web")


def test_one_s_own_are_there_however_many_others_share(pay: Team) -> None:
    security, lead = client_of("security", "security"), user("lead", role="member")
    mine = keep(security, "zz mine")
    SavedView.objects.bulk_create(
        SavedView(name=f"shared {at:03}", query="q=a", by=lead, shared=True) for at in range(MOST_VIEWS + 1)
    )
    assert mine is not None
    assert {"zz mine", "shared 000"} <= names(security)
    security.post(f"{URL}{mine.pk}/delete/")
    assert not SavedView.objects.filter(pk=mine.pk).exists()


def test_whom_a_view_is_shown_to(pay: Team, web: Team) -> None:
    lead = client_of("lead", lead=pay, viewer=web)
    people = {
        "lead": lead,
        "colleague": client_of("colleague", viewer=pay),
        "other": client_of("other", viewer=web),
        "security": client_of("security", "security"),
        "auditor": client_of("auditor", "auditor"),
    }
    keep(lead, "Alone")
    keep(lead, "Team", "team:payments")
    keep(lead, "All", "1")
    keep(people["security"], "Everybody", "1")
    keep(people["security"], "For Web", "team:web")
    seen = {who: names(client) for who, client in people.items()}
    assert seen == {
        "lead": {"Alone", "Team", "All", "Everybody", "For Web"},
        "colleague": {"Team", "All", "Everybody"},
        "other": {"All", "Everybody", "For Web"},
        "security": {"Team", "All", "Everybody", "For Web"},
        "auditor": {"Team", "All", "Everybody", "For Web"},
    }
    tabs = {who: names(client, "/findings/") for who, client in people.items()}
    # What others' teams share is no tab until it is pinned.
    assert tabs == seen | {"security": {"All", "Everybody", "For Web"}, "auditor": {"All", "Everybody"}}


def test_who_sees_everything_pins_what_a_team_shares(pay: Team) -> None:
    lead, security = client_of("lead", lead=pay), client_of("security", "security")
    view = keep(lead, "Team", "team:payments")
    assert view is not None
    assert "Pin Team" in get(security, URL).text
    for pinned in ("1", "1", "", ""):
        assert security.post(f"{URL}{view.pk}/pin/", {"pinned": pinned}).status_code == 302
        assert names(security, "/findings/") == ({"Team"} if pinned else set())
        assert names(security) == names(lead, "/findings/") == {"Team"}
    security.post(f"{URL}{view.pk}/pin/", {"pinned": "1"})
    User.objects.filter(username="security").update(role="member")
    client = Client()
    client.force_login(User.objects.get(username="security"))
    assert names(client) == names(client, "/findings/") == set()
    assert client.post(f"{URL}{view.pk}/pin/", {"pinned": ""}).status_code == 404


def test_views_of_many_teams_do_not_push_one_s_own_out(pay: Team) -> None:
    security, lead = client_of("security", "security"), user("lead", role="member")
    keep(security, "zz mine")
    SavedView.objects.bulk_create(
        SavedView(name=f"a{at:03}", query="q=a", by=lead, shared=True, team=pay) for at in range(MOST_VIEWS + 1)
    )
    assert names(security, "/findings/") == {"zz mine"}
    assert {"zz mine", "a000"} <= names(security)


@pytest.mark.parametrize("chosen", ["team:web", "team:nothing", "team:"])
def test_a_lead_shares_with_their_own_teams(pay: Team, web: Team, chosen: str) -> None:
    lead = client_of("lead", lead=pay, triager=web)
    assert keep(lead, "Mine", chosen) is None
    assert "Views are shared with teams you lead." in get(lead, "/findings/").text
    offered = {option.attributes["value"] for option in get(lead, "/findings/?tab=all").all("option")}
    own(pay, fleet(1).repositories)
    shown = get(lead, "/findings/?tab=all")
    assert "team:web" not in offered
    assert "team:web" not in {option.attributes["value"] for option in shown.all("option")}


def test_pins_are_each_person_s_own(pay: Team) -> None:
    lead, other = client_of("lead", lead=pay), client_of("other", viewer=pay)
    view = keep(lead, "Team", "team:payments")
    assert view is not None
    assert other.post(f"{URL}{view.pk}/pin/", {"pinned": ""}).headers["Location"] == URL
    assert names(other, "/findings/") == set()
    assert names(other) == {"Team"}
    assert names(lead, "/findings/") == {"Team"}
    assert other.post(f"{URL}{view.pk}/pin/", {"pinned": ""}).status_code == 302
    other.post(f"{URL}{view.pk}/pin/", {"pinned": "1"})
    assert names(other, "/findings/") == {"Team"}
    stranger = client_of("stranger")
    for path in ("pin", "delete"):
        assert stranger.post(f"{URL}{view.pk}/{path}/").status_code == 404
        assert stranger.post(f"{URL}999/{path}/").status_code == 404


def test_who_deletes_what_is_shared(pay: Team, web: Team) -> None:
    author = client_of("author", lead=pay)
    clients = {
        "viewer": client_of("viewer", viewer=pay),
        "auditor": client_of("auditor", "auditor", viewer=pay),
        "lead": client_of("second", lead=pay),
        "security": client_of("security", "security", viewer=pay),
    }
    for who, may in {"viewer": False, "auditor": False, "lead": True, "security": True}.items():
        view = keep(author, "Team", "team:payments")
        assert view is not None
        assert ("Delete Team" in get(clients[who], URL).text) == may
        assert clients[who].post(f"{URL}{view.pk}/delete/").status_code == (302 if may else 404), who
        assert SavedView.objects.filter(pk=view.pk).exists() != may
    view = keep(author, "Mine")
    assert view is not None
    assert clients["security"].post(f"{URL}{view.pk}/delete/").status_code == 404


def test_a_view_says_what_it_asks_for(reader: Client) -> None:
    assert "No views yet" in get(reader, URL).text
    view = keep(reader, "Late", query="tab=overdue&q=checkout&severity=high&group=team&size=250")
    assert view is not None
    text = get(reader, URL).text
    assert "Overdue · contains “checkout” · severity high · by team" in text
    assert "you alone" in text
    assert "All views (1)" in get(reader, "/findings/").text  # also where the list is empty
    link = next(each for each in get(reader, URL).all("a") if each.text == "Late")
    assert link.attributes["href"] == f"/findings/?{view.query}"


def test_a_view_of_a_team_goes_with_it(pay: Team) -> None:
    keep(client_of("lead", lead=pay), "Team", "team:payments")
    pay.delete()
    assert not SavedView.objects.exists()


def test_twenty_are_tabs_the_rest_is_on_the_page(reader: Client) -> None:
    me = User.objects.get(username="reader")
    SavedView.objects.bulk_create(SavedView(name=f"v{at:02}", query="tab=all", by=me) for at in range(25))
    assert len(names(reader, "/findings/?severity=low")) == 20
    assert len(names(reader)) == 25


def numbers(client: Client, url: str = f"{URL}?counted=all") -> dict[str, str]:
    """What each view is said to hold, by its name."""
    words = (link.text.partition(" in ") for link in get(client, url).all("a"))
    return {name: number for number, found, name in words if found}


def test_each_is_told_what_a_view_holds_of_what_they_see(pay: Team) -> None:
    made = fleet(4)
    own(pay, made.repositories[:1])
    for repository in made.repositories:
        finding(repository, "NR401", subject="counted")
    lead, security = client_of("lead", lead=pay), client_of("security", "security")
    for name in ("v1", "v1 again"):
        keep(security, name, "1", "rule=NR401&subject=counted")
    keep(security, "v2", "1", "rule=NR401&status=fixed")
    SavedView.objects.create(
        name="v3", query="q=severity:nothing", by=User.objects.get(username="security"), shared=True
    )
    assert numbers(security) == {"v1": "4", "v1 again": "4", "v2": "0", "v3": "0"}
    assert numbers(lead) == {"v1": "1", "v1 again": "1", "v2": "0", "v3": "0"}
    with patch("compliance.queries.view_counts.MOST_COUNTED", 3):
        assert numbers(security)["v1"] == "3+"
        bounded = [link for link in get(security, f"{URL}?counted=all").all("a") if link.text == "3+ in v1"]
        assert "data-count" not in bounded[0].attributes
        assert numbers(lead)["v1"] == "1"


END = "/settings/notifications/views/end/"


def test_a_view_is_mailed_until_that_is_ended(pay: Team) -> None:
    lead, other = client_of("lead", lead=pay), client_of("other", viewer=pay)
    view = keep(lead, "Team", "team:payments")
    assert view is not None
    assert "add a channel of mail" in get(other, URL).text
    assert "Mail weekly" not in get(other, URL).text
    person = User.objects.get(username="other")
    channel(person, name="Chat")
    post = channel(person, kind="mail", name="Post")
    theirs = channel(User.objects.get(username="lead"), kind="mail", name="Theirs")
    url = f"{URL}{view.pk}/mail/"
    assert "Mail weekly" in get(other, URL).text
    for odd in (theirs.pk, 999, "x", ""):
        assert other.post(url, {"channel": odd}).headers["Location"] == URL
    assert not ViewMail.objects.exists()
    assert other.post(url, {"channel": post.pk}).headers["Location"] == URL
    mail = ViewMail.objects.get()
    assert (mail.channel, mail.view, mail.name) == (post, view, "Team")
    assert "mailed each Monday to Post" in get(other, URL).text
    assert "mailed each" not in get(lead, URL).text
    assert "no mail yet" in get(other, "/settings/notifications/").text
    assert lead.post(END, {"mail": mail.pk}).status_code == 302  # nobody ends another's
    assert lead.post(url).status_code == 302
    assert ViewMail.objects.exists()
    assert other.post(END, {"mail": mail.pk}).headers["Location"] == "/settings/notifications/#views"
    assert not ViewMail.objects.exists()
    other.post(url, {"channel": post.pk})
    channel(person, kind="mail", name="Second")
    assert [option.text for option in get(lead, URL).all("option")] == []
    other.post(url)
    assert not ViewMail.objects.exists()
    assert [option.text for option in get(other, URL).all("option")] == ["Post", "Second"]
    told = AuditEvent.objects.filter(kind="channel", actor_name="other").order_by("pk")
    assert [row.data for row in told] == [{"mailed view": "Team"}, {"not mailed any more": "Team"}] * 2


def test_settings_say_why_a_view_does_not_come(pay: Team) -> None:
    lead, other = client_of("lead", lead=pay), client_of("other", viewer=pay)
    view = keep(lead, "Team", "team:payments", "rule=NR103")
    assert view is not None
    post = channel(User.objects.get(username="other"), kind="mail", name="Post")
    other.post(f"{URL}{view.pk}/mail/", {"channel": post.pk})
    settings = "/settings/notifications/"
    for change, words in (
        ({"query": "rule=NR999"}, "It asks for something that is not understood any more; save it again."),
        ({"query": "team=web"}, "It is not shared with you any more, or names what you may not see."),
        (
            {"query": "rule=NR103", "shared": False},
            "It is not shared with you any more, or names what you may not see.",
        ),
        ({"shared": True}, ""),
    ):
        SavedView.objects.update(**change)
        page = get(other, settings)
        assert ("Nothing is sent" in page.text) is bool(words)
        assert words in page.text
        assert ("rule=NR" in page.html) is ("not shared" not in words)
    post.enabled = False
    post.save()
    assert "Nothing is sent: Post is switched off." in get(other, settings).text
    view.delete()
    page = get(other, settings)
    assert "Nothing is sent: It was deleted." in page.text
    assert "Team" in page.text
    other.post(END, {"mail": ViewMail.objects.get().pk})
    assert "No view is mailed to you." in get(other, settings).text


def test_views_are_counted_after_the_page(pay: Team) -> None:
    security = client_of("security", "security")
    view = keep(security, "v1")
    assert view is not None
    page = get(security, URL)
    (results,) = (each for each in page.elements if each.attributes.get("id") == "results")
    assert results.attributes["hx-get"] == f"{URL}?counted=all"
    assert numbers(security, URL) == {}
    assert f"{URL}?counted=all" in {link.attributes["href"] for link in page.all("a")}  # without JavaScript
    part = security.get(f"{URL}?counted=all", headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="results"')
    assert "hx-get" not in part


def test_tabs_are_counted_after_the_inbox(pay: Team) -> None:
    security = client_of("security", "security")
    pinned, other = keep(security, "v1"), keep(security, "v2")
    assert pinned is not None
    assert other is not None
    security.post(f"{URL}{other.pk}/pin/", {"pinned": ""})
    inbox = get(security, "/findings/")
    (asks,) = (each for each in inbox.elements if each.attributes.get("hx-trigger", "").startswith("load"))
    part = security.get(asks.attributes["hx-get"], headers={"HX-Request": "true"}).content.decode()
    assert f'id="held-{pinned.pk}" hx-swap-oob="true">0</span>' in part
    assert f'id="held-{pinned.pk}"' in inbox.html
    assert part.count("<span") == 1
    security.post(f"{URL}{pinned.pk}/pin/", {"pinned": ""})
    assert "counted=pinned" not in get(security, "/findings/").html


@pytest.mark.parametrize("views", [1, 30])
def test_queries_do_not_grow(pay: Team, django_assert_num_queries: DjangoAssertNumQueries, views: int) -> None:
    security, lead = user("sam"), user("lead", role="member")
    join(pay, lead, "lead")
    rows = [
        SavedView(name=f"v{at}", query=f"repository=harbor/team/{at}", by=security, shared=True) for at in range(views)
    ]
    post = channel(security, kind="mail")
    SavedView.objects.bulk_create([*rows, SavedView(name="mine", query="tab=all", by=lead)])
    ViewMail.objects.bulk_create(ViewMail(channel=post, view=row, name=row.name, since=NOW) for row in rows)
    for person, expected in ((security, 5), (lead, 8)):
        client = Client()
        client.force_login(person)
        with django_assert_num_queries(expected):
            assert client.get(URL).status_code == 200
        with django_assert_num_queries(expected + 1):
            assert client.get(f"{URL}?counted=all").status_code == 200
