"""What a lead tries on findings of a team that is not theirs: each attempt changes nothing and is told nothing.

Where something else's name could be told apart from a name that nobody has, both are tried and the answers compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.http import HttpResponse
from django.test import Client, override_settings
from pytest_django.plugin import DjangoDbBlocker

from compliance.models import BulkChange, Finding, FindingEvent, Image, Membership, SavedView, Tag, User, Waiver
from tests.support.everybody import undone
from tests.support.pages import PLAIN_STATIC
from tests.support.remediation import finding, own
from tests.support.rows import NOW, registry, user
from tests.support.tenants import Tenant, tenant

pytestmark = pytest.mark.django_db

_TOKEN = re.compile(r'(name="csrfmiddlewaretoken" value=|"X-CSRFToken": ?)"[^"]+"')


@dataclass(frozen=True)
class World:
    """Two teams; ``ours`` is the attacker's."""

    ours: Tenant
    theirs: Tenant

    def status(self) -> str:
        """What became of the finding that is attacked."""
        return str(Finding.objects.values_list("status", flat=True).get(pk=self.theirs.finding.pk))


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Made once: what a test writes is undone."""
    with (
        django_db_blocker.unblock(),
        patch("django.utils.timezone.now", return_value=NOW),
        patch("compliance.views.moment.database_now", return_value=NOW),
        override_settings(STORAGES=PLAIN_STATIC),
        undone(),
    ):
        shared = registry("Shared")
        yield World(tenant("Bravo", shared, 920), tenant("Alpha", shared, 910))


def logged_in(person: User) -> Client:
    """A session of somebody's."""
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def lead(world: World) -> Client:
    """Who attacks."""
    return logged_in(world.ours.people["lead"])


def body(response: object) -> str:
    """What was said, without what differs each time."""
    assert isinstance(response, HttpResponse) or hasattr(response, "getvalue")
    return _TOKEN.sub("", response.getvalue().decode())


def alike(client: Client, theirs: str, nobodys: str, path: str, name: str, **more: str) -> None:
    """A form with a name of theirs is answered as one with a name that nobody has; what was typed apart."""
    said = []
    for typed in (theirs, nobodys):
        response = client.post(path, {**more, name: typed})
        # A small number also stands in drawings: only what a field holds is what was typed.
        shown = f'value="{typed}"' if typed.isdecimal() else typed
        said.append((response.status_code, body(response).replace(shown, "TYPED")))
    assert said[0] == said[1]


BULK = {"action": "status", "status": "in_progress", "total": "1"}


def test_findings_of_others_are_chosen_as_if_there_were_none(world: World, lead: Client) -> None:
    alike(lead, str(world.theirs.finding.pk), "987654", "/findings/bulk/", "id", **BULK)
    assert world.status() == "new"


def test_one_of_others_among_ones_own_keeps_all_from_being_changed(world: World, lead: Client) -> None:
    mine, theirs = world.ours.finding, world.theirs.finding
    response = lead.post("/findings/bulk/", {**BULK, "id": [mine.pk, theirs.pk], "total": "2"})
    assert response.status_code == 409
    assert set(Finding.objects.values_list("status", flat=True)) == {"new"}
    assert not BulkChange.objects.exists()


@pytest.mark.parametrize("query", ["tab=all", "tab=all&team=alpha-crew", "tab=all&registry=alpha-harbor"])
def test_a_query_finds_only_ones_own(world: World, lead: Client, query: str) -> None:
    lead.post("/findings/bulk/", {**BULK, "scope": "query", "filter": query})
    assert world.status() == "new"


def test_moving_a_card_of_others(world: World, lead: Client) -> None:
    for to in ("in_progress", "fix_claimed"):
        found = lead.post("/remediation/move/", {"finding": world.theirs.finding.pk, "to": to})
        assert found.status_code == 404
        none = lead.post("/remediation/move/", {"finding": 987654, "to": to})
        assert body(found) == body(none)
    assert world.status() == "new"


