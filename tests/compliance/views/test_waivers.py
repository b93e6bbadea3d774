from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import AuditEvent, Finding, Image, Policy, Tag, User, Waiver
from compliance.remediation.waiver import WaiverScope
from compliance.services.write_waiver import write_waiver
from tests.support.pages import Page, get, get_part
from tests.support.remediation import draft, finding, own, team
from tests.support.rows import NOW, Fleet, fleet, user

pytestmark = pytest.mark.django_db
RULE = "NR103"
DAY = timedelta(days=1)


@pytest.fixture
def made(db: None) -> Fleet:
    """Two repositories whose tag ``latest`` fails for one finding each; the first is Payments'."""
    found = fleet(2)
    Image.objects.filter(pk=found.failing.pk).update(run_key="as-root")
    for tag in found.tags:
        if tag.name == "latest":
            finding(tag.repository, RULE, tags=[tag], protected=True)
    members = {role: user(role, role="member") for role in ("lead", "triager", "viewer")}
    own(team("Payments", **members), found.repositories[:1])
    team("Search", lead=user("elsewhere", role="member"))
    return found


def as_(name: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=name))
    return client


def entered(**more: str) -> dict[str, str]:
    form = {
        "title": "Legacy images",
        "rule": RULE,
        "reason": "migration",
        "explanation": "They are being replaced.",
        "owner": "reader",
        "until": "2026-06-01",
        "reopens": "on",
    }
    return {**form, **more}


def previewed(client: Client, form: dict[str, str]) -> str:
    answer = client.post("/waivers/-/preview/", form, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return Page(f"<body>{answer.content.decode()}</body>").text


def test_the_empty_list_says_what_a_waiver_is(reader: Client) -> None:
    page = get(reader, "/waivers/")
    assert "Nothing is waived" in page.text
    assert page.all("a", class_="first")


def test_filters_that_a_waiver_cannot_be_narrowed_by_are_named(reader: Client, made: Fleet) -> None:
    said = "The list was also narrowed by"
    page = get(reader, f"/waivers/-/new/?environment=staging&rule={RULE}&severity=critical&q=odd&registry=harbor")
    assert f"{said}: contains “odd”, severity critical, environment staging." in page.text
    assert said not in get(reader, f"/waivers/-/new/?rule={RULE}&registry=harbor").text
    assert said not in get(reader, f"/waivers/-/new/?finding={Finding.objects.order_by('pk')[0].pk}").text


def test_from_a_finding_to_a_waiver_that_counts(reader: Client, made: Fleet) -> None:
    row = Finding.objects.order_by("pk")[0]
    page = get(reader, f"/waivers/-/new/?finding={row.pk}")
    fields = {e.attributes.get("name"): e.attributes.get("value", "") for e in page.all("input")}
    assert fields["repository"] == "team/app-0000"
    assert fields["title"].startswith(RULE)
    assert fields["title"].endswith(" in team/app-0000")
    assert (fields["team"], fields["owner"]) == ("payments", "reader")
    answer = reader.post("/waivers/-/new/", entered(repository="team/app-0000", registry="harbor", team="payments"))
    waiver = Waiver.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/waivers/{waiver.pk}/")
    shown = get(reader, f"/waivers/{waiver.pk}/")
    assert "1 finding" in shown.text
    assert "Approved, without a second person, by reader" in shown.text
    rows = get(reader, "/waivers/").rows
    assert len(rows) == 1
    assert "repository team/app-0000 of Harbor, of team Payments" in rows[0].text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"rule": "NR999"}, "Select a valid choice"),
        ({"until": "2027-06-01"}, "The policy kubernetes allows 180 days: 2026-09-06 is the last day"),
        ({"until": "2026-03-01"}, "This day is over."),
        ({"until": "soon"}, "Enter a valid date"),
        ({"until": ""}, "This field is required"),
        ({"owner": "nobody-here"}, "There is nobody of that name"),
        ({"repository": "team/[a]"}, "Letters, digits"),
        ({"tag": "a b"}, "A tag has letters"),
        ({"digest": "latest"}, "A digest is written"),
        ({"team": "no-such-team"}, "There is no such team"),
        ({"registry": "nowhere"}, "Select a valid choice"),
        ({"explanation": ""}, "This field is required"),
        ({"repository": "nothing-fits"}, "It covers nothing"),
        ({"title": "x" * 151}, "at most 150 characters"),
    ],
)
def test_what_cannot_be_saved(reader: Client, made: Fleet, wrong: dict[str, str], words: str) -> None:
    answer = reader.post("/waivers/-/new/", entered(**wrong))
    assert answer.status_code == 422
    assert words in Page(answer.content.decode()).text
    assert not Waiver.objects.exists()


