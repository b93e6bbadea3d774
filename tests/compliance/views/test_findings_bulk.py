"""Many findings at once: those that were chosen or all that match, all of them or none, and back again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.test import Client

from compliance.models import BulkChange, Finding, FindingEvent, Occurrence, Repository, RepositoryScan, Tag, Team, User
from compliance.policy.wake_up import WakeUp, Work
from tests.support.pages import Page, get
from tests.support.remediation import finding_row, findings, join, own, team
from tests.support.rows import NOW, fleet, user

HTMX = {"HX-Request": "true"}


@pytest.fixture
def many(reader: Client) -> list[Finding]:
    """Sixty findings in two repositories of a team and one of nobody."""
    made = fleet(3)
    own(team("Payments"), made.repositories[:2])
    return findings(
        finding_row(repository, "NR103", subject=f"s{at}") for at in range(20) for repository in made.repositories
    )


def send(client: Client, many: list[Finding], how: int, /, **fields: object) -> Any:
    """Post ids of the first so many."""
    values = {"id": [row.pk for row in many[:how]], "shown": 50, "total": 60, "back": "tab=open&page=2", **fields}
    return client.post("/findings/bulk/", values)


def send_query(client: Client, **fields: object) -> Any:
    """Post as the page does when all that match are meant."""
    shown = list(Finding.objects.values_list("pk", flat=True)[:50])
    values = {"id": shown, "shown": 50, "scope": "query", "filter": "", "total": 60, "back": "", **fields}
    return client.post("/findings/bulk/", values, headers=HTMX)


ACTIONS: list[tuple[dict[str, object], dict[str, object]]] = [
    ({"action": "assign", "assignee": "me"}, {"assignee__username": "reader"}),
    ({"action": "assign", "assignee": "reader"}, {"assignee__username": "reader"}),
    ({"action": "status", "status": "in_progress"}, {"status": "in_progress"}),
    ({"action": "status", "status": "false_positive", "reason": "A test image."}, {"status": "false_positive"}),
    ({"action": "due", "due": "2026-04-01", "reason": "Vendor."}, {"due_at__date": "2026-04-01", "due_edited": True}),
    ({"action": "comment", "text": "Look at this."}, {"events__text": "Look at this."}),
]


@pytest.mark.parametrize(("asked", "became"), ACTIONS)
def test_what_is_chosen_is_changed(
    reader: Client, many: list[Finding], asked: Mapping[str, object], became: Mapping[str, object]
) -> None:
    response = send(reader, many, 3, **asked)
    assert response.status_code == 302
    made = BulkChange.objects.get()
    assert response.headers["Location"] == f"/findings/?page=2&changed={made.pk}"
    assert set(Finding.objects.filter(**became)) == set(many[:3])


@pytest.mark.parametrize(("asked", "became"), ACTIONS)
def test_all_that_match_are_changed(
    reader: Client, many: list[Finding], asked: Mapping[str, object], became: Mapping[str, object]
) -> None:
    send_query(reader, filter="team=payments", total=40, **asked)
    assert Finding.objects.filter(**became).count() == 40
    assert not Finding.objects.filter(**became, repository__team=None).exists()


def test_tags_of_many_are_scanned_again(reader: Client, many: list[Finding]) -> None:
    tags = {tag.repository_id: tag for tag in Tag.objects.order_by("pk")}
    Occurrence.objects.bulk_create(
        Occurrence(finding=row, tag=tags[row.repository_id], since=NOW) for row in many if row.subject != "s0"
    )
    with patch("compliance.views.findings.ring") as ring:
        response = send_query(reader, filter="team=payments", total=40, action="rescan")
    page = get(reader, response.headers["Location"])
    assert "2 tags are scanned again, for 40 findings." in page.text
    assert "Undo" not in page.text
    (rung,) = [call.args[0] for call in ring.call_args_list]
    assert [each.work for each in rung] == [Work.REPOSITORY_SCAN] * 2
    assert send_query(reader, filter="team=payments", total=41, action="rescan").status_code == 409


def test_another_number_than_was_seen_is_asked_again(reader: Client, many: list[Finding]) -> None:
    response = send_query(reader, action="status", status="in_progress", total=58)
    assert response.status_code == 409
    page = Page(response.content.decode())
    assert "You saw 58; there are 60 now. Nothing was changed yet." in page.text
    assert not BulkChange.objects.exists()
    assert "<html" not in response.content.decode()
    form = page.html.split('id="said"')[1].split("</form>")[0]
    fields = {
        element.attributes["name"]: element.attributes["value"]
        for element in Page(form).all("input", type="hidden")
        if element.attributes["name"] != "csrfmiddlewaretoken"
    }
    assert reader.post("/findings/bulk/", fields, headers=HTMX).status_code == 302
    assert Finding.objects.filter(status="in_progress").count() == 60


def test_what_is_gone_of_the_chosen_is_asked_again(reader: Client, many: list[Finding]) -> None:
    Finding.objects.filter(pk=many[0].pk).delete()
    response = send(reader, many, 3, action="assign", assignee="me")
    assert response.status_code == 409
    assert "You saw 3; there are 2 now." in Page(response.content.decode()).text
    agreed = send(reader, many, 3, action="assign", assignee="me", agreed=2)
    assert agreed.status_code == 302
    assert Finding.objects.filter(assignee__username="reader").count() == 2


def test_who_takes_one_out_after_choosing_all_means_the_rest(reader: Client, many: list[Finding]) -> None:
    send(reader, many, 4, action="assign", assignee="me", scope="query", shown=5)
    assert Finding.objects.filter(assignee__username="reader").count() == 4


def test_undo(reader: Client, many: list[Finding]) -> None:
    send(reader, many, 5, action="assign", assignee="me")
    made = BulkChange.objects.get()
    page = get(reader, f"/findings/?changed={made.pk}")
    assert "5 findings assigned." in page.text
    boxes = [box.attributes for box in page.all("input", name="id")]
    assert {box["value"] for box in boxes if "checked" in box} == {str(row.pk) for row in many[:5]}
    Finding.objects.filter(pk=many[0].pk).update(assignee=user("kim"))
    response = reader.post(f"/findings/bulk/{made.pk}/undo/", {"back": "tab=mine"})
    assert response.headers["Location"] == f"/findings/?tab=mine&changed={made.pk}&kept=1"
    said = get(reader, response.headers["Location"]).text
    assert "Undone: these findings have again what they had. 1 had been changed since and stay as they are." in said
    assert not Finding.objects.filter(assignee__username="reader").exists()
    again = reader.post(f"/findings/bulk/{made.pk}/undo/", {})
    assert again.status_code == 422
    assert "It was undone already." in Page(again.content.decode()).text


def test_undo_says_what_it_gave_to_nobody(reader: Client, many: list[Finding]) -> None:
    kim = user("kim", role="member")
    Finding.objects.update(assignee=kim)
    send(reader, many, 2, action="assign", assignee="me")
    made = BulkChange.objects.get()

    response = reader.post(f"/findings/bulk/{made.pk}/undo/", {"back": ""})

    said = get(reader, response.headers["Location"])
    assert "have again what they had. 2 of them nobody has: whoever had them may not see them any more." in said.text
    row = get(reader, f"/findings/{many[0].pk}/").text
    assert "Taken from reader" in row
    assert "Undone. kim may not see it any more, so nobody has it." in row


def test_nobody_undoes_what_others_did(reader: Client, client: Client, many: list[Finding]) -> None:
    send(reader, many, 5, action="assign", assignee="me")
    made = BulkChange.objects.get()
    client.force_login(user("other"))
    assert client.post(f"/findings/bulk/{made.pk}/undo/").status_code == 404
    assert client.post(f"/findings/bulk/{10**25}/undo/").status_code == 404
    assert "assigned." not in get(client, f"/findings/?changed={made.pk}").text
    assert Finding.objects.filter(assignee__username="reader").count() == 5


REFUSED: list[tuple[dict[str, object], str]] = [
    ({"action": "assign", "assignee": "nobody-of-that-name"}, "There is nobody of that name."),
    ({"action": "status", "status": "fixed"}, "Select a valid choice"),
    ({"action": "status", "status": ""}, "Choose a status."),
    ({"action": "status", "status": "false_positive"}, "Write a reason"),
    ({"action": "due", "due": "2020-01-01", "reason": "x"}, "The due date is between now"),
    ({"action": "due", "due": "tomorrow"}, "Enter a valid date"),
    ({"action": "due"}, "Enter a date."),
    ({"action": "comment", "text": "  "}, "Write a comment."),
    ({"action": "comment", "text": "x" * 5_000}, "at most 4,000"),
    ({"action": "delete"}, "Select a valid choice"),
    ({}, "This field is required."),
    ({"action": "assign", "id": []}, "Choose findings first."),
    ({"action": "assign", "id": ["x", "-1", "1;2"]}, "Choose findings first."),
    ({"action": "assign", "id": list(range(1, 300))}, "At most 250 can be chosen one by one."),
]


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(("asked", "said"), REFUSED)
def test_what_cannot_be_is_refused_in_words(
    reader: Client, many: list[Finding], asked: dict[str, object], said: str, headers: dict[str, str]
) -> None:
    values = {"id": [row.pk for row in many[:3]], "back": "severity=critical", **asked}
    response = reader.post("/findings/bulk/", values, headers=headers)
    assert response.status_code == 422
    page = Page(response.content.decode())
    assert said in page.text
    assert "severity critical" in page.text
    assert not BulkChange.objects.exists()
    chosen = [box for box in page.all("input", name="id") if "checked" in box.attributes]
    assert len(chosen) == (3 if "id" not in asked else len(chosen))


def test_what_was_entered_stays_where_it_is_refused(reader: Client, many: list[Finding]) -> None:
    typed = {"action": "due", "due": "1999-01-01", "reason": "a freeze", "assignee": "kim", "text": "t", "label": "l"}
    values = {"id": [many[0].pk], "back": "", "status": "false_positive", **typed}
    response = reader.post("/findings/bulk/", values)
    page = Page(response.content.decode())
    assert response.status_code == 422
    act = page.html.split('class="act"')[1].split("</div>")[0]
    for name in ("due", "reason", "assignee", "text", "label"):
        assert f'name="{name}" value="{typed[name]}"' in act
    for chosen in ("due", "false_positive"):
        assert f'<option value="{chosen}" selected' in act
    untouched = get(reader, "/findings/").html.split('class="act"')[1].split("</div>")[0]
    assert (" selected" in untouched, 'name="due" value=""' in untouched) == (False, True)


def test_links_of_an_answer_lead_back_to_the_list(reader: Client, many: list[Finding]) -> None:
    response = send(reader, many, 3, action="comment", text="", back="tab=all&size=25&sort=age")
    page = Page(response.content.decode())
    hrefs = [link.attributes.get("href", "") for link in page.all("a")]
    assert "/findings/?tab=all&size=25&sort=age&page=2" in hrefs
    assert not [href for href in hrefs if "/bulk/" in href]


def test_claims_are_looked_at_at_once(reader: Client, many: list[Finding], monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[WakeUp] = []
    monkeypatch.setattr("compliance.views.findings.ring", heard.extend)
    tag = Tag.objects.get(repository=many[0].repository, name="latest")
    Occurrence.objects.create(finding=many[0], tag=tag, since=NOW)
    send(reader, many, 3, action="status", status="fix_claimed")
    assert heard == [WakeUp(Work.REPOSITORY_SCAN, RepositoryScan.objects.get(only_tags=["latest"]).pk)]
    assert FindingEvent.objects.filter(became="fix_claimed").count() == 3


def test_waiving_goes_to_the_form_with_what_they_have_in_common(reader: Client, many: list[Finding]) -> None:
    same = [row for row in many if row.repository == many[0].repository]
    plain = send(reader, same, 2, action="waive")
    assert plain.status_code == 302
    assert plain.headers["Location"] == (
        "/waivers/-/new/?rule=NR103&team=payments&repository=harbor%2Fteam%2Fapp-0000&registry=harbor"
        f"&id={same[0].pk}%2C{same[1].pk}"
    )
    response = send_query(reader, action="waive", filter="q=app&is=protected", total=0)
    assert response.headers["HX-Redirect"] == "/waivers/-/new/?q=app&is=protected"
    assert reader.get(plain.headers["Location"]).status_code == 200


# Who may.


def lead_of_one_and_viewer_of_another() -> User:
    somebody = user("lead", role="member")
    join(Team.objects.get(slug="payments"), somebody, "lead")
    join(team("Shipping"), somebody, "viewer")
    own(Team.objects.get(slug="shipping"), [Repository.objects.get(name="team/app-0002")])
    return somebody


def test_findings_of_others_are_as_if_they_did_not_exist(client: Client, many: list[Finding]) -> None:
    somebody = user("lead", role="member")
    join(Team.objects.get(slug="payments"), somebody, "lead")
    client.force_login(somebody)
    foreign = [row for row in many if row.repository.team_id is None]
    mixed = [many[0], foreign[0]]
    response = send(client, mixed, 2, action="assign", assignee="me")
    assert response.status_code == 409
    unknown = client.post("/findings/bulk/", {"id": [many[0].pk, 10**9], "action": "assign", "assignee": "me"})
    assert unknown.status_code == 409
    assert not BulkChange.objects.exists()
    send_query(client, action="assign", assignee="me", total=40)
    assert not Finding.objects.filter(repository__team=None, assignee__isnull=False).exists()


def test_all_or_none_where_some_may_only_be_looked_at(client: Client, many: list[Finding]) -> None:
    client.force_login(lead_of_one_and_viewer_of_another())
    page = get(client, "/findings/")
    assert len(page.all("input", name="id")) == sum(row.repository.name != "team/app-0002" for row in many[:50])
    response = send_query(client, action="assign", assignee="me")
    assert response.status_code == 422
    assert "Nothing was changed." in response.content.decode()
    assert not BulkChange.objects.exists()


@pytest.mark.parametrize("role", ["auditor", "viewer"])
def test_who_may_only_look_has_nothing_to_choose(client: Client, many: list[Finding], role: str) -> None:
    somebody = user("looker", role="auditor" if role == "auditor" else "member")
    join(Team.objects.get(slug="payments"), somebody, "viewer")
    client.force_login(somebody)
    page = get(client, "/findings/")
    assert not page.all("input", name="id")
    assert not page.all("button", id="apply")
    assert send(client, many, 3, action="assign", assignee="me").status_code == 403
    assert client.post("/findings/bulk/1/undo/").status_code == 403


def test_people_of_other_teams_are_not_known(client: Client, many: list[Finding]) -> None:
    somebody = user("lead", role="member")
    join(Team.objects.get(slug="payments"), somebody, "lead")
    user("elsewhere", role="member")
    client.force_login(somebody)
    known = send(client, many, 1, action="assign", assignee="elsewhere").content
    unknown = send(client, many, 1, action="assign", assignee="not-there").content
    assert b"There is nobody of that name." in known
    assert b"There is nobody of that name." in unknown
    offered = get(client, "/findings/").html.split('<datalist id="people">')[1].split("</datalist>")[0]
    assert [each.attributes["value"] for each in Page(offered).all("option")] == ["lead"]


def test_reading_changes_nothing(reader: Client, many: list[Finding]) -> None:
    for path in ("/findings/bulk/", "/findings/bulk/1/undo/", "/findings/views/1/pin/", "/findings/views/1/delete/"):
        assert reader.get(path).status_code == 405
    before = list(Finding.objects.values_list("pk", "changed_at"))
    reader.get("/findings/?action=assign&assignee=me&changed=1")
    assert list(Finding.objects.values_list("pk", "changed_at")) == before
    assert NOW - timedelta(days=10) == many[0].opened_at


@pytest.mark.parametrize("text", ["&" * 5_000, "a=1&" * 1_400, "%ff=%00", "tab=all&" * 700, "q=\x00", "x" * 9_999])
def test_no_address_to_go_back_to_breaks_it(reader: Client, many: list[Finding], text: str) -> None:
    for fields in ({"back": text}, {"filter": text, "scope": "query"}, {"back": text, "action": "assign"}):
        response = reader.post("/findings/bulk/", {"id": [many[0].pk], "action": "comment", **fields})
        assert response.status_code in (302, 409, 422)
        assert response.headers.get("Location", "/findings/").startswith("/findings/")
    assert reader.post("/findings/views/", {"name": "n", "back": text}).status_code == 302


GROUPED: list[tuple[str, str, int]] = [
    ("rule", "NR103", 60),
    ("repository", "harbor/team/app-0000", 20),
    ("team", "payments", 40),
    ("team", "none", 20),
    ("registry", "harbor", 60),
]


def whole(client: Client, group: str, key: str) -> str:
    """What the page sends for a group."""
    found = {field.attributes["value"] for field in get(client, f"/findings/?group={group}").all("input")
             if field.attributes.get("name") == "whole"}  # fmt: skip
    (value,) = (each for each in found if each.endswith(f"{group}={key.replace('/', '%2F')}"))
    return value


@pytest.mark.parametrize(("group", "key", "count"), GROUPED)
def test_a_whole_group_is_changed_and_back_again(
    reader: Client, many: list[Finding], group: str, key: str, count: int
) -> None:
    sent = {"action": "status", "status": "in_progress", "whole": whole(reader, group, key), "back": f"group={group}"}
    response = reader.post("/findings/bulk/", sent)
    made = BulkChange.objects.get()
    assert (response.status_code, made.count) == (302, count)
    assert response.headers["Location"] == f"/findings/?group={group}&changed={made.pk}"
    assert Finding.objects.filter(status="in_progress").count() == count
    page = get(reader, response.headers["Location"])
    assert f"{count} findings given the status." in page.text
    assert "Undo" in page.text
    reader.post(f"/findings/bulk/{made.pk}/undo/", {"back": f"group={group}"})
    assert not Finding.objects.filter(status="in_progress").exists()


def test_all_groups_are_changed_at_once(reader: Client, many: list[Finding]) -> None:
    reader.post("/findings/bulk/", {"action": "comment", "text": "x", "whole": "60 ", "back": "group=team"})
    assert BulkChange.objects.get().count == 60


def test_a_group_that_has_grown_is_asked_again(reader: Client, many: list[Finding]) -> None:
    value = whole(reader, "team", "payments")
    findings([finding_row(many[0].repository, "NR103", subject="late")])
    sent = {"action": "status", "status": "in_progress", "whole": value, "back": "group=team"}
    response = reader.post("/findings/bulk/", sent)
    assert response.status_code == 409
    assert "You saw 40; there are 41 now. Nothing was changed yet." in Page(response.content.decode()).text
    reader.post("/findings/bulk/", {**sent, "agreed": 41})
    assert BulkChange.objects.get().count == 41


@pytest.mark.parametrize("value", ["", "40", "x team=payments", "-1 team=payments", f"40 {'a' * 100_000}"])
def test_no_group_changes_nothing(reader: Client, many: list[Finding], value: str) -> None:
    response = reader.post("/findings/bulk/", {"action": "comment", "text": "x", "whole": value, "back": "group=team"})
    assert response.status_code == 422
    assert not BulkChange.objects.exists()
    assert value or "Choose a group first." in response.content.decode()


def test_a_group_is_waived_with_what_it_has_in_common(reader: Client, many: list[Finding]) -> None:
    response = reader.post("/findings/bulk/", {"action": "waive", "whole": "40 team=payments", "back": "group=team"})
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/waivers/-/new/?")
    assert "team=payments" in response.headers["Location"]