@pytest.mark.parametrize("verb", ["status", "assign", "due", "comment", "undo"])
def test_a_finding_of_others_is_not_there(world: World, lead: Client, verb: str) -> None:
    form = {"status": "in_progress", "who": "lead-bravo", "text": "Mine now.", "bulk": "1"}
    theirs = lead.post(f"/findings/{world.theirs.finding.pk}/{verb}/", form)
    nobodys = lead.post(f"/findings/987654/{verb}/", form)
    assert theirs.status_code == nobodys.status_code == 404
    assert body(theirs).replace(f"/{world.theirs.finding.pk}/", "/987654/") == body(nobodys)
    assert not FindingEvent.objects.filter(finding=world.theirs.finding).exclude(kind="found").exists()


def test_undoing_what_others_did(world: World, lead: Client) -> None:
    made = logged_in(world.theirs.people["lead"]).post("/findings/bulk/", {**BULK, "id": world.theirs.finding.pk})
    assert made.status_code == 302
    change = BulkChange.objects.get()
    assert lead.post(f"/findings/bulk/{change.pk}/undo/").status_code == 404
    taken = lead.post(f"/findings/{world.ours.finding.pk}/undo/", {"bulk": change.pk})
    assert taken.status_code == 404
    assert "changed" not in body(lead.get(f"/findings/?changed={change.pk}")).split("</nav>")[-1].split("findings.")[0]
    assert world.status() == "in_progress"


def test_undoing_after_the_repository_went_to_others(world: World, lead: Client) -> None:
    mine = world.ours.finding
    lead.post("/findings/bulk/", {**BULK, "id": mine.pk})
    change = BulkChange.objects.get()
    own(world.theirs.team, [mine.repository])
    response = lead.post(f"/findings/bulk/{change.pk}/undo/", {"back": "tab=all"})
    assert response.status_code == 422
    assert mine.repository.name not in body(response)
    assert Finding.objects.get(pk=mine.pk).status == "in_progress"


@pytest.mark.parametrize("role", ["lead", "triager"])
def test_membership_that_ended_while_a_page_was_open(world: World, role: str) -> None:
    somebody, mine = world.ours.people[role], world.ours.finding
    client = logged_in(somebody)
    assert client.get(f"/findings/{mine.pk}/").status_code == 200
    lead = world.ours.people["lead"]
    Waiver.objects.filter(pk=world.ours.waiver.pk).update(approved_at=None, approver=None)
    Membership.objects.filter(user=somebody).delete()
    assert client.post("/findings/bulk/", {**BULK, "id": mine.pk}).status_code == 403
    assert client.post(f"/findings/{mine.pk}/comment/", {"text": "Still here."}).status_code == 404
    assert client.post("/remediation/move/", {"finding": mine.pk, "to": "in_progress"}).status_code == 403
    assert client.post(f"/waivers/{world.ours.waiver.pk}/approve/").status_code == (403 if somebody == lead else 404)
    assert client.post("/waivers/-/preview/", {"rule": "NR103", "team": world.ours.team.slug}).status_code == 403
    assert Finding.objects.get(pk=mine.pk).status == "new"
    assert "bravo/" not in body(client.get("/findings/?tab=all")).replace(world.ours.waiver.title, "")
    assert Waiver.objects.get(pk=world.ours.waiver.pk).approved_at is None


def test_a_role_that_was_taken_while_a_page_was_open(world: World, lead: Client) -> None:
    Membership.objects.filter(user=world.ours.people["lead"]).update(role="viewer")
    assert lead.post("/findings/bulk/", {**BULK, "id": world.ours.finding.pk}).status_code == 403
    assert lead.post(f"/findings/{world.ours.finding.pk}/comment/", {"text": "!"}).status_code == 403
    assert lead.post(f"/waivers/{world.ours.waiver.pk}/revoke/").status_code == 403
    assert Finding.objects.get(pk=world.ours.finding.pk).status == "new"


def test_somebody_deactivated_while_a_page_was_open(world: World, lead: Client) -> None:
    User.objects.filter(pk=world.ours.people["lead"].pk).update(is_active=False)
    for path in ("/findings/bulk/", "/remediation/move/", f"/findings/{world.ours.finding.pk}/status/"):
        response = lead.post(path, {**BULK, "id": world.ours.finding.pk, "finding": world.ours.finding.pk})
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/login/")
    assert Finding.objects.get(pk=world.ours.finding.pk).status == "new"


