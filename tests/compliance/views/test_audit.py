"""The page of the audit trail: who may read it, what it says, what it finds, its file."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import timedelta

import pghistory
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import (
    AuditAction,
    AuditCheck,
    AuditEvent,
    Finding,
    Membership,
    Registry,
    SavedView,
    Team,
    User,
    Waiver,
)
from compliance.policy.registry_values import RegistryValues
from compliance.queries.audit_filter import SHOWS
from compliance.services.record_audit import audit
from compliance.services.save_registry import save_registry
from compliance.services.seal_audit import seal_audit
from compliance.services.verify_audit import check_audit
from compliance.services.webhook_endpoints import make_endpoint, rotate_secret
from tests.support.pages import Page, get
from tests.support.remediation import finding
from tests.support.rows import HOSTILE, NOW, fleet, policy_version, registry, scan, user

pytestmark = pytest.mark.django_db


def rows(page: Page) -> list[str]:
    """Each line's text, newest first."""
    return [element.text for element in page.all("tr")][1:]


@pytest.mark.parametrize(("role", "status"), [("member", 403), ("auditor", 200), ("security", 200), ("admin", 200)])
@pytest.mark.parametrize("path", ["/settings/audit/", "/settings/audit/export/"])
def test_who_may_read_it(role: str, status: int, path: str) -> None:
    client = Client()
    client.force_login(user("somebody", role=role))
    assert client.get(path).status_code == status
    assert client.post(path).status_code in (403, 405)


def test_a_change_says_what_it_was_before_and_who_did_it(admin: Client) -> None:
    boss = User.objects.get(username="boss")
    team = Team.objects.create(slug="web", name="Web", created_at=NOW)
    admin.post("/theme/", {"theme": "dark"})
    Team.objects.filter(pk=team.pk).update(name="Web shop", description="Sells")
    Membership.objects.create(team=team, user=boss, role="lead")
    found = rows(get(admin, "/settings/audit/?kind=team"))
    assert "Changed team Web shop" in found[0]
    assert "name Web → became Web shop" in found[0]
    assert "description – → became Sells" in found[0]
    assert "Added team Web" in found[1]
    assert "boss, Web shop" in rows(get(admin, "/settings/audit/?kind=membership"))[0]


def test_a_request_is_remembered_with_the_line(admin: Client) -> None:
    boss = User.objects.get(username="boss")
    answer = admin.post("/teams/-/new/", {"name": "Web", "slug": "web", "description": ""}, REMOTE_ADDR="203.0.113.7")
    assert answer.status_code == 302, answer.content
    event = AuditEvent.objects.get(kind="team", action="added")
    assert (event.actor, event.actor_name) == (boss.pk, "boss")
    assert event.context["ip"] == "203.0.113.7"
    assert event.context["path"] == "/teams/-/new/"
    line = rows(get(admin, "/settings/audit/?person=boss&kind=team"))[0]
    assert "boss" in line
    assert "203.0.113.7" in line


def test_filters_and_their_chips(admin: Client) -> None:
    boss = User.objects.get(username="boss")
    Team.objects.create(slug="web", name="Web", created_at=NOW)
    audit(AuditAction.LOGIN, boss, by=boss, now=NOW - timedelta(days=3))
    audit(AuditAction.LOGIN_FAILED, None, by=None, now=NOW, name="eve")
    for query, expected in {
        "action=login": 1,
        "action=login&period=day": 0,
        "action=login&period=week": 1,
        "person=boss": 1,
        "person=eve": 1,
        "person=nobody": 0,
        "kind=team": 1,
        "show=all&kind=nonsense&action=%00&period=x&before=x": AuditEvent.objects.count(),
    }.items():
        page = get(admin, f"/settings/audit/?{query}")
        assert len(rows(page)) == expected, query
        if not expected:
            assert "No line matches" in page.text
    assert "Filtered by" in get(admin, "/settings/audit/?kind=team&action=added").text


