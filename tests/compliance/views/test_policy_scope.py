"""Giving repositories to policies by patterns."""

from __future__ import annotations

import pytest
from django.test import Client

from compliance.models import Policy, PolicyAssignment, Registry, Rejudging, Repository
from compliance.queries.filters import pattern_regex
from compliance.services.assign_policies import assign_policy
from tests.support.pages import Page, get
from tests.support.rows import NOW, fleet, policy_version, registry

URL = "/policies/strict/scope/"
PART = {"HX-Request": "true"}


def preview(client: Client, **data: str) -> str:
    """What the preview says, as htmx gets it."""
    response = client.post(f"{URL}preview/", data, headers=PART)
    assert response.status_code == 200
    return Page(f"<body>{response.content.decode()}</body>").text


def given(pattern: str, name: str = "strict", home: Registry | None = None) -> PolicyAssignment:
    return assign_policy(pattern, Policy.objects.get(name=name), registry=home, by=None, now=NOW)


def test_a_preview_says_what_fits_and_what_would_flip(admin: Client) -> None:
    fleet(12)
    text = preview(admin, pattern="team/app-000*")
    assert "team/app-000* matches 10 repositories; 10 of them would be judged by another policy than now." in text
    assert "10 of their 20 tags would flip: 10 Pass →to Fail" in text
    assert "team/app-0003Harbor 1.0 Pass Fail NR107 NR301" in text
    assert not PolicyAssignment.objects.exists()
    assert len(get(admin, "/repos/?pattern=team/app-000*").rows) == 10


def test_what_another_pattern_takes_first_is_not_moved(admin: Client) -> None:
    made = fleet(3)
    given("team/app-0001", "baseline", made.registry)
    assert "matches 3 repositories; 2 of them would be judged" in preview(admin, pattern="team/*")
    assert "matches 3 repositories; 2 of them" in preview(admin, pattern="team/*", registry="harbor")


def test_what_fits_nothing_is_said(admin: Client) -> None:
    fleet(1)
    assert "matches 0 repositories; repositories that come later may fit it." in preview(admin, pattern="none/*")


def test_only_the_registry_that_is_chosen(admin: Client) -> None:
    fleet(2)
    registry("Other")
    assert "matches 0 repositories" in preview(admin, pattern="*", registry="other")
    assert "matches 2 repositories" in preview(admin, pattern="*", registry="harbor")


@pytest.mark.parametrize(
    "data", [{"pattern": ""}, {"pattern": "TEAM"}, {"pattern": "a" * 256}, {"pattern": "x", "registry": "none"}]
)
@pytest.mark.parametrize("path", ["", "preview/"])
def test_what_cannot_be_is_said(admin: Client, data: dict[str, str], path: str) -> None:
    policy_version()
    response = admin.post(URL + path, data)
    assert response.status_code == 422
    assert b'class="problem is-fail"' in response.content
    assert not PolicyAssignment.objects.exists()


def test_giving(admin: Client) -> None:
    fleet(2)
    response = admin.post(URL, {"pattern": "team/app-0001", "registry": "harbor"})
    assert response.headers["Location"] == "/policies/strict/#scope"
    row = PolicyAssignment.objects.get()
    assert (row.pattern, str(row.policy), str(row.registry), str(row.created_by)) == (
        "team/app-0001", "strict", "Harbor", "boss",
    )  # fmt: skip
    assert str(Repository.objects.get(name="team/app-0001").policy) == "strict"
    assert Rejudging.objects.get().policy == row.policy
    page = get(admin, "/policies/strict/")
    assert page.all("a", href="/repos/?pattern=team/app-0001&registry=harbor")[0].text.startswith("1")
    assert "Repositories that fit team/app-0001 are judged by strict now." in page.text


def test_a_removal_is_shown_before_it_is_done(admin: Client) -> None:
    fleet(2)
    row = given("team/*")
    text = preview(admin, remove=str(row.pk))
    assert "Without team/*" in text
    assert "2 of them would be judged by another policy than now" in text
    assert PolicyAssignment.objects.exists()
    assert admin.post(f"{URL}{row.pk}/remove/").status_code == 302
    assert not PolicyAssignment.objects.exists()
    assert {str(each.policy) for each in Repository.objects.all()} == {"kubernetes"}


@pytest.mark.parametrize("which", ["0", "x", "99999999999999999999"])
def test_an_assignment_that_is_not_there(admin: Client, which: str) -> None:
    policy_version()
    assert admin.post(f"{URL}preview/", {"remove": which}).status_code == 404


def test_an_assignment_of_another_policy_is_not_removed_here(admin: Client) -> None:
    policy_version()
    row = given("team/*", "baseline")
    assert admin.post(f"{URL}{row.pk}/remove/").status_code == 404
    assert PolicyAssignment.objects.exists()


def test_the_first_that_fits_counts_and_can_be_moved(admin: Client) -> None:
    fleet(1)
    given("team/app-*", "baseline")
    later = given("team/*")
    patterns = [code.text for code in get(admin, "/policies/strict/").all("code", class_="break")]
    assert patterns == ["team/app-*", "team/*"]
    assert admin.post(f"{URL}{later.pk}/move/", {"to": "earlier"}).status_code == 302
    patterns = [code.text for code in get(admin, "/policies/strict/").all("code", class_="break")]
    assert patterns == ["team/*", "team/app-*"]
    assert str(Repository.objects.get().policy) == "strict"
    admin.post(f"{URL}{later.pk}/move/", {"to": "later"})
    assert str(Repository.objects.get().policy) == "baseline"
    admin.post(f"{URL}{later.pk}/move/", {"to": "later"})
    assert str(Repository.objects.get().policy) == "baseline"


@pytest.mark.parametrize(("pattern", "regex"), [("a/*", "^a/.*$"), ("a.b-c_?", r"^a\.b\-c_.$"), ("*", "^.*$")])
def test_globs_are_read_alike_by_the_database(pattern: str, regex: str) -> None:
    assert pattern_regex(pattern) == regex