def test_a_viewer_changes_nothing(world: World) -> None:
    client, mine = logged_in(world.ours.people["viewer"]), world.ours.finding
    for path, form in {
        "/findings/bulk/": {**BULK, "id": mine.pk},
        "/remediation/move/": {"finding": mine.pk, "to": "in_progress"},
        f"/findings/{mine.pk}/assign/": {"who": "viewer-bravo"},
        "/waivers/-/new/": {"rule": "NR103", "team": world.ours.team.slug},
        "/waivers/-/preview/": {"rule": "NR103", "team": world.ours.team.slug},
    }.items():
        assert client.post(path, form).status_code == 403, path
    assert (Finding.objects.get(pk=mine.pk).status, Waiver.objects.count()) == ("new", 2)


def test_a_finding_is_not_given_to_who_may_not_see_it(world: World, lead: Client) -> None:
    Finding.objects.update(assignee=None)
    for path, form in {
        f"/findings/{world.ours.finding.pk}/assign/": {"who": "lead-alpha"},
        "/findings/bulk/": {**BULK, "action": "assign", "assignee": "lead-alpha", "id": world.ours.finding.pk},
    }.items():
        assert lead.post(path, form).status_code == 422, path
    assert Finding.objects.get(pk=world.ours.finding.pk).assignee is None


@pytest.mark.parametrize(
    ("name", "theirs", "nobodys"),
    [
        ("team", "alpha-crew", "gamma-crew"),
        ("registry", "alpha-harbor", "gamma-harbor"),
        ("owner", "lead-alpha", "lead-gamma"),
    ],
)
def test_a_preview_tells_names_of_others_from_no_names(
    world: World, lead: Client, name: str, theirs: str, nobodys: str
) -> None:
    finding(world.theirs.repositories[0], "NR104", tags=[world.theirs.tag])
    form = {"rule": "NR104", "team": world.ours.team.slug}
    alike(lead, theirs, nobodys, "/waivers/-/preview/", name, **form)
    assert Waiver.objects.count() == 2


def test_a_preview_counts_only_ones_own(world: World, lead: Client) -> None:
    finding(world.theirs.repositories[0], "NR104", tags=[world.theirs.tag])
    finding(world.ours.repositories[0], "NR104", tags=[world.ours.tag])
    covered = lead.get(f"/waivers/-/covered/?rule=NR104&repository=*&team={world.ours.team.slug}")
    assert "bravo/" in body(covered)
    assert "alpha/" not in body(covered)
    assert "alpha/" not in body(lead.get("/waivers/-/covered/?rule=NR104&team=alpha-crew"))
    assert "alpha/" not in body(lead.get("/waivers/-/covered/?rule=NR104"))


