"""One finding's page: what it shows, to whom, and what can be done there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import BulkChange, Finding, FindingEvent, RepositoryScan, Tag, User
from tests.support.pages import Page, get, get_part
from tests.support.remediation import finding, join, own, team
from tests.support.rows import HOSTILE, NOW, Fleet, fleet, tag_row, user

DAY = timedelta(days=1)


@pytest.fixture
def made(db: None) -> Fleet:
    return fleet(2)


def show(made: Fleet, at: int = 0, **columns: object) -> Finding:
    """The critical finding of a repository's failing tag."""
    tag = next(tag for tag in made.tags if tag.repository_id == made.repositories[at].pk and tag.name == "latest")
    return finding(made.repositories[at], "NR103", tags=[tag], **columns)


def member(role: str, made: Fleet, name: str = "kim") -> Client:
    somebody = user(name, role="member")
    row = team("Payments")
    join(row, somebody, role)
    own(row, made.repositories[:1])
    client = Client()
    client.force_login(User.objects.get(pk=somebody.pk))
    return client


def test_what_it_says(reader: Client, made: Fleet) -> None:
    row = show(made)
    page = get(reader, f"/findings/{row.pk}/")
    assert page.all("h1")[0].text == "Runs as root under another name"
    assert "The image runs as root, uid 0" in page.all("p", class_="lead")[0].text
    assert "In 1 tag for 10 days" in page.text
    assert "due in 4 days" in page.text
    assert [each.attributes["href"] for each in page.all("a") if each.text == "1 tag"] == [
        f"/tags/?finding={row.pk}"
    ] * 2
    assert page.all("a", href="/rules/NR103/")
    assert page.all("a", href="/r/harbor/team/app-0000/-/t/latest/")
    assert "app:x:0:0::/home/app" in page.text
    assert "Found" in page.all("ol", class_="timeline")[0].text


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"due_at": NOW - 3 * DAY}, "3 days overdue"),
        ({"due_at": None}, "no due date"),
        ({"due_at": NOW + 40 * DAY, "due_edited": True}, "due in 40 days 19 Apr 2026 edited"),
        ({"status": "fixed", "closed_at": NOW, "resolution": "proved"}, "Proved by a scan, just now."),
        ({"status": "waived"}, "It is waived. End the waiver to work on it."),
        ({"status": "fix_claimed", "claimed_at": NOW}, "the next scan of the tag confirms or refutes it"),
        ({"regression": True}, "regression: it ran as somebody else before"),
        ({"baseline": True, "due_at": None}, "part of the baseline"),
        ({"rule": "NR999"}, "NR999"),
        ({"rule": "NR101", "subject": ""}, "The stored facts do not show it any more"),
    ],
)
def test_where_it_stands(reader: Client, made: Fleet, columns: dict[str, object], words: str) -> None:
    rule = str(columns.pop("rule", "NR103"))
    row = finding(made.repositories[0], rule, tags=[made.tags[1]], **columns)
    assert words in get(reader, f"/findings/{row.pk}/").text


def test_without_a_tag(reader: Client, made: Fleet) -> None:
    row = finding(made.repositories[0])
    assert "No tag shows it now." in get(reader, f"/findings/{row.pk}/").text


def test_rules_that_compare_platforms(reader: Client, made: Fleet) -> None:
    tag = made.tags[1]
    root = {"platform": "linux/arm64", "digest": "", "verdict": "fail", "runs_as": "uid 0"}
    tag.platforms = [*tag.platforms, root]
    tag.save()
    row = finding(made.repositories[0], "NR112", platform="", subject="", tags=[tag])
    row.occurrences.update(image=None)
    assert get(reader, f"/findings/{row.pk}/").all("h1")


def test_only_the_first_tags_are_shown(reader: Client, made: Fleet) -> None:
    more = Tag.objects.bulk_create(tag_row(made.repositories[0], f"t{at:02}", made.failing) for at in range(30))
    row = finding(made.repositories[0], tags=more)
    page = get(reader, f"/findings/{row.pk}/")
    assert "all 30 tags" in page.text
    assert len([each for each in page.all("tr") if each.text.startswith("t")]) == 20


@pytest.mark.parametrize("path", ["", "people/"])
def test_foreign_and_missing_ones_are_not_found(made: Fleet, path: str) -> None:
    foreign = show(made, 1)
    client = member("lead", made)
    for pk in (foreign.pk, 999_999, 10**30):
        assert client.get(f"/findings/{pk}/{path}").status_code == 404


CHANGES = {
    "status/": {"status": "in_progress"},
    "assign/": {"to": "nobody"},
    "due/": {"due": "2026-04-01", "reason": "agreed"},
    "comment/": {"text": "hello"},
    "rescan/": {},
}


