"""Labels of repositories: given on a page or in a cell, asked for by every list, named where their findings are."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from compliance.models import LabelSet, Membership, Repository, SavedView, SharedValue, Team, User
from compliance.policy.labels import GRAMMAR
from tests.support.api_tokens import asked, token
from tests.support.pages import Page, get, get_part, logged_in
from tests.support.remediation import finding, own, team
from tests.support.rows import NOW, Fleet, fleet, user

HOME = "/r/harbor/team/app-0000/-/"
URL = f"{HOME}labels/"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def made(db: None) -> Fleet:
    """Three repositories with a finding each; the first two belong to Web, whose triager is Tia and viewer Vic."""
    found = fleet(3)
    people = {"triager": user("tia", role="member"), "viewer": user("vic", role="member")}
    own(team("Web", **people), found.repositories[:2])
    label(found, "pci tier/1", "pci", "")
    for row in found.repositories:
        finding(row)
    return found


@pytest.fixture
def tia(made: Fleet) -> Client:
    return logged_in(User.objects.get(username="tia"))


def label(made: Fleet, *each: str) -> None:
    LabelSet.objects.bulk_create(
        LabelSet(repository=row, labels=labels.split())
        for row, labels in zip(made.repositories, each, strict=True)
        if labels
    )


def labels() -> list[list[str] | None]:
    return list(Repository.objects.order_by("name").values_list("label_set__labels", flat=True))


def shown(page: Page) -> list[str]:
    """The repositories of a list, by the last digit of their names."""
    return [row.text.split("team/app-000")[1][0] for row in page.rows] if page.all("table") else []


def chips(page: Page) -> dict[str, str]:
    return {a.text.removesuffix(", remove"): a.attributes["href"] for a in page.all("a", title="Remove this filter")}


def test_they_are_typed_on_a_page_and_stand_in_the_head(tia: Client) -> None:
    page = get(tia, URL)
    typed = page.all("input", name="labels")[0].attributes["value"]
    assert typed == "pci, tier/1"
    answer = tia.post(URL, {"labels": f"{typed} Web", "was": typed})
    assert (answer.status_code, answer.headers["Location"]) == (302, HOME)
    assert labels() == [["pci", "tier/1", "web"], ["pci"], None]
    head = get(tia, HOME)
    assert "The labels of team/app-0000 are saved." in head.text
    assert [a.attributes["href"] for a in head.all("a", class_="chip")] == [
        "/repos/?label=pci",
        "/repos/?label=tier%2F1",
        "/repos/?label=web",
    ]


def test_what_somebody_else_did_meanwhile_stays(tia: Client) -> None:
    LabelSet.objects.filter(repository__name="team/app-0000").update(labels=["pci", "theirs"])
    tia.post(URL, {"labels": "pci mine", "was": "pci tier/1"})
    assert labels()[0] == ["mine", "pci", "theirs"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("pci we!b", f"“we!b” is no label. {GRAMMAR}"),
        (" ".join(f"l{at}" for at in range(21)), "A repository has up to 20 labels; these are 21."),
        (" ".join(f"l{at}" for at in range(20)), "A repository has up to 20 labels; take one away first."),
        ("x" * 50_001, "50000"),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_what_is_refused_is_said_beside_what_was_typed(
    tia: Client, typed: str, said: str, headers: dict[str, str]
) -> None:
    before = labels()
    answer = tia.post(URL, {"labels": typed, "was": ""}, headers=headers)
    assert answer.status_code == 422
    page = Page(answer.content.decode())
    assert said in page.all("p", class_="errors")[0].text
    assert page.all("input", name="labels")[0].attributes["value"] == typed
    assert labels() == before


def test_a_cell_of_the_list_becomes_the_form_and_the_labels_again(tia: Client) -> None:
    row = get(tia, "/repos/?sort=name").rows[0]
    assert row.text.endswith("pci tier/1 change labels of team/app-0000")
    opener = next(a for a in get(tia, "/repos/").all("a") if a.attributes.get("hx-get") == URL)
    assert opener.attributes["href"] == URL
    cell = Page(get_part(tia, URL))
    (form,) = cell.all("form")
    assert form.attributes["hx-post"] == URL
    assert not cell.all("h1")
    answer = Page(tia.post(URL, {"labels": "web", "was": "pci tier/1"}, headers=HTMX).content.decode())
    assert [a.text for a in answer.all("a")] == ["web", "change labels of team/app-0000"]
    assert not answer.all("form")
    assert [a.text for a in Page(get_part(tia, f"{URL}?leave")).all("a")][:1] == ["web"]
    assert labels()[0] == ["web"]


def test_who_only_looks_sees_them_and_no_more(made: Fleet) -> None:
    vic = logged_in(User.objects.get(username="vic"))
    assert get(vic, "/repos/?sort=name").rows[0].text.endswith("pci tier/1")
    assert "change" not in get(vic, HOME).all("div", id="labels")[0].text
    get(vic, URL, status=403)
    LabelSet.objects.all().delete()
    assert not get(vic, HOME).all("div", id="labels")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "012"),
        ("label=pci", "01"),
        ("label=PCI", "01"),
        ("label=tier/1", "0"),
        ("label=pci,tier/1", "0"),
        ("label=tier/1+pci", "0"),
        ("label=pci&label=tier/1", "0"),
        ("label=tier/1&label=pci", "0"),
        ("label=nobody-has-it", ""),
        ("label=", "012"),
        ("label=,", "012"),
        ("label=pc", ""),
    ],
)
def test_all_of_them_have_to_be_there(made: Fleet, reader: Client, query: str, found: str) -> None:
    repositories = get(reader, f"/repos/?sort=name&{query}")
    assert shown(repositories) == list(found)
    assert repositories.all("div", id="results")[0].attributes["data-total"] == str(len(found))
    inbox = get(reader, f"/findings/?sort=repository&{query}")
    assert shown(inbox) == list(found)
    csv = reader.get(f"/findings/export/?sort=repository&{query}").getvalue().decode()
    assert csv.count("team/app-000") == len(found)


@pytest.mark.parametrize("query", ["label=we!b", "label=pci,we!b", "label=pci&label=we!b", "label=%00"])
def test_what_is_no_label_is_said_and_shows_nothing(made: Fleet, reader: Client, query: str) -> None:
    for url in ("/repos/", "/findings/"):
        page = get(reader, f"{url}?{query}")
        assert GRAMMAR in page.all("div", role="alert")[0].text
        assert shown(page) == []
        assert page.all("div", id="results")[0].attributes["data-total"] == "0"
    answer = reader.get(f"/findings/export/?{query}")
    assert answer.status_code == 302
    assert GRAMMAR in get(reader, answer.headers["Location"]).text
    assert reader.post("/findings/bulk/", {
        "action": "comment", "text": "x", "scope": "query", "filter": query, "total": 0, "back": ""
    }).status_code in (302, 422)  # fmt: skip
    assert not Repository.objects.filter(findings__events__kind="comment").exists()


def test_each_is_a_chip_that_can_be_taken_away(made: Fleet, reader: Client) -> None:
    expected = {"label pci": "label=tier%2F1", "label tier/1": "label=pci"}
    assert chips(get(reader, "/repos/?label=pci,tier/1")) == {
        words: f"/repos/?{query}" for words, query in expected.items()
    }
    assert chips(get(reader, "/findings/?label=tier/1&label=pci")) == {
        words: f"/findings/?{query}" for words, query in expected.items()
    }
    assert chips(get(reader, "/findings/?label=pci")) == {"label pci": "/findings/?"}


def test_the_search_box_of_the_inbox_knows_them(made: Fleet, reader: Client) -> None:
    page = get(reader, "/findings/?" + urlencode({"q": "label:PCI label:tier/1"}))
    assert shown(page) == ["0"]
    assert list(chips(page)) == ["label pci", "label tier/1"]
    assert page.all("input", name="label", type="hidden")[0].attributes["value"] == "pci,tier/1"
    wrong = get(reader, "/findings/?" + urlencode({"q": "label:we!b"}))
    assert "“label:we!b”: a label is 1 to 40 of" in wrong.all("div", id="q-problem")[0].text


def test_the_list_offers_those_that_one_may_see(made: Fleet, tia: Client, reader: Client) -> None:
    LabelSet.objects.create(repository=made.repositories[2], labels=["secret-project"])
    offered = [
        [option.attributes["value"] for option in get(who, "/repos/").all("option") if not option.text]
        for who in (tia, reader)
    ]
    assert offered == [["pci", "tier/1"], ["pci", "secret-project", "tier/1"]]
    assert get(reader, "/repos/?label=pci,tier/1").all("input", id="f-label")[0].attributes["value"] == "pci, tier/1"


def test_a_saved_view_keeps_them_and_is_shown_to_who_may_see_all_of_them(made: Fleet, tia: Client) -> None:
    LabelSet.objects.create(repository=made.repositories[2], labels=["secret-project"])
    boss = User.objects.create(username="boss", role="admin")
    for name in ("pci", "pci,tier/1", "pci,secret-project", "nobody-has-it"):
        SavedView.objects.create(by=boss, name=f"View {name}.", query=urlencode({"label": name}), shared=True)
    text = get(tia, "/findings/").text
    assert [
        name for name in ("pci.", "pci,tier/1.", "pci,secret-project.", "nobody-has-it.") if f"View {name}" in text
    ] == [
        "pci.",
        "pci,tier/1.",
    ]
    tia.post("/findings/views/", {"name": "Mine", "back": "label=tier/1&label=pci"})
    assert SavedView.objects.get(name="Mine").query == "label=pci%2Ctier%2F1"


def test_a_finding_names_the_labels_of_its_repository(made: Fleet, tia: Client) -> None:
    row = made.repositories[0].findings.get()
    page = get(tia, f"/findings/{row.pk}/")
    named = page.all("div", class_="labels")[0]
    assert named.text == "Labels of the repository pci tier/1 change"
    assert page.all("a", href="/findings/?label=tier%2F1")
    assert page.all("a", href=URL)


def test_a_program_is_told_what_is_no_label(made: Fleet, reader: Client) -> None:
    secret = token(User.objects.get(username="reader"), "read:findings").secret
    answer = asked("/findings/export/?label=we!b", secret)
    assert answer.status_code == 400
    assert "“we!b” is no label." in answer.json()["detail"]


def send(client: Client, made: Fleet, **fields: object) -> Any:
    """Post what the toolbar of the inbox does, for the findings of the first two repositories."""
    ids = [row.findings.get().pk for row in made.repositories[:2]]
    return client.post("/findings/bulk/", {"action": "label", "label": "Web", "id": ids, "shown": 2, **fields})


def test_the_repositories_of_chosen_findings_are_labelled_and_it_is_undone(made: Fleet, tia: Client) -> None:
    answer = send(tia, made, back="sort=repository")
    page = get(tia, answer.headers["Location"])
    assert labels() == [["pci", "tier/1", "web"], ["pci", "web"], None]
    assert "The label web was given to 2 repositories." in page.all("div", id="said")[0].text
    (undo,) = (form for form in page.all("form") if form.attributes.get("action", "").endswith("/undo/"))
    answer = tia.post(undo.attributes["action"], {"back": "sort=repository"})
    assert labels() == [["pci", "tier/1"], ["pci"], None]
    said = get(tia, answer.headers["Location"]).all("div", id="said")[0].text
    assert said == "Undone: these repositories have again what they had."
    answer = send(tia, made, action="unlabel", label="tier/1")
    assert labels() == [["pci"], ["pci"], None]
    assert "The label tier/1 was taken from 1 repository." in get(tia, answer.headers["Location"]).text
    SharedValue.objects.all().delete()
    assert "A label was taken from 1 repository." in get(tia, answer.headers["Location"]).text
    assert "Nothing had to be changed." in get(tia, send(tia, made, label="pci").headers["Location"]).text


def test_of_all_that_match_those_that_were_seen(made: Fleet, reader: Client, admin: Client) -> None:
    asked = {"scope": "query", "filter": "label=pci", "back": "label=pci", "total": 3}
    answer = send(admin, made, **asked)
    page = Page(answer.content.decode())
    assert (answer.status_code, labels()) == (409, [["pci", "tier/1"], ["pci"], None])
    assert "You saw 3; there are 2 now." in page.text
    hidden = {each.attributes["name"]: each.attributes["value"] for each in page.all("input", type="hidden")}
    said = {name: hidden[name] for name in ("action", "label", "scope", "filter", "back", "agreed")}
    assert admin.post("/findings/bulk/", said).status_code == 302
    assert labels() == [["pci", "tier/1", "web"], ["pci", "web"], None]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"label": ""}, GRAMMAR),
        ({"label": "two words"}, "“two words” is no label."),
        ({"label": "we!b", "action": "unlabel"}, "“we!b” is no label."),
        ({"id": []}, "Choose findings first."),
    ],
)
def test_what_cannot_be_a_label_is_refused(made: Fleet, tia: Client, fields: dict[str, object], said: str) -> None:
    before, answer = labels(), send(tia, made, **fields)
    assert answer.status_code == 422
    assert said in Page(answer.content.decode()).all("div", id="said")[0].text
    assert labels() == before


def test_nobody_labels_what_they_only_look_at(made: Fleet, tia: Client) -> None:
    own(Team.objects.create(slug="ops", name="Ops", created_at=NOW), made.repositories[1:2])
    Membership.objects.create(team=Team.objects.get(slug="ops"), user=User.objects.get(username="tia"), role="viewer")
    answer = send(tia, made)
    assert answer.status_code == 422
    assert "Nothing was changed." in Page(answer.content.decode()).all("div", id="said")[0].text
    assert labels() == [["pci", "tier/1"], ["pci"], None]