def by_itself(finding: Finding) -> None:
    """A scan changes a finding, as a task; the clock changes a waiver's finding, without one."""
    with pghistory.context(task="compliance.scan_repository"):
        Finding.objects.filter(pk=finding.pk).update(status="open")
    Finding.objects.filter(pk=finding.pk).update(status="fix_claimed")


def test_the_first_view_is_what_people_did(admin: Client) -> None:
    made = finding(fleet(1).repositories[0])
    by_itself(made)
    admin.post(f"/findings/{made.pk}/comment/", {"text": "Seen."})
    admin.post(f"/findings/{made.pk}/status/", {"status": "in_progress"})
    audit(AuditAction.LOGIN_FAILED, None, by=None, now=NOW, name="eve")
    admin.get("/findings/export/?format=csv")
    Team.objects.create(slug="web", name="Web", created_at=NOW)
    said = {show: rows(get(admin, f"/settings/audit/?show={show}")) for show in SHOWS}
    assert rows(get(admin, "/settings/audit/")) == said["people"]
    assert [line for line in said["people"] if " finding " in line and "boss" not in line] == []
    assert "in progress" in " ".join(said["people"]).replace("_", " ")
    assert len([line for line in said["itself"] if " finding " in line]) == 2
    assert not [line for line in said["people"] if "scan_repository" in line]
    assert [len(said[show]) for show in ("logins", "exports")] == [1, 1]
    assert len(said["people"]) + len(said["itself"]) == len(said["all"]) == AuditEvent.objects.count()
    assert get(admin, "/settings/audit/?show=logins").all("a", aria_current="true")[-1].text == "Logins"


def test_all_lines_of_a_finding_are_also_those_of_scans(admin: Client) -> None:
    made = finding(fleet(1).repositories[0])
    by_itself(made)
    lines = rows(get(admin, f"/settings/audit/?kind=finding&object={made.pk}"))
    assert len(lines) == AuditEvent.objects.filter(kind="finding", object=made.pk).count() == 2


@pytest.mark.parametrize(
    ("url", "name", "told"),
    [
        ("/findings/export/?format=sarif&tab=all&severity=high", "findings", ("sarif", "tab=all&severity=high", 2)),
        ("/findings/export/?severity=low", "findings", ("csv", "severity=low", 1)),
        ("/waivers/-/export/?state=all&rule=NR103", "waivers", ("csv", "state=all&rule=NR103", 1)),
        ("/settings/audit/export/?show=all&kind=waiver", "audit trail", ("csv", "show=all&kind=waiver", 1)),
    ],
)
def test_an_export_says_who_took_how_many_rows_of_what_and_from_where(
    admin: Client, url: str, name: str, told: tuple[str, str, int]
) -> None:
    made = fleet(3).repositories
    for row, rank in zip(made, (1, 1, 3), strict=True):
        finding(row, rank=rank)
    owner = user("owner", role="security")
    Waiver.objects.create(
        title="Legacy", rule="NR103", reason="vendor", explanation="Soon.", owner=owner, created_by=owner,
        created_at=NOW, expires_at=NOW + timedelta(days=9),
    )  # fmt: skip
    response = admin.get(url, REMOTE_ADDR="203.0.113.9")
    body = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]  # it streams
    event = AuditEvent.objects.get(action=AuditAction.EXPORTED)
    assert event.name == name
    assert event.data == dict(zip(("format", "filter", "rows"), told, strict=True))
    assert (event.actor_name, event.context["ip"], event.context["user"]) == ("boss", "203.0.113.9", event.actor)
    if told[0] == "csv":
        assert len(list(csv.reader(io.StringIO(body)))) == told[2] + 1
    line = rows(get(admin, "/settings/audit/?show=exports"))[0]
    assert f"rows {told[2]}" in line
    assert "203.0.113.9" in line