def test_what_was_typed_is_kept(reader: Client, made: Fleet) -> None:
    answer = reader.post("/waivers/-/new/", entered(until="2027-06-01", control="A seccomp profile"))
    page = Page(answer.content.decode())
    assert page.all("input", name="until")[0].attributes["value"] == "2027-06-01"
    assert "A seccomp profile" in page.text


def test_the_preview_counts(reader: Client, made: Fleet) -> None:
    text = previewed(reader, entered())
    assert "It covers 2 findings in 2 repositories, 2 on protected tags." in text
    assert "at most 180 days" in text
    assert "It counts as soon as you save it." in text
    assert "every repository of every team" in text
    assert not Waiver.objects.exists()


def test_the_preview_of_half_a_form(reader: Client, made: Fleet) -> None:
    answer = reader.post("/waivers/-/preview/", {"rule": ""}, headers={"HX-Request": "true"})
    assert "Choose a rule" in answer.content.decode()


def test_a_preset_sets_the_day(reader: Client, made: Fleet) -> None:
    form = {**entered(), "preset": "2026-04-09"}
    part = Page(reader.post("/waivers/-/preview/", form, headers={"HX-Request": "true"}).content.decode())
    assert part.all("input", name="until")[0].attributes["value"] == "2026-04-09"
    typed = Page(reader.post("/waivers/-/preview/", entered(), headers={"HX-Request": "true"}).content.decode())
    assert not typed.all("input", name="until")
    whole = Page(reader.post("/waivers/-/preview/", form).content.decode())
    assert whole.all("input", name="until")[0].attributes["value"] == "2026-04-09"
    assert whole.all("input", name="title")[0].attributes["value"] == "Legacy images"


def test_who_may_do_what(made: Fleet) -> None:
    """A viewer looks, a triager asks, a lead approves, another team's lead sees nothing of it."""
    form = entered(team="payments", owner="triager")
    assert as_("viewer").get("/waivers/-/new/").status_code == 403
    assert as_("viewer").post("/waivers/-/new/", form).status_code == 403
    assert as_("viewer").post("/waivers/-/preview/", form).status_code == 403
    assert as_("elsewhere").post("/waivers/-/new/", form).status_code == 422
    assert as_("triager").post("/waivers/-/new/", form).status_code == 302
    waiver = Waiver.objects.get()
    one = f"/waivers/{waiver.pk}/"
    assert as_("elsewhere").get(one).status_code == 404
    assert as_("elsewhere").post(f"{one}approve/").status_code == 404
    assert as_("elsewhere").post(f"{one}revoke/").status_code == 404
    assert get(as_("elsewhere"), "/waivers/?state=all").rows == []
    assert as_("viewer").post(f"{one}approve/").status_code == 403
    assert as_("viewer").post(f"{one}revoke/").status_code == 403
    assert as_("triager").post(f"{one}approve/").status_code == 403
    assert not get(as_("triager"), one).all("form", action=f"{one}approve/")
    assert get(as_("lead"), one).all("form", action=f"{one}approve/")
    assert "It covers 1 finding in 1 repository" in get(as_("lead"), one).text
    assert as_("lead").post(f"{one}approve/").status_code == 302
    assert Finding.objects.filter(status="waived").count() == 1
    assert as_("lead").post(f"{one}approve/").status_code == 409
    assert as_("triager").post(f"{one}revoke/").status_code == 302
    assert Finding.objects.filter(status="waived").count() == 0
    assert as_("lead").post(f"{one}revoke/").status_code == 409