@pytest.mark.parametrize("path", CHANGES)
def test_rights(made: Fleet, path: str) -> None:
    foreign, own_one = show(made, 1), show(made)
    clients = {role: member(role, made, role) for role in ("viewer",)}
    auditor = Client()
    auditor.force_login(user("auditor", role="auditor"))
    for client in (clients["viewer"], auditor):
        assert client.post(f"/findings/{own_one.pk}/{path}", CHANGES[path]).status_code == 403
        page = get(client, f"/findings/{own_one.pk}/").text
        assert "Set status" not in page
        assert "Scan its" not in page
    assert clients["viewer"].post(f"/findings/{foreign.pk}/{path}", CHANGES[path]).status_code == 404
    assert clients["viewer"].get(f"/findings/{own_one.pk}/{path}").status_code == 405
    assert not BulkChange.objects.exists()


@pytest.mark.parametrize("path", CHANGES)
def test_a_triager_works_on_it(made: Fleet, path: str) -> None:
    row = show(made, assignee=user("before"))
    client = member("triager", made)
    response = client.post(f"/findings/{row.pk}/{path}", CHANGES[path])
    bulk = BulkChange.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/findings/{row.pk}/?changed={bulk.pk}")
    page = get(client, response["Location"])
    assert ("Saved." in page.text) == (path not in ("comment/", "rescan/"))
    part = client.post(f"/findings/{row.pk}/comment/", {"text": "again"}, headers={"HX-Request": "true"})
    assert part.status_code == 200
    assert "<html" not in part.content.decode()
    assert "again" in part.content.decode()


def test_a_comment_sent_twice_is_answered_as_if_written_and_is_one(reader: Client, made: Fleet) -> None:
    row = show(made)
    answers = [reader.post(f"/findings/{row.pk}/comment/", {"text": "hello"}) for _ in range(2)]
    assert answers[0]["Location"] == answers[1]["Location"]
    part = reader.post(f"/findings/{row.pk}/comment/", {"text": "hello"}, headers={"HX-Request": "true"})
    assert part.status_code == 200
    assert [each.text for each in Page(part.content.decode()).all("p", class_="text")] == ["hello"]


def test_somebody_else_s_change_is_not_offered_for_undo(reader: Client, admin: Client, made: Fleet) -> None:
    row = show(made)
    reader.post(f"/findings/{row.pk}/status/", {"status": "open"})
    bulk = BulkChange.objects.get()
    assert "Saved." in get(reader, f"/findings/{row.pk}/?changed={bulk.pk}").text
    assert "Saved." not in get(admin, f"/findings/{row.pk}/?changed={bulk.pk}").text
    for nonsense in ("x", "-1", "9" * 40, ""):
        assert "Saved." not in get(reader, f"/findings/{row.pk}/?changed={nonsense}").text


def test_undo_of_an_assignment_whose_holder_has_left(reader: Client, made: Fleet) -> None:
    row = show(made)
    Finding.objects.filter(pk=row.pk).update(assignee=user("kim", role="member"))
    reader.post(f"/findings/{row.pk}/assign/", {"to": "me"})
    bulk = BulkChange.objects.get()
    response = reader.post(f"/findings/{row.pk}/undo/", {"bulk": str(bulk.pk)})
    assert "Undone. Nobody has it: who had it may not see it any more." in get(reader, response["Location"]).text
    assert Finding.objects.get(pk=row.pk).assignee is None


def test_undo(reader: Client, admin: Client, made: Fleet) -> None:
    row = show(made)
    reader.post(f"/findings/{row.pk}/status/", {"status": "open"})
    bulk = BulkChange.objects.get()
    url = f"/findings/{row.pk}/undo/"
    for client, sent in ((admin, str(bulk.pk)), (reader, "x"), (reader, ""), (reader, "999")):
        assert client.post(url, {"bulk": sent}).status_code == 404
    for words in ("Undone.", "It was undone already."):
        response = reader.post(url, {"bulk": bulk.pk}, follow=True)
        assert words in response.content.decode()
        row.refresh_from_db()
        assert row.status == "new"


def test_claiming_asks_for_a_scan(reader: Client, made: Fleet) -> None:
    row = show(made)
    before = RepositoryScan.objects.count()
    reader.post(f"/findings/{row.pk}/status/", {"status": "fix_claimed"})
    row.refresh_from_db()
    assert row.status == "fix_claimed"
    part = RepositoryScan.objects.latest("pk")
    assert (RepositoryScan.objects.count(), part.only_tags) == (before + 1, ["latest"])
    assert "New → Fix claimed" in get(reader, f"/findings/{row.pk}/").text