def test_renewing_a_waiver_of_others(world: World, lead: Client) -> None:
    answers = [lead.get(f"/waivers/-/new/?renews={pk}") for pk in (world.theirs.waiver.pk, 987654)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert lead.get(f"/waivers/-/new/?finding={world.theirs.finding.pk}").status_code == 404


@pytest.mark.parametrize("kind", ["csv", "ndjson", "sarif", "md"])
@pytest.mark.parametrize(
    "query", ["tab=all", "tab=all&team=alpha-crew", "q=alpha&tab=all", "tab=all&assignee=lead-alpha"]
)
def test_files_hold_nothing_of_others(world: World, lead: Client, kind: str, query: str) -> None:
    text = body(lead.get(f"/findings/export/?format={kind}&{query}"))
    assert "alpha/app" not in text
    assert "alpha-user" not in text
    assert ("bravo/app" in text) is (query == "tab=all")


def test_the_file_of_waivers_holds_nothing_of_others(world: World, lead: Client) -> None:
    assert "bravo/ waits" in body(lead.get("/waivers/-/export/?state=all"))
    for query in ("state=all", "state=all&team=alpha-crew", "state=all&owner=lead-alpha"):
        assert "alpha/ waits" not in body(lead.get(f"/waivers/-/export/?{query}"))


def test_tabs_count_the_same_for_others_and_for_nobody(world: World, lead: Client) -> None:
    def counts(query: str) -> list[str]:
        return re.findall(r'class="count">([^<]*)<', body(lead.get(f"/findings/?{query}")))

    for name, theirs in (("team", "alpha-crew"), ("registry", "alpha-harbor"), ("subject", "alpha-user")):
        assert counts(f"{name}={theirs}") == counts(f"{name}=gamma") != []
    assert counts(f"id={world.theirs.finding.pk}") == counts("id=987654")
    assert counts(f"waiver={world.theirs.waiver.pk}") == counts("waiver=987654")


@pytest.mark.parametrize("address", ["/teams/-/find/?team=a", "/waivers/-/owners/?owner=a"])
def test_what_is_offered_while_typing(world: World, lead: Client, address: str) -> None:
    said = body(lead.get(address))
    assert "bravo" in said
    assert "alpha" not in said


def test_people_of_a_finding_of_others(world: World, lead: Client) -> None:
    assert lead.get(f"/findings/{world.theirs.finding.pk}/people/?who=lead").status_code == 404
    said = body(lead.get(f"/findings/{world.ours.finding.pk}/people/?who=lead"))
    assert "lead-bravo" in said
    assert "lead-alpha" not in said


def _share(by: User, name: str, query: str) -> None:
    SavedView.objects.create(by=by, name=name, query=query, shared=True)


def test_views_are_shared_with_those_one_works_with(world: World, lead: Client) -> None:
    _share(world.theirs.people["lead"], "Alpha weekly", "tab=all&repository=alpha-harbor/alpha/app-000")
    _share(world.theirs.people["lead"], "Plain of alpha", "tab=overdue")
    _share(user("sec", role="security"), "Of one team", "team=alpha-crew")
    _share(User.objects.get(username="sec"), "Of one registry", "registry=alpha-harbor")
    _share(User.objects.get(username="sec"), "Of one repository", "repository=alpha-harbor/alpha/app-000")
    _share(User.objects.get(username="sec"), "For all", "tab=overdue&severity=critical")
    names = [*SavedView.objects.values_list("name", flat=True)]
    shown = {
        who: {name for name in names if name in body(client.get("/findings/"))}
        for who, client in {
            "lead": lead,
            "colleague": logged_in(world.theirs.people["viewer"]),
            "auditor": logged_in(user("auditor", role="auditor")),
        }.items()
    }
    assert shown == {"lead": {"For all"}, "colleague": set(names), "auditor": set(names)}
    assert "alpha" not in body(lead.get("/findings/"))


def test_views_of_others_are_not_deleted(world: World, lead: Client) -> None:
    _share(world.theirs.people["lead"], "Alpha weekly", "tab=overdue")
    view = SavedView.objects.get()
    assert lead.post(f"/findings/views/{view.pk}/delete/").status_code == 404
    assert SavedView.objects.filter(pk=view.pk).exists()


def test_a_digest_of_others_keeps_no_waiver_alive(world: World, lead: Client) -> None:
    digest = world.theirs.image.digest
    Waiver.objects.filter(pk=world.ours.waiver.pk).update(digest=digest, approver=1, approved_at=NOW)
    Waiver.objects.update(approver=world.ours.people["lead"], approved_at=NOW - timedelta(hours=1))
    before = body(lead.get(f"/waivers/{world.ours.waiver.pk}/"))
    Tag.objects.filter(repository__team=world.theirs.team).delete()
    assert Image.objects.filter(digest=digest).exists()
    assert body(lead.get(f"/waivers/{world.ours.waiver.pk}/")) == before


def test_a_baseline_of_others(world: World, lead: Client) -> None:
    theirs = lead.post("/r/alpha-harbor/alpha/app-000/-/baseline/", {"do": "set"})
    assert theirs.status_code == 404
    assert not Finding.objects.filter(baseline=True).exists()
    triager = logged_in(world.ours.people["triager"])
    assert triager.post("/r/bravo-harbor/bravo/app-000/-/baseline/", {"do": "set"}).status_code == 403
    assert not Finding.objects.filter(baseline=True).exists()