def test_who_revokes_one_reads_how_many_dates_were_left(made: Fleet) -> None:
    by = user("sec")
    waiver = write_waiver(replace(draft(by), restarts_sla=True), by=by, now=NOW)
    Finding.objects.filter(pk=Finding.objects.earliest("pk").pk).update(due_at=NOW + DAY, due_edited=True)
    said = as_("sec").post(f"/waivers/{waiver.pk}/revoke/", follow=True).content.decode()
    assert "2 findings are open again. 1 keeps the due date that a person set." in said
    assert "their terms begin anew, and due dates that a person set stay" in said


def test_an_auditor_sees_all_and_changes_nothing(made: Fleet) -> None:
    by = user("sec")
    waiver = write_waiver(draft(by), by=by, now=NOW)
    user("auditor", role="auditor")
    client = as_("auditor")
    assert "2 findings" in get(client, f"/waivers/{waiver.pk}/").text
    assert client.get("/waivers/-/new/").status_code == 403
    assert client.post(f"/waivers/{waiver.pk}/revoke/").status_code == 403


def test_counts_are_of_what_the_reader_may_see(made: Fleet) -> None:
    by = user("sec")
    waiver = write_waiver(draft(by), by=by, now=NOW)
    page = get(as_("viewer"), f"/waivers/{waiver.pk}/")
    assert "1 finding" in page.text
    assert "team/app-0001" not in page.html
    (row,) = get(as_("viewer"), "/waivers/").rows
    assert row.text.split("1 findings are waived")[0]
    assert "1 findings are waived" in row.text


@pytest.mark.parametrize("url", ["/waivers/-/new/?finding={other}", "/waivers/-/new/?finding=99999999999999"])
def test_foreign_findings(made: Fleet, url: str) -> None:
    other = Finding.objects.order_by("pk")[1]
    assert as_("lead").get(url.format(other=other.pk)).status_code == 404


def test_a_query_of_the_inbox_fills_the_form(reader: Client, made: Fleet) -> None:
    page = get(reader, f"/waivers/-/new/?rule={RULE}&repository=harbor/team/app-0001&status=new")
    fields = {e.attributes.get("name"): e.attributes.get("value", "") for e in page.all("input")}
    assert fields["repository"] == "team/app-0001"
    (chosen,) = [e for e in page.all("option", value=RULE) if "selected" in e.attributes]
    assert chosen.text.startswith(RULE)


def test_a_member_of_one_team_means_that_one(made: Fleet) -> None:
    page = get(as_("triager"), f"/waivers/-/new/?rule={RULE}")
    assert page.all("input", name="team")[0].attributes["value"] == "payments"
    (option,) = [
        e.attributes["value"] for e in page.all("option") if e.attributes.get("value") in ("payments", "search")
    ]
    assert option == "payments"


def test_owners_are_searched_for(made: Fleet) -> None:
    user("sec")
    found = Page(get_part(as_("sec"), "/waivers/-/owners/?owner=e"))
    assert {e.attributes["value"] for e in found.all("option")} == {"elsewhere", "lead", "sec", "triager", "viewer"}
    mine = Page(get_part(as_("triager"), "/waivers/-/owners/?owner=e"))
    assert {e.attributes["value"] for e in mine.all("option")} == {"lead", "triager", "viewer"}
    assert as_("viewer").get("/waivers/-/owners/").status_code == 403