def test_who_cancels_a_scan_is_in_the_trail(admin: Client) -> None:
    row = scan(registry("Shop"), state="running", tags_done=412, tags_total=1_903)
    for _ in range(2):
        admin.post(f"/scans/{row.pk}/cancel/", REMOTE_ADDR="203.0.113.9")
    event = AuditEvent.objects.get(kind="scan")
    assert (event.action, event.actor_name, event.at, event.object) == ("scan_cancelled", "boss", NOW, str(row.pk))
    (line,) = rows(get(admin, f"/settings/audit/?kind=scan&object={row.pk}"))
    for words in ("boss", "Scan cancelled", f"Scan {row.pk} of Shop", "412 of 1,903", "203.0.113.9"):
        assert words in line
    assert _verified()


@pytest.mark.parametrize("mine", [True, False])
def test_who_deletes_a_shared_view_is_in_the_trail(admin: Client, mine: bool) -> None:
    owner = User.objects.get(username="boss") if mine else user("owner", role="security")
    for shared in (True, False):
        SavedView.objects.create(name=f"Late {shared}", query="tab=overdue", by=owner, shared=shared)
    view = SavedView.objects.get(shared=True)
    for row in SavedView.objects.all():  # nobody else sees a private one, and nobody is told of it
        admin.post(f"/findings/views/{row.pk}/delete/")
    event = AuditEvent.objects.get(kind="savedview")
    assert (event.action, event.actor_name, event.at, event.object) == ("view_deleted", "boss", NOW, str(view.pk))
    assert event.data == {"owner": owner.username, "shared with": "everybody", "query": "tab=overdue"}
    (line,) = rows(get(admin, "/settings/audit/?action=view_deleted"))
    for words in ("boss", "Shared view deleted", "Late True", "tab=overdue", f"owner {owner.username}"):
        assert words in line
    assert _verified()


def test_the_trail_says_whom_a_view_was_shared_with(admin: Client) -> None:
    pay = Team.objects.create(slug="pay", name="Payments", created_at=NOW)
    view = SavedView.objects.create(name="Late", query="", by=user("owner"), shared=True, team=pay)
    admin.post(f"/findings/views/{view.pk}/delete/")
    assert AuditEvent.objects.get(kind="savedview").data["shared with"] == "Payments"


def _verified() -> bool:
    seal_audit(NOW)
    call_command("verify_audit")
    return AuditEvent.objects.filter(number=None).count() == 0


def test_the_lines_of_people_are_found_by_an_index(admin: Client) -> None:
    with pghistory.context(task="tick"):
        Team.objects.bulk_create(Team(slug=f"t{at}", name=f"T{at}", created_at=NOW) for at in range(3_000))
    assert AuditEvent.objects.by_itself().count() >= 3_000
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE compliance_auditevent")
        plan = AuditEvent.objects.by_people().order_by("-pk")[:50].explain()
    assert "audit_event_by_people" in plan


def test_all_lines_of_one_thing(admin: Client) -> None:
    one = Team.objects.create(slug="one", name="One", created_at=NOW)
    Team.objects.create(slug="two", name="Two", created_at=NOW)
    one.name = "First"
    one.save()
    assert len(rows(get(admin, f"/settings/audit/?kind=team&object={one.pk}"))) == 2


def test_pages_begin_after_a_line(admin: Client) -> None:
    AuditEvent.objects.bulk_create(
        AuditEvent(at=NOW, action="login", kind="user", name=f"n{n:03}", context={}, actor=None) for n in range(120)
    )
    url, seen = "/settings/audit/?action=login", []
    while url:
        page = get(admin, url)
        seen += [re.findall(r" n(\d{3})", line)[0] for line in rows(page)]
        older = [e for e in page.all("a") if e.attributes.get("id") == "page-older"]
        url = older[0].attributes["href"] if older else ""
    assert seen == [f"{n:03}" for n in range(119, -1, -1)]
    newer = next(e for e in page.all("a") if e.attributes.get("id") == "page-newer").attributes["href"]
    assert " n069" in rows(get(admin, newer))[0]
    last = AuditEvent.objects.order_by("pk").values_list("pk", flat=True)[0]
    assert "where the trail begins" in get(admin, f"/settings/audit/?before={last}").text


