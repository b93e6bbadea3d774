"""What the table of a repository's tags says of times, and the menu beside each of its rows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from compliance.models import Image, Push, RepositoryScan, Tag, User
from tests.support.hooks import delivered
from tests.support.pages import Element, Page, get, logged_in
from tests.support.remediation import finding, own, team
from tests.support.rows import NOW, Fleet, artifact, fleet, tag_row, user

URL = "/r/harbor/team/app-0000/-/"


@pytest.fixture
def made(db: None) -> Fleet:
    """A fleet of a team with a triager, Tia, and Vic, who only looks."""
    found = fleet(1)
    people = {"triager": user("tia", role="member"), "viewer": user("vic", role="member")}
    own(team("Web", **people), found.repositories)
    return found


def by(name: str) -> Client:
    return logged_in(User.objects.get(username=name))


def row(page: Page, name: str) -> str:
    return next(each.text for each in page.rows if each.text.startswith(name))


def offered(page: Page, name: str) -> list[str]:
    (menu,) = [each for each in page.all("details", class_="menu") if f"Actions for {name} " in f"{each.text} "]
    return [each.text for each in Page(_of(page, menu)).all("li")]


def _of(page: Page, menu: Element) -> str:
    name = menu.text.removeprefix("⋯Actions for ").split()[0]
    return page.html.split(f"Actions for {name}</span>")[1].split("</details>")[0]


def href(page: Page, name: str, text: str) -> str:
    """Where an entry of a tag's menu leads."""
    found = Page(page.html.split(f"Actions for {name}</span>")[1].split("</details>")[0])
    return next(a.attributes["href"] for a in found.all("a") if a.text == text)


def test_each_time_says_what_it_is(made: Fleet, reader: Client) -> None:
    Image.objects.filter(pk=made.failing.pk).update(built_at=NOW - timedelta(days=5), first_seen_at=NOW)
    Image.objects.filter(pk=made.passing.pk).update(built_at=NOW.replace(year=1970), first_seen_at=NOW)
    delivery = delivered(made.registry, "latest", scan=made.scan, state="joined")
    Push.objects.filter(event=delivery).update(digest=made.failing.digest, received_at=NOW - timedelta(days=4))
    Tag.objects.filter(name="1.0").update(unconfirmed_since=NOW - timedelta(days=2))
    page = get(reader, URL)
    assert "3 days ago pushed 4 days ago 1 hour ago 5 days ago" in row(page, "latest")
    assert "3 days ago – no date" in row(page, "1.0")
    said = page.all("details", class_="means")[0].text
    assert all(f"{label} W" in said for label in ("Moved here", "Scanned", "Built"))


def test_what_everybody_may_and_what_triagers_may(made: Fleet) -> None:
    looking = ["Compare with…", "Findings of this tag", "Copy digest"]
    assert offered(get(by("vic"), URL), "latest") == looking
    assert not get(by("vic"), URL).all("form", id="rescan-tag")
    page = get(by("tia"), URL)
    assert offered(page, "latest") == ["Rescan this tag", *looking[:2], "Waive…", "Copy digest"]
    assert page.all("form", id="rescan-tag")[0].attributes["action"] == f"{URL}rescan/"


def test_what_has_nothing_to_waive_or_to_compare(made: Fleet) -> None:
    tag_row(made.repositories[0], "chart", artifact(950)).save()
    tag_row(made.repositories[0], "clean", made.passing, violated=[]).save()
    tag_row(made.repositories[0], "odd", made.passing, digest="", image=None, violated=[]).save()
    page = get(by("tia"), URL)
    assert offered(page, "chart") == ["Rescan this tag", "Findings of this tag", "Copy digest"]
    assert "Waive…" not in offered(page, "clean")
    assert "Copy digest" not in offered(page, "odd")


def test_findings_of_this_tag_alone(made: Fleet, reader: Client) -> None:
    latest, other = (next(tag for tag in made.tags if tag.name == name) for name in ("latest", "1.0"))
    finding(made.repositories[0], "NR103", tags=[latest])
    finding(made.repositories[0], "NR301", tags=[latest, other])
    finding(made.repositories[0], "NR302")
    page = get(reader, URL)
    shown = {name: get(reader, href(page, name, "Findings of this tag")) for name in ("latest", "1.0")}
    assert [len(each.all("tr", data_row="")) for each in shown.values()] == [2, 1]
    assert "tag latest" in shown["latest"].text
    assert "say which repository" in get(reader, "/findings/?tag=latest").text
    Tag.objects.filter(name="latest").update(deleted_at=NOW)
    assert not get(reader, "/findings/?repository=harbor/team/app-0000&tag=latest").all("tr", data_row="")


def test_a_waiver_begins_with_the_scope_of_the_tag(made: Fleet) -> None:
    client = by("tia")
    form = get(client, href(get(client, URL), "latest", "Waive…"))
    values = {each.attributes["name"]: each.attributes.get("value", "") for each in form.all("input", type="text")}
    assert (values["repository"], values["tag"], values["team"]) == ("team/app-0000", "latest", "web")
    assert [each.text for each in form.all("option", value="harbor") if "selected" in each.attributes] == ["Harbor"]


def test_one_tag_is_scanned_again_from_its_row(made: Fleet) -> None:
    client = by("tia")
    (button,) = get(client, URL).all("button", form="rescan-tag", value="1.0")
    answer = client.post(f"{URL}rescan/", {button.attributes["name"]: "1.0"})
    assert answer.headers["Location"] == URL
    assert RepositoryScan.objects.order_by("-pk")[0].only_tags == ["1.0"]
    assert "The registry is asked about 1.0." in get(client, URL).text
    for tag, said in (("1.0", "asks about 1.0: no other was made"), ("none", "no such tag"), ("\0", "no such tag")):
        client.post(f"{URL}rescan/", {"tag": tag})
        assert said in get(client, URL).text
    assert by("vic").post(f"{URL}rescan/", {"tag": "1.0"}).status_code == 403


def test_settings_of_who_may_take_it_say_no_numbers(made: Fleet) -> None:
    """What nobody owns is offered to leads, who do not see it."""
    lea = user("lea", role="member")
    own(team("Pay", lead=lea), [])
    made.repositories[0].team = None
    made.repositories[0].save()
    page = get(logged_in(lea), f"{URL}owner/")
    assert "Who owns it?" in page.text
    assert not page.all("nav", aria_label="Of this repository")
    assert "baseline" not in page.text


def test_settings_of_who_sees_it(made: Fleet, reader: Client) -> None:
    page = get(reader, f"{URL}owner/")
    tabs = page.all("nav", aria_label="Of this repository")[0]
    assert [a.text for a in page.all("a", aria_current="page") if a.text in tabs.text] == ["Settings"]
    assert [each.text for each in page.all("h2")][:3] == ["Owner", "Nothing new", "Set elsewhere"]
    assert page.all("a", href="/policies/kubernetes/")