def test_a_second_person(reader: Client, made: Fleet) -> None:
    Policy.objects.update(second_person=True)
    text = previewed(reader, entered())
    assert "It waits until somebody else approves it" in text
    reader.post("/waivers/-/new/", entered())
    one = f"/waivers/{Waiver.objects.get().pk}/"
    answer = reader.post(f"{one}approve/")
    assert answer.status_code == 409
    assert "its author may not approve it" in answer.content.decode()


def test_a_renewal(reader: Client, made: Fleet) -> None:
    reader.post("/waivers/-/new/", entered(control="seccomp"))
    old = Waiver.objects.get()
    Image.objects.filter(pk=made.failing.pk).update(run_key="as-somebody-else")
    page = get(reader, f"/waivers/-/new/?renews={old.pk}")
    assert page.all("input", name="title")[0].attributes["value"] == "Legacy images"
    assert "value" not in page.all("input", name="until")[0].attributes
    renewal = entered(until="2026-08-08", renews=str(old.pk))
    part = Page(reader.post("/waivers/-/preview/", renewal, headers={"HX-Request": "true"}).content.decode())
    assert "1 image runs otherwise than was accepted" in part.text
    assert reader.post("/waivers/-/new/", renewal).status_code == 422
    assert reader.post("/waivers/-/new/", {**renewal, "accepts_changes": "on"}).status_code == 302
    new = Waiver.objects.exclude(pk=old.pk).get()
    assert (new.renews, new.accepted, f"{new.expires_at:%Y-%m-%d}") == (old, ["as-somebody-else"], "2026-08-08")
    assert "Renewed by Legacy images" in get(reader, f"/waivers/{old.pk}/").text


def test_what_is_pinned_to_a_digest_ends_with_it(reader: Client, made: Fleet) -> None:
    by, tag = user("sec"), next(tag for tag in made.tags if tag.name == "latest")
    pinned = write_waiver(draft(by, scope=WaiverScope("NR103", digest=tag.digest)), by=by, now=NOW)
    assert "ends with this digest" in get(reader, "/waivers/").text
    Tag.objects.filter(digest=tag.digest).update(deleted_at=NOW)
    assert "no tag has this digest any more" in get(reader, "/waivers/").text
    assert "covers nothing and never will" in get(reader, f"/waivers/{pinned.pk}/").text


def test_why_something_is_not_covered(reader: Client, made: Fleet) -> None:
    by = user("sec")
    waiver = write_waiver(draft(by, scope=WaiverScope(RULE, tag="late*")), by=by, now=NOW)
    Finding.objects.filter(repository=made.repositories[0]).update(status="open", waiver=None)
    Waiver.objects.update(accepted=["another"])
    page = get(reader, f"/waivers/{waiver.pk}/")
    assert "latest points to an image that runs as another user, uid or gid" in page.text


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 2),
        ("?state=active", 1),
        ("?state=expiring", 1),
        ("?state=revoked", 1),
        ("?state=expired", 0),
        ("?state=waiting", 0),
        ("?state=all", 3),
        ("?state=all&rule=NR103", 3),
        ("?state=all&rule=NR101", 0),
        ("?state=all&owner=sec", 3),
        ("?state=all&owner=nobody", 0),
        ("?state=all&team=payments", 0),
        ("?state=all&q=soon", 1),
        ("?state=nonsense&rule=x&page=-1", 2),
    ],
)
def test_filters(reader: Client, made: Fleet, query: str, count: int) -> None:
    by = user("sec")
    for title, days in (("Soon", 5), ("Later", 50), ("Gone", 60)):
        waiver = write_waiver(draft(by), by=by, now=NOW)
        Waiver.objects.filter(pk=waiver.pk).update(title=title, expires_at=NOW + days * DAY)
    Waiver.objects.filter(title="Gone").update(revoked_at=NOW, revoked_by=by)
    page = get(reader, f"/waivers/{query}")
    assert len(page.rows) == count
    lines = b"".join(reader.get(f"/waivers/-/export/{query}").streaming_content).decode().splitlines()  # type: ignore[attr-defined]  # a StreamingHttpResponse
    assert len(lines) == count + 1


