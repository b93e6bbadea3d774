"""The form of a registry in a browser: it asks only for what counts, and shows steps of a test as they come."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from compliance.models import Registry
from scanner.sources.catalogs import PRODUCTS
from scanner.sources.registry.diagnosis import Step, StepState
from tests.browser.conftest import Visitor
from tests.support.rows import PASSWORD, fleet, policy_version, registry, user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def boss(visitor: Visitor) -> Visitor:
    """Somebody who may add a registry."""
    policy_version()
    user("boss", staff=True)
    visitor.log_in("boss", PASSWORD)
    return visitor


def test_it_asks_only_for_what_counts(boss: Visitor) -> None:
    page = boss.page
    boss.go("/registries/-/new/")
    assert not page.get_by_role("textbox", name="Secret access key").is_visible()
    page.get_by_label("AWS: exchanged").check()
    assert page.get_by_role("textbox", name="Access key ID").is_visible()
    page.get_by_label("User name and password").check()
    assert page.get_by_role("textbox", name="User name").is_visible()
    page.get_by_label("Product").select_option("oci-layout")
    page.get_by_role("heading", name="Credential").wait_for(state="hidden")
    assert not page.get_by_role("heading", name="TLS and network").is_visible()
    assert not boss.complaints


def test_the_address_tells_what_to_ask_for_while_it_is_typed(boss: Visitor) -> None:
    boss.go("/registries/-/new/")
    boss.page.get_by_label("Address").fill("ghcr.io")
    boss.page.get_by_label("Address").blur()
    boss.page.locator("#listing strong").get_by_text(PRODUCTS["ghcr"].title).wait_for()
    assert not boss.complaints


def test_the_next_scans_follow_what_is_typed(boss: Visitor) -> None:
    page = boss.page
    boss.go("/registries/-/new/")
    page.get_by_role("heading", name="Schedule").click()
    page.get_by_label("At times of the day or week").check()
    page.get_by_label("Cron expression").fill("30 6 * * *")
    page.locator("#runs").get_by_text("Every day at 06:30 UTC").wait_for()
    assert page.locator("#runs time").count() == 3
    assert page.get_by_label("Cron expression").evaluate("field => field === document.activeElement")


def test_a_scope_shows_what_it_lets_through_while_it_is_typed(boss: Visitor) -> None:
    fleet(3)
    boss.go("/registries/harbor/edit/")
    boss.page.get_by_role("heading", name="What is scanned").click()
    boss.page.get_by_label("Repositories to leave out").fill("*0002")  # before the first answer is there
    boss.page.get_by_text("2 of 3 repositories match").wait_for()
    boss.page.get_by_label("Repositories to leave out").fill("")
    boss.page.get_by_text("3 of 3 repositories match").wait_for()
    assert Registry.objects.get().exclude_repositories == []
    assert not boss.complaints


def test_steps_are_shown_while_the_next_is_under_way(boss: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def slow(*_: object) -> Iterator[Step]:
        yield Step("name", StepState.OK, 3, "203.0.113.9")
        go_on.wait(20)
        yield Step("tls", StepState.WARNING, 41, "expires soon", "Renew it.")

    monkeypatch.setattr("compliance.views.registries.check_registry", slow)
    registry("Harbor")
    boss.go("/registries/harbor/edit/")
    boss.page.get_by_role("button", name="Test the connection").click()
    boss.page.locator("#ladder li").get_by_text("203.0.113.9").wait_for()
    assert boss.page.locator("#ladder li").count() == 1
    go_on.set()
    boss.page.get_by_text("This registry can be scanned, with 1 warning").wait_for()
    assert boss.page.locator("#ladder li").count() == 2
    assert not boss.complaints


def test_what_is_wrong_is_where_it_can_be_seen(boss: Visitor) -> None:
    page = boss.page
    boss.go("/registries/-/new/")
    page.get_by_label("Name", exact=True).fill("Shop")
    page.get_by_label("Address").fill("shop.example")
    page.get_by_role("heading", name="Limits").click()
    page.get_by_label("Connections at once").fill("0")
    page.get_by_role("heading", name="Limits").click()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Something has to be corrected").wait_for()
    assert page.get_by_label("Connections at once").is_visible()
    assert not boss.barriers()


def test_without_script_a_registry_is_added(boss: Visitor) -> None:
    browser = boss.page.context.browser
    assert browser is not None
    plain = browser.new_context(java_script_enabled=False)
    person = Visitor(plain.new_page(), boss.base)
    person.log_in("boss", PASSWORD)
    person.go("/registries/-/new/")
    person.page.get_by_label("Name", exact=True).fill("Engine")
    person.page.get_by_label("Product").select_option("docker-engine")
    person.page.get_by_label("Address").fill("docker-daemon:")
    person.page.get_by_role("button", name="Save").click()
    person.page.get_by_text("Engine was added.").wait_for()
    assert Registry.objects.get().url == "docker-daemon:"
    plain.close()