def test_htmx_gets_the_list_alone(admin: Client) -> None:
    body = admin.get("/settings/audit/?kind=user", headers={"HX-Request": "true"}).content.decode()
    assert body.strip().startswith('<div id="results">')
    assert "<html" not in body


def test_the_state_of_the_chain(admin: Client) -> None:
    assert "not verified yet" in get(admin, "/settings/audit/").text
    seal_audit(NOW)
    sealed = AuditEvent.objects.exclude(number=None).count()
    check_audit(NOW)
    assert f"verified up to number {sealed}" in get(admin, "/settings/audit/").text
    AuditCheck.objects.update(problem="compliance_auditevent, row 7: changed")
    page = get(admin, "/settings/audit/")
    assert "The trail is not what was written" in page.text
    assert "row 7: changed" in page.text


def test_what_somebody_wrote_is_text(admin: Client) -> None:
    Team.objects.create(slug="evil", name=HOSTILE[:100], description=HOSTILE, created_at=NOW)
    audit(AuditAction.LOGIN_FAILED, None, by=None, now=NOW, name=HOSTILE)
    page = get(admin, "/settings/audit/")
    assert not [e for e in page.elements if e.name == "img" or ("hx-trigger" in e.attributes and e.name == "b")]
    assert "49" not in page.text.split("hx-get", 1)[-1][:40]


def test_the_file_says_the_same_and_taking_it_is_a_line(admin: Client) -> None:
    team = Team.objects.create(slug="web", name="=cmd()", created_at=NOW)
    Team.objects.filter(pk=team.pk).update(description="Sells")
    response = admin.get("/settings/audit/export/?kind=team")
    body = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]  # it streams
    lines = list(csv.DictReader(io.StringIO(body)))
    assert [(line["action"], line["name"], line["changes"]) for line in lines] == [
        ("changed", "'=cmd()", "description: – → Sells"),
        ("added", "'=cmd()", "name: =cmd(); slug: web; created at: 2026-03-10T12:00:00+00:00"),
    ]
    event = AuditEvent.objects.get(action=AuditAction.EXPORTED)
    assert (event.actor_name, event.data, event.context["path"]) == (
        "boss",
        {"format": "csv", "filter": "kind=team", "rows": 2},
        "/settings/audit/export/",
    )


@pytest.mark.parametrize("lines", [1, 120])
def test_queries_do_not_grow(reader: Client, django_assert_num_queries: DjangoAssertNumQueries, lines: int) -> None:
    teams = Team.objects.bulk_create(Team(slug=f"t{n}", name=f"T{n}", created_at=NOW) for n in range(lines))
    people = [user(f"p{n}") for n in range(lines)]
    Membership.objects.bulk_create(Membership(team=t, user=p) for t, p in zip(teams, people, strict=True))
    registry("Harbor")
    with django_assert_num_queries(9):
        reader.get("/settings/audit/?kind=membership")
    with django_assert_num_queries(7):
        reader.get("/settings/audit/?kind=team")


def test_secrets_are_told_of_and_never_told() -> None:
    boss = user("boss", staff=True)
    policy_version()
    values = RegistryValues("Harbor", "https://harbor.example", "kubernetes", username="robot", password="geheim")
    made = save_registry(values, now=NOW, by=boss)
    save_registry(replace(values, password=None), now=NOW, registry=Registry.objects.get(pk=made.pk), by=boss)
    endpoint = make_endpoint(made, "distribution", now=NOW, by=boss)
    rotated = rotate_secret(endpoint.endpoint, hours=1, now=NOW, by=boss)
    told = AuditEvent.objects.filter(action__startswith="secret").order_by("id")
    assert [(e.action, e.actor_name, e.data) for e in told] == [
        ("secret_changed", "boss", {"secrets": ["password"]}),
        ("secret_shown", "boss", {}),
        ("secret_rotated", "boss", {}),
    ]
    everything = str(list(AuditEvent.objects.values_list("name", "data", "context")))
    for secret in ("geheim", endpoint.secret, rotated.secret):
        assert secret not in everything
