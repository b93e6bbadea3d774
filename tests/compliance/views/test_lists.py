"""Columns and density: chosen by everybody for themselves, apart from filters, in pages and in their parts."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F, Value
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import AuditEvent, LabelSet, Repository, Tag, User
from compliance.queries.columns import HIDDEN_AT_FIRST, LISTS
from tests.support.pages import Page, get, get_part, logged_in
from tests.support.remediation import finding, own, team
from tests.support.rows import NOW, Fleet, fleet, user

ADDRESS = "/settings/lists/"
PAGES = {
    "findings": "/findings/?tab=all&sort=-age",
    "repositories": "/repos/?q=app&sort=name",
    "tags": "/tags/?registry=harbor",
    "repository": "/r/harbor/team/app-0000/-/?sort=-moved",
}
ALWAYS = {
    "findings": ["Finding"],
    "repositories": ["Repository"],
    "tags": ["Repository", "Tag"],
    "repository": ["Tag"],
}
CARDS = {"Tags that pass": "Pass", "Latest tag": "Latest", "Rules broken": "Rules"}
"""What a card calls what a table has more room for."""

EACH = sorted(LISTS)


@pytest.fixture
def made(db: None) -> Fleet:
    """Something in every list."""
    found = fleet(3)
    finding(found.repositories[0], "NR103", tags=found.tags[:1])
    LabelSet.objects.create(repository=found.repositories[0], labels=["web"])  # else nobody needs the column
    return found


@pytest.fixture
def person(reader: Client, made: Fleet) -> User:
    """Who is logged in as ``reader``."""
    return User.objects.get(username="reader")


def choose(client: Client, name: str, *columns: str, **more: str) -> str:
    """Post the form above a list; where it leads to."""
    response = client.post(ADDRESS, {"list": name, "column": columns, **more})
    assert response.status_code == 302
    return str(response.headers["Location"])


def table(html: str) -> Page:
    """The list alone: its page may have other tables."""
    found = re.search(r'<table class="cards.*?</table>', html[html.index('id="results"') :], re.DOTALL)
    assert found
    return Page(found[0])


def heads(html: str) -> list[str]:
    """What stands above the columns, without that of what is marked or done: boxes, two tags to compare, menus."""
    others = ("Choose", "From, to", "Actions")
    return [each.text for each in table(html).all("th", scope="col") if each.text not in others]


def cells(html: str) -> set[str]:
    """What the cells of the cards are called, without that of what is marked."""
    return {td.attributes["data-label"] for td in table(html).all("td") if "data-label" in td.attributes} - {"Compare"}


def rows(html: str) -> list[str]:
    """The address of each row."""
    heads_of_rows = re.findall(r'<th scope="row">.*?href="([^"]*)"', html[html.index('id="results"') :], re.DOTALL)
    return [str(each) for each in heads_of_rows]


def labels(name: str, *without: str) -> list[str]:
    """Of the columns of a list."""
    return [label for key, label in LISTS[name].items() if key not in without]


@pytest.mark.parametrize("name", EACH)
def test_everything_that_fits_is_shown_to_begin_with(reader: Client, made: Fleet, name: str) -> None:
    page, shown = get(reader, PAGES[name]), labels(name, *HIDDEN_AT_FIRST.get(name, ()))
    assert sorted(heads(page.html)) == sorted(ALWAYS[name] + shown)
    assert cells(page.html) == {CARDS.get(label, label) for label in shown}
    boxes = page.all("input", name="column")
    assert [box.attributes["value"] for box in boxes] == list(LISTS[name])
    unchecked = {box.attributes["value"] for box in boxes if "checked" not in box.attributes}
    assert unchecked == HIDDEN_AT_FIRST.get(name, set()) == ({"digest"} if name == "repository" else set())
    assert page.all("html")[0].attributes["data-density"] == "comfortable"


@pytest.mark.parametrize(("name", "key"), [(name, key) for name in EACH for key in LISTS[name]])
def test_one_column_is_hidden(reader: Client, person: User, name: str, key: str) -> None:
    choose(reader, name, *LISTS[name])
    shown = get(reader, PAGES[name])
    choose(reader, name, *(LISTS[name].keys() - {key}))
    label = LISTS[name][key]
    page, part = get(reader, PAGES[name]), get_part(reader, PAGES[name])
    for html in (page.html, part):
        assert heads(html) == [each for each in heads(shown.html) if each != label]
        assert cells(html) == cells(shown.html) - {CARDS.get(label, label)}
    assert [box.attributes["value"] for box in page.all("input", name="column") if "checked" not in box.attributes] == [
        key
    ]
    assert page.html.count("<tr") == shown.html.count("<tr")


@pytest.mark.parametrize("name", EACH)
def test_what_a_row_is_called_cannot_be_hidden(reader: Client, person: User, name: str) -> None:
    choose(reader, name)
    for html in (get(reader, PAGES[name]).html, get_part(reader, PAGES[name])):
        assert heads(html) == ALWAYS[name]
        assert not cells(html)
        assert len(table(html).all("th", scope="row")) > 0
    for other in LISTS.keys() - {name}:
        hidden = len(HIDDEN_AT_FIRST.get(other, ()))
        assert len(heads(get(reader, PAGES[other]).html)) == len(ALWAYS[other]) + len(LISTS[other]) - hidden


@pytest.mark.parametrize(
    ("name", "key"), [("findings", "repository"), ("repositories", "scanned"), ("repository", "moved")]
)
def test_a_hidden_column_still_sorts(reader: Client, made: Fleet, name: str, key: str) -> None:
    finding(made.repositories[1], "NR103", tags=made.tags[2:3])
    Repository.objects.update(scanned_at=Value(NOW) - F("pk") * timedelta(days=1))
    Tag.objects.update(moved_at=Value(NOW) - F("pk") * timedelta(days=1))
    choose(reader, name)
    path = PAGES[name].partition("?")[0]
    one, other = (rows(get(reader, f"{path}?sort={sign}{key}").html) for sign in ("", "-"))
    assert one == other[::-1]
    assert len(set(one)) > 1


@pytest.mark.parametrize("name", EACH)
def test_the_address_stays_as_it_is(reader: Client, person: User, name: str) -> None:
    page = get(reader, PAGES[name])
    form = page.html[page.html.index('class="columns"') :]
    back = Page(form).all("input", name="next")[0].attributes["value"]
    assert back == f"{PAGES[name]}#columns"
    assert choose(reader, name, next=back) == back
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{PAGES[name]}&page=1#t-tags"}
    there = reader.post(ADDRESS, {"list": name, "next": "/repos/"}, headers=headers)
    assert there.headers["Location"] == f"{PAGES[name]}&page=1"
    part = reader.get(there.headers["Location"], headers=headers)
    assert part.status_code == 200
    assert "HX-Push-Url" not in part.headers
    assert heads(part.content.decode()) == ALWAYS[name]


@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "", "\\\\evil"])
def test_it_never_leads_elsewhere(reader: Client, person: User, address: str) -> None:
    assert choose(reader, "tags", next=address) == "/"
    headers = {"HX-Request": "true", "HX-Current-URL": address or "http://testserver//evil.example"}
    assert reader.post(ADDRESS, {"list": "tags"}, headers=headers).headers["Location"] == "/"


@pytest.mark.parametrize(
    "sent",
    [{}, {"list": "people", "column": "name"}, {"list": ""}, {"density": "tiny"}, {"density": ""}, {"list": "Findings"},
     {"list": "\x00", "density": "\x00"}, {"all": ""}],
)  # fmt: skip
def test_names_that_are_not_on_the_lists_change_nothing(reader: Client, person: User, sent: dict[str, str]) -> None:
    User.objects.update(density="compact", hidden_columns={"tags": ["size"]})
    assert reader.post(ADDRESS, sent).status_code == 302
    person.refresh_from_db()
    assert (person.density, person.hidden_columns) == ("compact", {"tags": ["size"]})


def test_foreign_columns_are_ignored(reader: Client, person: User) -> None:
    choose(reader, "tags", "verdict", "status", "<script>", "\x00", "Tag")
    person.refresh_from_db()
    assert person.hidden_columns == {"tags": [key for key in LISTS["tags"] if key != "verdict"]}
    assert heads(get(reader, PAGES["tags"]).html) == ["Repository", "Tag", "Verdict"]


def test_what_is_stored_and_not_known_any_more_is_ignored(reader: Client, person: User) -> None:
    User.objects.update(hidden_columns={"tags": ["gone", "size"], "gone": ["size"]})
    assert heads(get(reader, PAGES["tags"]).html) == ["Repository", "Tag", *labels("tags", "size")]
    assert "Hidden: 1 column of Tags, 1 column of Tags of a repository." in get(reader, "/settings/profile/").text


def test_everybody_changes_only_their_own(reader: Client, person: User) -> None:
    other = logged_in(user("other"))
    choose(reader, "findings", density="compact")
    stays = User.objects.get(username="other")
    assert (stays.density, stays.hidden_columns) == ("comfortable", {})
    page = get(other, PAGES["findings"])
    assert len(heads(page.html)) == 1 + len(LISTS["findings"])
    assert page.all("html")[0].attributes["data-density"] == "comfortable"


@pytest.mark.parametrize("role", ["member", "auditor", "security", "admin"])
def test_every_role_may(made: Fleet, role: str) -> None:
    somebody = user("somebody", role=role)
    own(team("Payments", viewer=somebody), made.repositories)
    client = logged_in(somebody)
    choose(client, "findings", "severity")
    assert heads(get(client, PAGES["findings"]).html) == ["Severity", "Finding"]


def test_nobody_else_may(made: Fleet) -> None:
    response = Client().post(ADDRESS, {"list": "tags"})
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/login/")


def test_lists_are_kept_apart(reader: Client, person: User) -> None:
    choose(reader, "tags", "verdict")
    choose(reader, "repository", "size")
    choose(reader, "tags", *LISTS["tags"])
    person.refresh_from_db()
    assert person.hidden_columns == {"repository": [key for key in LISTS["repository"] if key != "size"]}


def test_rows_stand_closer_on_every_page(reader: Client, person: User) -> None:
    assert (
        reader.post(ADDRESS, {"density": "compact", "next": "/settings/profile/"}).headers["Location"]
        == "/settings/profile/"
    )
    for path in (*PAGES.values(), "/", "/waivers/", "/settings/"):
        assert get(reader, path).all("html")[0].attributes["data-density"] == "compact"
    for path in PAGES.values():
        assert 'data-density="compact"' in get_part(reader, path)
    assert 'data-density="comfortable"' in Client().get("/login/").content.decode()


def test_settings_show_all_columns_again(reader: Client, person: User) -> None:
    assert "Hidden: 1 column of Tags of a repository." in get(reader, "/settings/profile/").text
    reader.post(ADDRESS, {"all": "1"})
    page = get(reader, "/settings/profile/")
    assert "No column of a list is hidden" in page.text
    assert "Show all columns again" not in page.text
    choose(reader, "findings", "severity", density="compact")
    choose(reader, "repository", *(LISTS["repository"].keys() - {"size"}))
    page = get(reader, "/settings/profile/")
    assert "Hidden: 7 columns of Findings, 1 column of Tags of a repository." in page.text
    chosen = [box.attributes["value"] for box in page.all("input", name="density") if "checked" in box.attributes]
    assert chosen == ["compact"]
    reader.post(ADDRESS, {"density": "compact", "all": "1", "next": "/settings/profile/"})
    person.refresh_from_db()
    assert (person.density, person.hidden_columns) == ("compact", {"repository": []})
    assert sorted(heads(get(reader, PAGES["repository"]).html)) == sorted(["Tag", *labels("repository")])


def test_what_is_hidden_at_first_is_not_kept(reader: Client, person: User) -> None:
    choose(reader, "repository", *(LISTS["repository"].keys() - HIDDEN_AT_FIRST["repository"]))
    person.refresh_from_db()
    assert person.hidden_columns == {}
    choose(reader, "repository", *LISTS["repository"])
    person.refresh_from_db()
    assert person.hidden_columns == {"repository": []}


def test_the_findings_of_an_unfolded_group(reader: Client, person: User) -> None:
    choose(reader, "findings", "severity", "tags")
    html = get(reader, "/findings/?tab=all&group=rule&opened=NR103").html
    inner = Page(html[html.index('<tr class="inner">') :])
    assert [each.text for each in inner.all("th", scope="col")] == ["Severity", "Finding", "Tags"]


def test_what_a_change_of_many_answers(reader: Client, person: User) -> None:
    choose(reader, "findings", "status", density="compact")
    posted = {"action": "status", "back": "tab=all&sort=-age", "filter": "tab=all"}  # nothing was chosen
    refused = reader.post("/findings/bulk/", posted)
    assert refused.status_code == 422
    html = refused.content.decode()
    assert heads(html) == ["Finding", "Status"]
    assert 'name="next" value="/findings/?tab=all&amp;sort=-age#columns"' in html


def test_exports_have_all_columns(reader: Client, person: User) -> None:
    lines = [list(reader.get(f"/findings/export/?tab=all&format={kind}")) for kind in ("csv", "ndjson")]
    choose(reader, "findings")
    assert [list(reader.get(f"/findings/export/?tab=all&format={kind}")) for kind in ("csv", "ndjson")] == lines
    assert "Exports have all columns." in get(reader, PAGES["findings"]).text
    assert "Exports have all columns." not in get(reader, PAGES["tags"]).text


@pytest.mark.parametrize("name", EACH)
def test_it_costs_no_query(
    reader: Client, person: User, django_assert_num_queries: DjangoAssertNumQueries, name: str
) -> None:
    get(reader, PAGES[name])
    with CaptureQueriesContext(connection) as before:
        get(reader, PAGES[name])
    count = len(before)
    choose(reader, name, density="compact")
    with django_assert_num_queries(count):
        get(reader, PAGES[name])


def test_it_is_no_matter_of_the_audit_trail(reader: Client, person: User) -> None:
    before = AuditEvent.objects.count()
    choose(reader, "tags", density="compact")
    assert AuditEvent.objects.count() == before
    assert reader.get("/settings/profile/").status_code == 200  # and the session goes on
