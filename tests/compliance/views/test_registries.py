"""Registries: list, detail, form, connection test, rights."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from django.test import Client

from compliance.models import Registry, State
from scanner.domain.problems import Refused
from scanner.sources.registry.diagnosis import Step, StepState
from tests.support.pages import get, get_part
from tests.support.rows import HOSTILE, NOW, fleet, policy_version, registry, scan

FORM = {
    "name": "Quay",
    "url": "https://quay.example",
    "auth_method": "password",
    "username": "robot",
    "password": "s3cret-token",
    "token_hosts": "auth.quay.example",
    "verify_tls": "on",
    "policy": "kubernetes",
    "when": "interval",
    "interval_minutes": "30",
    "connections": "16",
    "enabled": "on",
}


def ladder(*_: object) -> Iterator[Step]:
    """A connection test that breaks at its second rung."""
    yield Step("Name", StepState.OK, 3, "203.0.113.9")
    yield Step("Login", StepState.FAILED, 41, f"401 {HOSTILE}", "Check the password.", "denied")
    yield Step("Catalog", StepState.SKIPPED)


def test_without_rows_it_says_what_to_do(reader: Client, admin: Client) -> None:
    assert "Only administrators may add one." in get(reader, "/registries/").text
    assert get(admin, "/registries/").all("a", href="/registries/-/new/")


def test_the_list_counts_what_it_links_to(reader: Client) -> None:
    fleet(3)
    page = get(reader, "/registries/")
    assert page.all("a", href="/repos/?registry=harbor")[0].text == "3"
    assert len(get(reader, "/repos/?registry=harbor").rows) == 3
    assert page.all("a", href="/tags/?registry=harbor")[0].text == "6"
    assert len(get(reader, "/tags/?registry=harbor").rows) == 6


def test_only_those_in_error(reader: Client) -> None:
    fleet(1)
    registry("Broken", problem_code="dns", problem_message="No such host.")
    page = get(reader, "/registries/?state=error")
    assert len(page.rows) == 1
    assert "No such host." in page.text
    assert len(get(reader, "/registries/?state=nonsense").rows) == 2


def test_the_page_of_a_registry(reader: Client) -> None:
    fleet(2)
    page = get(reader, "/registries/harbor/")
    assert "No answer in 30 s." in page.text
    assert "in 2 repositories" in page.text
    assert not page.all("a", href="/registries/harbor/edit/")
    get(reader, "/registries/none/", status=404)


def test_a_running_scan_is_watched_instead_of_asked_for_again(reader: Client) -> None:
    running = scan(registry(), state=State.RUNNING, finished_at=None)
    page = get(reader, "/registries/")
    assert page.all("a", href=f"/scans/{running.pk}/")[0].text == "Watch"
    assert not page.all("form", action="/registries/harbor/scan/")


@pytest.mark.parametrize("url", ["/registries/-/new/", "/registries/harbor/edit/"])
def test_only_administrators_see_the_form(reader: Client, admin: Client, url: str) -> None:
    registry()
    assert "Not allowed" in get(reader, url, status=403).text
    assert get(admin, url).all("input", name="password")


@pytest.mark.parametrize(
    "url", ["/registries/-/new/", "/registries/harbor/edit/", "/registries/-/test/", "/registries/harbor/test/"]
)
def test_only_administrators_may_send_it(reader: Client, url: str) -> None:
    registry()
    with patch("compliance.views.registries.check_registry") as check:
        assert reader.post(url, FORM).status_code == 403
    assert not check.called
    assert Registry.objects.count() == 1


def test_adding(admin: Client) -> None:
    policy_version()
    response = admin.post("/registries/-/new/", FORM)
    assert response.status_code == 302, response.content
    row = Registry.objects.get()
    assert response.headers["Location"] == "/registries/quay/"
    assert (row.name, row.url, row.interval_minutes) == ("Quay", "https://quay.example", 30)
    assert row.credential_set_by is not None


def test_protected_tags_are_entered_and_shown(admin: Client) -> None:
    policy_version()
    refused = admin.post("/registries/-/new/", {**FORM, "protected_tags": "[a-z], prod"})
    assert (refused.status_code, Registry.objects.count()) == (422, 0)
    admin.post("/registries/-/new/", {**FORM, "protected_tags": "prod, v*"})
    assert Registry.objects.get().protected_tags == ["prod", "v*"]
    assert "Protected tags prod v*" in get(admin, "/registries/quay/").text
    entered = get(admin, "/registries/quay/edit/").all("input", name="protected_tags")[0]
    assert entered.attributes["value"] == "prod, v*"


def test_the_password_never_comes_back(admin: Client) -> None:
    policy_version()
    admin.post("/registries/-/new/", FORM)
    for url in ("/registries/quay/", "/registries/quay/edit/", "/registries/"):
        assert "s3cret-token" not in get(admin, url).html
    wrong = admin.post("/registries/-/new/", {**FORM, "url": "nonsense://"})
    assert wrong.status_code == 422
    assert "s3cret-token" not in wrong.content.decode()


def test_an_empty_password_keeps_the_stored_one(admin: Client) -> None:
    policy_version()
    admin.post("/registries/-/new/", FORM)
    before = Registry.objects.get().credential_set_at
    admin.post("/registries/quay/edit/", {**FORM, "password": "", "name": "Quay two"})
    row = Registry.objects.get()
    assert (row.name, row.credential_set_at, row.slug) == ("Quay two", before, "quay")
    assert "set just now by boss" in get(admin, "/registries/quay/").text


@pytest.mark.parametrize(
    ("field", "value"),
    [("url", "ftp://x"), ("url", "https://user:pw@host"), ("url", "https://host/path"), ("url", ""), ("name", ""),
     ("policy", "nobody"), ("interval_minutes", "-1"), ("interval_minutes", "x"), ("name", "x" * 101),
     ("name", "a\0b")],
)  # fmt: skip
def test_wrong_values_are_said_in_place(admin: Client, field: str, value: str) -> None:
    policy_version()
    response = admin.post("/registries/-/new/", {**FORM, field: value})
    assert response.status_code == 422
    assert b'class="errors"' in response.content
    assert not Registry.objects.exists()


def test_names_are_unique(admin: Client) -> None:
    registry("Quay")
    assert admin.post("/registries/-/new/", FORM).status_code == 422


@pytest.mark.parametrize(
    ("entered", "stored"), [("quay.example", "https://quay.example"), (" http://h:5000/ ", "http://h:5000")]
)
def test_addresses_are_completed(admin: Client, entered: str, stored: str) -> None:
    policy_version()
    admin.post("/registries/-/new/", {**FORM, "url": entered})
    assert Registry.objects.get().url == stored


def test_the_connection_test_shows_each_step(admin: Client) -> None:
    policy_version()
    with patch("compliance.views.registries.check_registry", ladder):
        html = admin.post("/registries/-/test/", FORM, headers={"HX-Request": "true"}).getvalue().decode()
    assert html.lstrip().startswith('<section class="panel" id="ladder"')
    assert "41 ms" in html
    assert "Stopped at: Login" in html
    assert "not reached" in html
    assert "Check the password." in html
    assert "<img src=x" not in html
    assert not Registry.objects.exists()


def test_the_connection_test_without_script_keeps_the_form(admin: Client) -> None:
    policy_version()
    with patch("compliance.views.registries.check_registry", ladder):
        html = admin.post("/registries/-/test/", FORM).content.decode()
    assert 'value="https://quay.example"' in html
    assert "s3cret-token" not in html


def test_a_form_that_is_not_complete_is_not_tried(admin: Client) -> None:
    policy_version()
    with patch("compliance.views.registries.check_registry") as check:
        response = admin.post("/registries/-/test/", {**FORM, "url": ""}, headers={"HX-Request": "true"})
    assert response.status_code == 422
    assert not check.called
    assert b"The form is not complete." in response.content


def test_a_lost_key_is_a_step_that_failed(admin: Client) -> None:
    registry("Quay")
    lost = Refused("credential-key-missing", "The key is lost.", remedy="Enter the credential again.")
    with patch("compliance.views.registries.check_registry", side_effect=lost):
        html = admin.post("/registries/quay/test/", FORM).content.decode()
    assert "Enter the credential again." in html


def test_a_reader_may_ask_for_a_scan(reader: Client) -> None:
    home = registry()
    with patch("compliance.views.scans.wake") as wake:
        response = reader.post("/registries/harbor/scan/")
    row = home.scans.get()
    assert response.headers["Location"] == f"/scans/{row.pk}/"
    assert (row.trigger, row.requested_at) == ("page", NOW)
    wake.assert_called_once_with(row.pk)
    assert reader.post("/registries/none/scan/").status_code == 404


def test_nothing_changes_by_looking(reader: Client) -> None:
    home = registry()
    assert reader.get("/registries/harbor/scan/").status_code == 405
    assert not home.scans.exists()
    assert "<html" in get_part(reader, "/registries/")
