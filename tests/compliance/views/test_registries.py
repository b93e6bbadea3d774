"""Registries: list, detail, form, connection test, rights."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.test import Client

from compliance.models import Registry, RegistryState, State, User, WebhookEndpoint
from scanner.domain.problems import Refused
from scanner.sources.catalogs import PRODUCTS
from scanner.sources.catalogs.product import Listing
from scanner.sources.registry.diagnosis import Step, StepState
from tests.support.forms import page_sends
from tests.support.pages import Page, get, get_part
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


@pytest.fixture(autouse=True)
def nobody_is_asked() -> Iterator[None]:
    """Whoever answers at the invented addresses."""
    with patch("compliance.services.detect_product.detect_product", return_value="quay"):
        yield


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


def test_a_registry_whose_address_tells_nothing_is_asked_what_it_is(admin: Client) -> None:
    policy_version()
    admin.post("/registries/-/new/", FORM)
    row = Registry.objects.get()
    assert row.product == "quay"
    admin.post("/registries/quay/edit/", {**FORM, "password": "", "product": "zot", "password_remove": "on"})
    assert Registry.objects.get().product == "zot"


def test_the_page_sent_back_unchanged_changes_nothing(admin: Client) -> None:
    home = registry(cron="0 3 * * *", include_tags=["v*", "prod"], newest_tags=9, extra_ca="", platforms=["linux/*"])
    before = Registry.objects.values().get(pk=home.pk)
    response = admin.post("/registries/harbor/edit/", page_sends(get(admin, "/registries/harbor/edit/")))
    assert response.status_code == 302, response.content
    assert Registry.objects.values().get(pk=home.pk) == before


def test_steps_are_sent_one_by_one(admin: Client) -> None:
    policy_version()
    with patch("compliance.views.registries.check_registry", ladder):
        response = admin.post("/registries/-/test/", FORM, headers={"HX-Request": "true"})
        assert response.streaming
        parts = [part.decode() for part in response]
    assert ["Name" in part for part in parts[:3]] == [False, True, False]
    assert (response.headers["X-Accel-Buffering"], response.headers["Cache-Control"]) == ("no", "private, no-store")


def test_what_is_wrong_opens_its_part_and_is_linked_from_the_test(admin: Client) -> None:
    policy_version()
    wrong = {**FORM, "exclude_tags": "a/b"}
    html = admin.post("/registries/-/new/", wrong).content.decode()
    assert len(Page(html).all("details", class_="is-wrong", open="")) == 1
    tested = Page(admin.post("/registries/-/test/", wrong, headers={"HX-Request": "true"}).content.decode())
    assert tested.all("a", href="#id_exclude_tags")


@pytest.mark.parametrize(
    ("entered", "said"),
    [
        ({"url": "ghcr.io"}, f"The address tells: <strong>{PRODUCTS['ghcr'].title}</strong>"),
        ({"product": "dockerhub"}, "Docker Hub"),
        ({"product": "acr"}, "not listed"),
        ({"product": "digitalocean", "url": "x"}, "not listed"),
    ],
)
def test_each_product_asks_for_its_own(admin: Client, entered: dict[str, str], said: str) -> None:
    policy_version()
    response = admin.post("/registries/-/listing/", {**FORM, **entered}, headers={"HX-Request": "true"})
    assert said in Page(response.content.decode()).text
    assert b"s3cret-token" not in response.content


def test_a_product_without_listing_says_so(admin: Client) -> None:
    policy_version()
    keys = [key for key, product in PRODUCTS.items() if product.listing is Listing.NONE]
    for key in keys:
        response = admin.post("/registries/-/listing/", {**FORM, "product": key}, headers={"HX-Request": "true"})
        assert "cannot list its repositories" in Page(response.content.decode()).text


def test_the_next_scans_are_shown_in_the_readers_zone(admin: Client) -> None:
    policy_version()
    User.objects.update(time_zone="Europe/Berlin")
    entered = {**FORM, "when": "cron", "cron": "30 6 * * *", "time_zone": "Asia/Tokyo"}
    response = admin.post("/registries/-/runs/", entered, headers={"HX-Request": "true"})
    assert "Every day at 06:30 Asia/Tokyo" in Page(response.content.decode()).text
    assert response.content.decode().count("22:30 Europe/Berlin") == 3
    never = admin.post("/registries/-/runs/", {**entered, "when": "never"}, headers={"HX-Request": "true"})
    assert b"No scan begins by itself." in never.content


def test_what_a_scope_lets_through_is_shown_before_it_is_saved(admin: Client) -> None:
    fleet(3)
    entered = {**FORM, "registry": "harbor", "include_repositories": "*/app-0001", "exclude_tags": "1.*"}
    text = Page(admin.post("/registries/-/scope/", entered, headers={"HX-Request": "true"}).content.decode()).text
    assert "1 of 3 repositories match" in text
    assert "1 of 2 tags of them match" in text
    assert text.index("team/app-0001:latest") < text.index('left out: <code title="team/app-0001:1.0"')
    assert not Registry.objects.get().include_repositories


def test_how_old_a_tag_is_is_explained(admin: Client) -> None:
    assert "Registries do not say when a tag was pushed" in admin.get("/registries/-/new/").content.decode()


def test_a_registry_scanned_only_when_asked_for_has_no_next_scan(reader: Client) -> None:
    row = registry("idle")
    Registry.objects.filter(pk=row.pk).update(interval_minutes=0, cron="", next_scan_at=NOW)
    assert "when asked" in reader.get("/registries/").content.decode()
    assert "<dd>only when somebody asks</dd>" in reader.get("/registries/idle/").content.decode()


def test_a_scope_that_is_wrong_is_said_in_its_preview(admin: Client) -> None:
    fleet(1)
    entered = {**FORM, "registry": "harbor", "exclude_tags": "a/b"}
    response = admin.post("/registries/-/scope/", entered, headers={"HX-Request": "true"})
    assert "a tag has letters" in Page(response.content.decode()).text
    whole = admin.post("/registries/-/scope/", {**entered, "exclude_tags": "1.*"}).content.decode()
    assert "<html" in whole
    assert "left out: team/app-0000:1.0" in Page(whole).text


@pytest.mark.parametrize("url", ["listing", "runs", "scope"])
def test_only_administrators_fill_it_in(reader: Client, url: str) -> None:
    assert reader.post(f"/registries/-/{url}/", FORM).status_code == 403


def test_a_paused_registry_can_be_tried_at_once(reader: Client) -> None:
    home = registry()
    told = {"pause_code": "unreachable", "pause_message": "Nobody answers."}
    RegistryState.objects.create(registry=home, failures=6, paused_until=NOW + timedelta(minutes=7), **told)
    text = get(reader, "/registries/harbor/").text
    assert "Left alone until Tue 10 Mar 12:07 UTC, in 7 minutes, after 6 failures in a row." in text
    assert "Left alone" in get(reader, "/registries/").text
    reader.post("/registries/harbor/resume/")
    assert RegistryState.objects.get().paused_until is None
    assert "It failed 6 times in a row." in get(reader, "/registries/harbor/").text


def test_quota_and_pushes_are_shown(reader: Client) -> None:
    home = registry()
    quota = {"quota_limit": 200, "quota_remaining": 31, "quota_window_seconds": 21_600, "quota_source": "203.0.113.7"}
    RegistryState.objects.create(registry=home, quota_at=NOW, **quota)
    assert "No push is announced to us" in get(reader, "/registries/harbor/").text
    columns = {"product": "harbor", "key": "k", "secret": "s", "created_at": NOW, "unannounced": 14, "rejected": 2}
    WebhookEndpoint.objects.create(registry=home, **columns)
    text = get(reader, "/registries/harbor/").text
    assert "31 of 200 pulls left" in text
    assert "14 pushes found by polling that no webhook announced" in text
    assert "14 not announced" in get(reader, "/registries/").text


def test_a_source_on_the_workers_machine_shows_no_network(reader: Client) -> None:
    registry("Engine", url="docker-daemon:", product="docker-engine")
    text = get(reader, "/registries/engine/").text
    assert "TLS" not in text
    assert "Credential" not in text


def test_deleting_wants_the_name(admin: Client) -> None:
    fleet(2)
    assert "2 repositories with 4 tags go" in get(admin, "/registries/harbor/delete/").text
    assert admin.post("/registries/harbor/delete/", {"name": "harbor"}).status_code == 422
    assert Registry.objects.exists()
    assert admin.post("/registries/harbor/delete/", {"name": "Harbor"}).status_code == 302
    assert not Registry.objects.exists()


def test_only_administrators_delete(reader: Client) -> None:
    registry()
    assert reader.get("/registries/harbor/delete/").status_code == 403
    assert reader.post("/registries/harbor/delete/", {"name": "Harbor"}).status_code == 403