def test_its_tags_are_scanned_again(reader: Client, made: Fleet) -> None:
    row = show(made)
    assert "Scan its tag again" in get(reader, f"/findings/{row.pk}/").text
    for words in ("1 tag is scanned again, for this finding.", "No registry is asked: "):
        response = reader.post(f"/findings/{row.pk}/rescan/")
        page = get(reader, response["Location"])
        assert words in page.text
        assert "Undo" not in page.text
    assert page.text.count("Its tags are scanned again") == 1
    assert RepositoryScan.objects.latest("pk").only_tags == ["latest"]
    sent = {"HX-Request": "true", "HX-Target": "preview"}
    part = reader.post(f"/findings/{row.pk}/rescan/", headers=sent).content.decode()
    assert part.count("No registry is asked: ") == 2  # seen, and said
    without = finding(made.repositories[0], "NR104")
    assert "scan" not in get(reader, f"/findings/{without.pk}/").all("section")[0].text.lower().replace("a scan", "")


@pytest.mark.parametrize(
    ("path", "sent", "words"),
    [
        ("status/", {"status": "fixed"}, "Select a valid choice"),
        ("status/", {}, "This field is required"),
        ("status/", {"status": "false_positive"}, "Write a reason."),
        ("status/", {"status": "open", "reason": "x" * 501}, "at most 500"),
        ("assign/", {}, "Write a user name"),
        ("assign/", {"who": "nobody-there"}, "There is nobody called nobody-there."),
        ("assign/", {"who": "stranger"}, "stranger may not see all of these repositories."),
        ("due/", {"due": "soon", "reason": "x"}, "Enter a valid date"),
        ("due/", {"due": "2026-04-01"}, "Write a reason for another due date."),
        ("due/", {"due": "2026-03-09", "reason": "x"}, "between now and ten years"),
        ("due/", {"due": "9999-12-31", "reason": "x"}, "between now and ten years"),
        ("due/", {"due": "0001-01-01", "reason": "x"}, "between now and ten years"),
        ("comment/", {"text": "  "}, "This field is required"),
        ("comment/", {"text": "x" * 4_001}, "at most 4000 characters"),
        ("comment/", {"text": "a\0b"}, "Null characters are not allowed"),
    ],
)
def test_what_cannot_be_done_is_said(reader: Client, made: Fleet, path: str, sent: dict[str, str], words: str) -> None:
    user("stranger", role="member")
    row = show(made)
    for headers in ({}, {"HX-Request": "true"}):
        response = reader.post(f"/findings/{row.pk}/{path}", sent, headers=headers)
        assert response.status_code == 422
        assert words in response.content.decode()
    assert not BulkChange.objects.exists()


def test_due_dates_end_with_the_day_of_who_sets_them(made: Fleet) -> None:
    row = show(made)
    client = Client()
    client.force_login(user("ines", time_zone="America/New_York"))
    client.post(f"/findings/{row.pk}/due/", {"due": "2026-04-01", "reason": "x"})
    row.refresh_from_db()
    assert row.due_at is not None
    assert row.due_at.isoformat() == "2026-04-02T03:59:59+00:00"
    page = get(client, f"/findings/{row.pk}/")
    assert page.all("input", id="fd-due")[0].attributes["value"] == "2026-04-01"
    client.post(f"/findings/{row.pk}/due/", {"restore": "on"})
    row.refresh_from_db()
    assert (row.due_at, row.due_edited) == (NOW + 4 * DAY, False)


@pytest.mark.parametrize(
    ("zone", "due"), [("America/New_York", "9999-12-31"), ("Asia/Tokyo", "0001-01-01"), ("Europe", "9999-12-31")]
)
def test_days_at_the_ends_of_time_are_refused_in_words(made: Fleet, zone: str, due: str) -> None:
    row, client = show(made), Client()
    client.force_login(user("ines", time_zone=zone))
    said = {"due": due, "reason": "x"}
    for path, sent in (
        (f"/findings/{row.pk}/due/", said),
        ("/findings/bulk/", {**said, "action": "due", "id": str(row.pk)}),
    ):
        response = client.post(path, sent)
        assert response.status_code == 422
        assert "between now and ten years from now" in response.content.decode()


def test_names_of_those_it_may_be_given_to(made: Fleet) -> None:
    row = show(made)
    client = member("triager", made)
    user("stranger", role="member")
    user("auditor", role="auditor")
    names = get_part(client, f"/findings/{row.pk}/people/")
    assert 'value="kim"' in names
    assert 'value="auditor"' in names
    assert "stranger" not in names
    assert get_part(client, f"/findings/{row.pk}/people/?who=AUD").count("<option") == 1
    viewer = Client()
    viewer.force_login(User.objects.get(username="auditor"))
    assert viewer.get(f"/findings/{row.pk}/people/").status_code == 403


