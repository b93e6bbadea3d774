"""Policies: list, one policy, editing, rights."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from compliance.models import Policy, PolicyAssignment, PolicyVersion, Rejudging, Repository, State
from compliance.services.rejudge import finish_rejudgings
from scanner.rulebook import RULES
from tests.support.pages import Page, get
from tests.support.rows import HOSTILE, NOW, fleet, policy_version, tag_row, unreadable


def entered(client: Client, url: str = "/policies/kubernetes/edit/") -> dict[str, str]:
    """What a browser would send if nobody touched the form."""
    page = get(client, url)
    return {**_inputs(page), **_choices(page), "note": "Because."}


def _inputs(page: Page) -> dict[str, str]:
    fields = [each.attributes for each in page.all("input") if "name" in each.attributes]
    ticked = {a["name"]: "on" for a in fields if a.get("type") == "checkbox" and "checked" in a}
    typed = {a["name"]: a.get("value", "") for a in fields if a.get("type") in ("text", "number", "hidden")}
    return {**typed, **ticked}


def _choices(page: Page) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for element in page.elements:
        if element.name == "select":
            name = element.attributes["name"]
        elif element.name == "option" and "selected" in element.attributes:
            found[name] = element.attributes["value"]
    return found


def test_policies(reader: Client) -> None:
    assert "No policy is stored yet" in get(reader, "/policies/").text
    policy_version()
    page = get(reader, "/policies/")
    assert page.all("section", id="kubernetes")
    assert "NR202" in page.all("section", id="kubernetes")[0].text
    assert "NR202" not in page.all("section", id="baseline")[0].text


def test_the_number_of_repositories_is_that_of_the_list_behind_it(reader: Client) -> None:
    fleet(3)
    found = get(reader, "/policies/").all("a", href="/repos/?policy=kubernetes")
    assert found[0].text == "3 repositories"
    assert len(get(reader, "/repos/?policy=kubernetes").rows) == 3
    assert not get(reader, "/repos/?policy=strict").rows


def test_a_policy_counts_what_it_links_to(reader: Client) -> None:
    fleet(2)
    page = get(reader, "/policies/kubernetes/")
    links = [a.attributes["href"] for a in page.all("a") if "?rule=" in a.attributes.get("href", "")]
    assert len(links) == len(RULES)
    for href in links:
        count = page.all("a", href=href)[0].text.split()[0]
        assert len(get(reader, href).rows if count != "0" else []) == int(count), href
    assert get(reader, "/policies/strict/").all("a", href="/tags/?rule=NR202&policy=strict")[0].text.startswith("0")


def test_saving_the_form_untouched_changes_nothing(admin: Client) -> None:
    policy_version()
    for name in Policy.objects.values_list("name", flat=True):
        url = f"/policies/{name}/edit/"
        assert admin.post(url, entered(admin, url)).status_code == 302
    assert set(PolicyVersion.objects.values_list("number", flat=True)) == {1}


def save(client: Client, changes: dict[str, str | None]) -> Any:
    """Post the form with some fields changed; ``None`` takes a tick away."""
    data = {**entered(client), **changes}
    return client.post("/policies/kubernetes/edit/", {name: value for name, value in data.items() if value is not None})


def test_saving(admin: Client) -> None:
    fleet(2)
    changes = {"NR101-fails": None, "NR107-threshold": "500", "NR110-enabled": None}
    assert save(admin, changes).headers["Location"] == "/policies/kubernetes/"
    version = Policy.objects.get(name="kubernetes").current
    assert version is not None
    assert (version.number, version.note, str(version.author), version.created_at) == (2, "Because.", "boss", NOW)
    rules = version.document["rules"]
    assert not rules["NR101"]["fails"]
    assert rules["NR107"]["threshold"] == 500
    assert not rules["NR110"]["enabled"]
    assert Rejudging.objects.get().state == State.QUEUED
    assert "Version 2: 2 repositories wait for a worker" in get(admin, "/policies/kubernetes/").text


def test_who_made_a_version_and_why(admin: Client) -> None:
    policy_version()
    assert "version 1, just now by a release" in get(admin, "/policies/").text
    save(admin, {"NR101-fails": None, "note": "Until the base image is new."})
    assert "version 2, just now by boss" in get(admin, "/policies/").text
    text = get(admin, "/policies/kubernetes/").text
    assert "Until the base image is new. NR101 does not fail the image any more" in text
    assert "what the release ships is version 1" in text


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("title", "", "This field is required."),
        ("title", "x" * 201, "at most 200 characters"),
        ("note", "", "This field is required."),
        ("note", "x" * 501, "at most 500 characters"),
        ("note", "a\u202eb", "a character in it that cannot be shown"),
        ("title", "a\u202eb", "Enter a title of at most 200 characters."),
        ("fails_at", "grave", "grave is not one of the available choices"),
        ("NR107-threshold", "-1", "greater than or equal to 0"),
        ("NR107-threshold", "many", "Enter a whole number."),
        ("NR107-threshold", "9" * 5_000, "Enter a whole number."),
        ("NR101-severity", "grave", "grave is not one of the available choices"),
        ("based_on", "x", "Something has to be corrected"),
    ],
)
def test_wrong_values_are_said_in_place_and_stay(admin: Client, field: str, value: str, said: str) -> None:
    policy_version()
    response = save(admin, {field: value, "NR105-fails": None})
    page = Page(response.content.decode())
    assert response.status_code == 422
    assert said in page.text
    assert "checked" not in page.all("input", name="NR105-fails")[0].attributes
    assert set(PolicyVersion.objects.values_list("number", flat=True)) == {1}


def test_a_hint_cannot_be_made_to_fail(admin: Client) -> None:
    policy_version()
    assert not get(admin, "/policies/kubernetes/edit/").all("input", name="NR501-fails")
    save(admin, {"NR501-fails": "on"})
    assert set(PolicyVersion.objects.values_list("number", flat=True)) == {1}


def test_two_who_save_at_once(admin: Client) -> None:
    policy_version()
    mine = {**entered(admin), "note": "Mine"}
    del mine["NR105-fails"]
    save(admin, {"NR101-fails": None, "note": "Theirs"})

    response = admin.post("/policies/kubernetes/edit/", mine)

    assert response.status_code == 409
    page = Page(response.content.decode())
    assert "boss saved version 2 just now, after you opened this form." in page.text
    assert "“Theirs” NR101 does not fail the image any more" in page.text
    would = page.text.partition("What saving this form would change")[2]
    assert would.startswith(" in their version NR101 fails the image NR105 does not fail the image any more")
    assert page.all("input", name="based_on")[0].attributes["value"] == "2"
    assert page.all("textarea", name="note")[0].text == "Mine"
    again = admin.post("/policies/kubernetes/edit/", {**mine, "based_on": "2"})
    assert (again.status_code, PolicyVersion.objects.filter(note="Mine").count()) == (302, 1)


def test_a_preview_lists_what_would_flip_and_stores_nothing(admin: Client) -> None:
    fleet(2)
    data = {**entered(admin), "NR301-fails": "on", "note": ""}
    response = admin.post("/policies/kubernetes/preview/", data, headers={"HX-Request": "true"})
    page = Page(response.content.decode())
    assert response.status_code == 200
    text = page.all("section")[0].text
    assert "2 of 4 tags would flip: 2 Pass →to Fail" in text
    assert "1 change to version 1NR301 fails the image" in text
    assert [row.text for row in page.rows] == [f"team/app-000{at}Harbor 1.0 Pass Fail NR301" for at in (0, 1)]
    assert page.all("a", href="/r/harbor/team/app-0000/-/t/1.0/")
    assert "<html" not in page.html
    assert set(PolicyVersion.objects.values_list("number", flat=True)) == {1}
    assert not Rejudging.objects.exists()


def test_a_preview_without_script_keeps_the_form(admin: Client) -> None:
    fleet(1)
    data = {**entered(admin), "NR301-fails": "on", "note": "Half a sent"}
    page = Page(admin.post("/policies/kubernetes/preview/", data).content.decode())
    assert "1 of 2 tags would flip" in page.text
    assert "checked" in page.all("input", name="NR301-fails")[0].attributes
    assert page.all("textarea", name="note")[0].text == "Half a sent"


def test_previews_have_pages(admin: Client) -> None:
    fleet(60)
    data = {**entered(admin), "NR301-fails": "on", "page": "2"}
    page = Page(admin.post("/policies/kubernetes/preview/", data, headers={"HX-Request": "true"}).content.decode())
    assert len(page.rows) == 10
    assert "51–60 of 60" in page.text
    assert page.all("button", name="page", value="1")[0].attributes["hx-post"] == "/policies/kubernetes/preview/"


def test_a_preview_says_that_nothing_flips(admin: Client) -> None:
    fleet(1)
    part = {"HX-Request": "true"}
    same = admin.post("/policies/kubernetes/preview/", entered(admin), headers=part).content.decode()
    assert "saving changes nothing" in same
    assert "No verdict would change</strong> among 2 tags" in same
    url = "/policies/strict/"
    nobody = admin.post(f"{url}preview/", entered(admin, f"{url}edit/"), headers=part).content.decode()
    assert "this policy judges no tag yet" in nobody


def test_what_is_not_known_stays_unknown_in_a_preview(admin: Client) -> None:
    made = fleet(1)
    tag_row(made.repositories[0], "broken", unreadable(7)).save()
    Repository.objects.update(unknown=1, tags_total=3)
    data = {**entered(admin), "NR301-fails": "on"}
    text = admin.post("/policies/kubernetes/preview/", data, headers={"HX-Request": "true"}).content.decode()
    assert "1 of 3 tags would flip" in text
    assert "1 tag would be unknown" in text


def test_a_preview_of_a_wrong_form(admin: Client) -> None:
    policy_version()
    data = {**entered(admin), "NR107-threshold": "x"}
    response = admin.post("/policies/kubernetes/preview/", data, headers={"HX-Request": "true"})
    assert response.status_code == 422
    section = Page(response.content.decode()).all("section")[0]
    assert "Threshold of NR107: Enter a whole number." in section.text


def test_a_version_is_restored_by_saving_its_settings_again(admin: Client) -> None:
    policy_version()
    save(admin, {"NR101-fails": None})
    restored = entered(admin, "/policies/kubernetes/edit/?from=1")
    assert restored["NR101-fails"] == "on"
    assert restored["based_on"] == "2"
    assert admin.post("/policies/kubernetes/edit/", restored).status_code == 302
    first, third = (PolicyVersion.objects.get(number=number, policy__name="kubernetes") for number in (1, 3))
    assert (first.document, third.edited) == (third.document, False)


@pytest.mark.parametrize("number", ["9", "x", "0", "٣", "1" * 50])
def test_restoring_what_there_is_not_begins_with_what_counts(admin: Client, number: str) -> None:
    policy_version()
    assert "These are the settings of version" not in get(admin, f"/policies/kubernetes/edit/?from={number}").text


def test_progress_of_judging_again(admin: Client) -> None:
    fleet(2)
    save(admin, {"NR103-fails": None})
    page = get(admin, "/policies/kubernetes/")
    asks = next(each.attributes["hx-get"] for each in page.elements if "hx-get" in each.attributes)
    assert admin.get(asks, headers={"HX-Request": "true"}).status_code == 204
    finish_rejudgings(clock=lambda: NOW)
    done = admin.get(asks, headers={"HX-Request": "true"})
    assert done.status_code == 286
    assert "hx-get" not in done.content.decode()
    assert "2 repositories were last judged again by version 2" in done.content.decode()
    assert admin.get("/policies/strict/", headers={"HX-Request": "true"}).status_code == 404


@pytest.mark.parametrize("path", ["edit/", "preview/", "scope/", "scope/preview/", "scope/1/remove/", "scope/1/move/"])
def test_only_administrators_change(reader: Client, path: str) -> None:
    policy_version()
    page = get(reader, "/policies/kubernetes/")
    assert not page.all("form", action=f"/policies/kubernetes/{path}")
    assert not page.all("a", href=f"/policies/kubernetes/{path}")
    assert reader.post(f"/policies/kubernetes/{path}", {"pattern": "*"}).status_code == 403
    assert not PolicyAssignment.objects.exists()


@pytest.mark.parametrize("path", ["preview/", "scope/", "scope/preview/", "scope/1/remove/", "scope/1/move/"])
def test_changes_are_posted(admin: Client, path: str) -> None:
    policy_version()
    get(admin, f"/policies/kubernetes/{path}", status=405)


@pytest.mark.parametrize("path", ["", "edit/", "history/"])
def test_policies_that_do_not_exist(admin: Client, path: str) -> None:
    get(admin, f"/policies/none/{path}", status=404)


def test_only_administrators_make_policies(reader: Client) -> None:
    get(reader, "/policies/-/new/", status=403)
    assert not get(reader, "/policies/").all("a", href="/policies/-/new/")


def test_a_copy(admin: Client) -> None:
    policy_version()
    data = {"name": "team-a", "title": "For team A", "like": "strict"}
    assert admin.post("/policies/-/new/", data).headers["Location"] == "/policies/team-a/"
    assert "It judges nothing until" in get(admin, "/policies/team-a/").text
    settings = [Policy.objects.get(name=name).current.document["rules"] for name in ("team-a", "strict")]  # type: ignore[union-attr]  # both were published
    assert settings[0] == settings[1]


@pytest.mark.parametrize(
    ("field", "value"), [("name", "strict"), ("name", "Team A"), ("name", ""), ("title", ""), ("like", "none")]
)
def test_copies_that_cannot_be(admin: Client, field: str, value: str) -> None:
    policy_version()
    data = {"name": "team-a", "title": "For team A", "like": "strict", field: value}
    response = admin.post("/policies/-/new/", data)
    assert response.status_code == 422
    assert b'class="errors"' in response.content
    assert Policy.objects.count() == 4


def test_names_and_notes_are_shown_and_never_obeyed(admin: Client) -> None:
    policy_version()
    save(admin, {"title": HOSTILE, "note": HOSTILE, "NR101-fails": None})
    for url in ("", "kubernetes/", "kubernetes/edit/", "kubernetes/history/?a=1&b=2"):
        page = get(admin, f"/policies/{url}")
        assert "<img src=x" not in page.html
        assert "{{ 7|add:7 }}" in page.html