def test_exports_hold_no_formulas(reader: Client, made: Fleet) -> None:
    reader.post("/waivers/-/new/", entered(title="=1+1", control="@SUM(A1)"))
    text = b"".join(reader.get("/waivers/-/export/").streaming_content).decode()  # type: ignore[attr-defined]  # a StreamingHttpResponse
    assert "'=1+1" in text
    assert AuditEvent.objects.filter(action="exported", name="waivers", actor_name="reader").exists()
    assert "'@SUM(A1)" in text


def test_hostile_text_is_shown_as_text(reader: Client, made: Fleet) -> None:
    hostile = '"><img src=x onerror=alert(1)>{{ 7|add:7 }}'
    reader.post("/waivers/-/new/", entered(title=hostile, explanation=hostile, control=hostile))
    for url in ("/waivers/", f"/waivers/{Waiver.objects.get().pk}/"):
        page = get(reader, url)
        assert not page.all("img")
        assert hostile in page.text


def test_numbers_of_a_preview_are_links_to_what_they_count(reader: Client, made: Fleet) -> None:
    Finding.objects.filter(repository=made.repositories[0]).update(protected=False)
    answer = reader.post("/waivers/-/preview/", entered(tag="lat*"), headers={"HX-Request": "true"})
    links = Page(f"<body>{answer.content.decode()}</body>").all("a")
    linked = [link.attributes["href"] for link in links if "covered" in link.attributes["href"]]
    assert [len(get(reader, url).rows) for url in linked] == [2, 1]
    assert "rule=NR103&tag=lat%2A" in linked[0]


def test_what_a_waiting_waiver_would_cover(made: Fleet) -> None:
    as_("triager").post("/waivers/-/new/", entered(team="payments", owner="triager"))
    waiver = Waiver.objects.get()
    url = f"/waivers/-/covered/?waiver={waiver.pk}"
    assert len(get(as_("lead"), url).rows) == 1
    assert get(as_("elsewhere"), url).rows == []
    assert as_("viewer").get(url).status_code == 403
    assert get(as_("lead"), f"/waivers/{waiver.pk}/").all("a", href=url)


@pytest.mark.parametrize("query", ["", "rule=NR103", "rule=NR103&team=search", "rule=x&waiver=x", "renews=0"])
def test_members_list_nothing_of_others(made: Fleet, query: str) -> None:
    answer = as_("triager").get(f"/waivers/-/covered/?{query}")
    assert answer.status_code in (200, 404)
    assert "team/app-0001" not in answer.content.decode()


QUERIES = {
    "/waivers/": 7,
    "/waivers/?state=all&rule=NR103&owner=reader&q=legacy": 7,
    "/waivers/{waiver}/": 8,
    "/waivers/{waiting}/": 12,
    "/waivers/-/new/": 5,
    "/waivers/-/new/?finding={finding}": 6,
    "/waivers/-/covered/?rule=NR103": 8,
}


@pytest.mark.parametrize("repositories", [1, 60])
def test_queries_do_not_grow(
    reader: Client, django_assert_num_queries: DjangoAssertNumQueries, repositories: int
) -> None:
    made = fleet(repositories)
    Image.objects.filter(pk=made.failing.pk).update(run_key="as-root")
    for tag in made.tags:
        if tag.name == "latest":
            finding(tag.repository, RULE, tags=[tag])
    by = User.objects.get(username="reader")
    waivers = [write_waiver(draft(by), by=by, now=NOW) for _ in range(min(repositories, 5))]
    Policy.objects.update(second_person=True)
    waiting = write_waiver(draft(by), by=by, now=NOW)
    for template, expected in QUERIES.items():
        url = template.format(waiver=waivers[-1].pk, waiting=waiting.pk, finding=Finding.objects.all()[0].pk)
        with django_assert_num_queries(expected, info=url):
            assert reader.get(url).status_code == 200