def test_the_preview_tells_the_newest_five_events_and_leads_to_all(reader: Client, made: Fleet) -> None:
    row = show(made)
    url = f"/findings/{row.pk}/"
    texts = [f"Said {at} <b>" for at in range(5)]
    said = 1  # that it was found
    for text in texts:
        seen = {"HX-Target": "preview", "HX-Request": "true"}
        part = Page(reader.post(f"{url}comment/", {"text": text}, headers=seen).content.decode())
        said += 1
        assert len(part.all("li")) == min(said, 5)
        everything = [link for link in part.all("a") if link.text == "Everything that happened"]
        assert bool(everything) == (said > 5)
    assert [each.text for each in part.all("p", class_="text")] == texts[::-1]
    assert everything[0].attributes["href"] == f"{url}?events=all#fd-timeline"
    assert len(get(reader, everything[0].attributes["href"]).all("p", class_="text")) == 5
    assert "the newest 5" in part.html


def test_the_preview_is_a_part_of_its_own(reader: Client, made: Fleet) -> None:
    row = show(made)
    url = f"/findings/{row.pk}/"
    card = get_part(reader, url)
    preview = get_part(reader, url, **{"HX-Target": "preview"})
    assert 'id="finding"' in card
    assert "fd-timeline" in card
    assert 'id="finding"' not in preview
    assert "Affected tags" in card
    assert "Affected tags" not in preview
    assert 'hx-target="#preview"' in preview
    sent = reader.post(f"{url}status/", {"status": "open"}, headers={"HX-Request": "true", "HX-Target": "preview"})
    assert 'hx-target="#preview"' in sent.content.decode()
    assert reader.get(url)["Vary"].count("HX-Request") == 1


def test_nothing_that_is_typed_is_markup(reader: Client, made: Fleet) -> None:
    row = show(made, subject=HOSTILE)
    FindingEvent.objects.create(finding=row, at=NOW, kind="comment", text=HOSTILE)
    FindingEvent.objects.create(finding=row, at=NOW, kind="waiver", became=HOSTILE)
    FindingEvent.objects.create(finding=row, at=NOW, kind="assignee", was=HOSTILE, became=HOSTILE)
    html = reader.get(f"/findings/{row.pk}/").content.decode()
    assert "<img" not in html
    assert 'hx-get="/x"' not in html
    assert "{{ 7|add:7 }}" in html


def test_long_timelines(reader: Client, made: Fleet) -> None:
    row = show(made)
    FindingEvent.objects.bulk_create(
        FindingEvent(finding=row, at=NOW, kind="comment", text=str(at)) for at in range(60)
    )
    page = get(reader, f"/findings/{row.pk}/")
    assert page.all("a", href=f"/findings/{row.pk}/?events=all#fd-timeline")
    every = get(reader, f"/findings/{row.pk}/?events=all")
    shown = [len([li for li in each.all("li") if "ago" in li.text or "just now" in li.text]) for each in (page, every)]
    assert shown == [50, 61]


@pytest.mark.parametrize("tags", [1, 25])
def test_queries_do_not_grow(
    reader: Client, made: Fleet, django_assert_num_queries: DjangoAssertNumQueries, tags: int
) -> None:
    more = Tag.objects.bulk_create(tag_row(made.repositories[0], f"t{at:02}", made.failing) for at in range(tags))
    rows = [finding(made.repositories[0], tags=more, subject=str(at)) for at in range(tags)]
    FindingEvent.objects.bulk_create(FindingEvent(finding=rows[0], at=NOW, kind="comment") for _ in range(tags))
    with django_assert_num_queries(10):
        assert reader.get(f"/findings/{rows[0].pk}/").status_code == 200


def test_its_tags_are_a_list_of_their_own(reader: Client, made: Fleet) -> None:
    more = Tag.objects.bulk_create(tag_row(made.repositories[0], f"t{at:02}", made.failing) for at in range(60))
    row = finding(made.repositories[0], tags=more)
    page = get(reader, f"/tags/?finding={row.pk}")
    assert f"shows finding {row.pk}" in page.text
    assert len(page.rows) == 50
    assert "51–60 of 60" in get(reader, f"/tags/?finding={row.pk}&page=2").text
    assert len(get(reader, f"/tags/?finding={row.pk}&verdict=fail&rule=NR103&q=app&page=2").rows) == 10
    assert "No tag matches" in get(reader, f"/tags/?finding={row.pk}&verdict=pass").text
    for client, url in ((member("lead", made), f"/tags/?finding={show(made, 1).pk}"), (reader, "/tags/?finding=999")):
        assert "No tag matches" in get(client, url).text


def test_another_s_undo_is_not_theirs(made: Fleet) -> None:
    row = show(made, 1)
    assert member("lead", made).post(f"/findings/{row.pk}/undo/", {"bulk": "1"}).status_code == 404
