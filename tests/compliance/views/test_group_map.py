"""The page on which groups are given something."""

from __future__ import annotations

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import AuditEvent, GroupGrant
from tests.support.pages import Page
from tests.support.remediation import team
from tests.support.rows import user
from tests.support.sign_on import ISSUER, provider

pytestmark = pytest.mark.django_db

URL = "/settings/single-sign-on/"


def posted(client: Client, **values: object) -> tuple[int, str]:
    answer = client.post(URL, values)
    return answer.status_code, Page(answer.content.decode()).text if answer.content else ""


def came(name: str, *groups: str) -> None:
    SocialAccount.objects.create(user=user(name), provider=ISSUER, uid=name, extra_data={"groups": list(groups)})


def test_add_change_and_remove(admin: Client) -> None:
    payments = team()
    assert posted(admin, group="/staff", role="lead", team="payments")[0] == 302
    assert posted(admin, group="/staff", role="admin", team="")[0] == 302
    assert [(row.team, row.role) for row in GroupGrant.objects.order_by("role")] == [
        (None, "admin"),
        (payments, "lead"),
    ]
    row = GroupGrant.objects.get(team=payments)
    page = Page(admin.get(f"{URL}?row={row.pk}").content.decode())
    assert page.all("input", name="group")[0].attributes["value"] == "/staff"
    assert posted(admin, row=row.pk, group="/others", role="viewer", team="Payments")[0] == 302
    row.refresh_from_db()
    assert (row.group, row.role) == ("/others", "viewer")
    assert posted(admin, remove=row.pk)[0] == 302
    assert "/others gives Viewer of the team Payments no more." in Page(admin.get(URL).content.decode()).text
    assert not GroupGrant.objects.filter(pk=row.pk).exists()
    assert posted(admin, remove=row.pk)[0] == 404
    assert posted(admin, remove="x")[0] == 404
    assert posted(admin, row=row.pk, group="a", role="admin")[0] == 404
    lines = AuditEvent.objects.filter(kind="groupgrant").order_by("pk").values_list("action", "data__group")
    assert list(lines) == [("added", "/staff"), ("added", "/staff"), ("changed", "/others"), ("removed", "/others")]
    trail = Page(admin.get("/settings/audit/?kind=groupgrant").content.decode()).text
    assert "/others" in trail
    assert "What a group gives" in trail


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"group": "", "role": "admin"}, "This field is required."),
        ({"group": "a", "role": "lead"}, "Of which team?"),
        ({"group": "a", "role": "admin", "team": "payments"}, "This role counts everywhere"),
        ({"group": "a", "role": "member"}, "Select a valid choice."),
        ({"group": "a", "role": "lead", "team": "nobody"}, "There is no such team."),
        ({"group": "a\tb", "role": "admin"}, "cannot be printed"),
        ({"group": "a" * 201, "role": "admin"}, "at most 200"),
    ],
)
def test_what_is_no_row(admin: Client, values: dict[str, str], words: str) -> None:
    team()
    status, text = posted(admin, **values)
    assert (status, words in text) == (422, True), text
    assert not GroupGrant.objects.exists()


def test_a_group_gives_one_thing_in_one_place(admin: Client) -> None:
    team()
    for values in ({"role": "lead", "team": "payments"}, {"role": "admin"}):
        assert posted(admin, group="a", **values)[0] == 302
        assert posted(admin, group="a", **{**values, "role": "viewer" if "team" in values else "auditor"})[0] == 409
    assert GroupGrant.objects.count() == 2


def test_whom_it_reaches_is_counted_and_the_number_leads_to_them(admin: Client) -> None:
    came("ann", "staff", "a&b")
    came("bob", "staff")
    came("cid", "others")
    GroupGrant.objects.create(group="staff", role="admin")
    with provider():
        status, text = posted(admin, group="a&b", role="admin", preview="yes")
        assert (status, "1 person came by single sign-on with a&b the last time" in text) == (200, True)
        assert "Nobody has come" in posted(admin, group="never", role="admin", preview="yes")[1]
        assert GroupGrant.objects.count() == 1, "nothing is saved"
        page = Page(admin.get(URL).content.decode())
        (number,) = page.all("a", **{"data-count": "2"})
        found = Page(admin.get(number.attributes["href"]).content.decode())
        assert [row.text.split()[0] for row in found.rows] == ["ann", "bob"]
        assert "last came with the group “staff”" in found.text
        shown = Page(admin.get(f"/settings/people/{SocialAccount.objects.get(uid='ann').user_id}/").content.decode())
        assert "Has come by single sign-on" in shown.text


@pytest.mark.parametrize("rows", [1, 200])
def test_queries_do_not_grow(admin: Client, rows: int, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    GroupGrant.objects.bulk_create(GroupGrant(group=f"group-{each:03}", role="auditor") for each in range(rows))
    came("ann", *(f"group-{each:03}" for each in range(rows)))
    with provider(), django_assert_num_queries(6):
        page = Page(admin.get(URL).content.decode())
    assert len(page.rows) == min(rows, 50)
