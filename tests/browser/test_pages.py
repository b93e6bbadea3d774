"""What all pages share in a browser: searching, keys, themes, copying, a server that fails, no script."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Visitor
from tests.support.facts import facts
from tests.support.hooks import delivered
from tests.support.rows import (
    PASSWORD,
    fleet,
    image,
    index,
    tag_row,
    user,
)

_CORNER = "(part) => { const box = part.getBoundingClientRect(); return [box.right, box.bottom]; }"

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def overdo() -> list[str]:
    """The longest names, a hostile USER and an index of forty platforms; return the pages that show them."""
    made = fleet(1)
    home = made.repositories[0]
    home.name = "/".join(["abcdefghijklmnopqrstuvwxyz0123456789"] * 7)[:255]
    home.save(update_fields=["name"])
    evil = image(facts("evil\x1b[31m\u202e" + "u" * 290 + ":" + "g" * 20), 7_001)
    tag_row(home, "t" * 128, evil).save()
    many = [image(facts(str(number)), 8_000 + number) for number in range(40)]
    forty = index(9_000, many)
    strip = [
        {"platform": f"linux/arch{at}", "digest": each.digest, "verdict": "fail", "runs_as": f"{at}:{at}"}
        for at, each in enumerate(many)
    ]
    tag_row(home, "forty", many[0], image=None, index=forty, digest=forty.digest, platforms=strip).save()
    pages = [f"/r/harbor/{home.name}/-/{rest}" for rest in ("", "t/forty/", f"t/{'t' * 128}/")]
    digests = [f"/i/{each.digest}/" for each in (evil, forty)]
    long = {"reason": "r" * 500, "headers": {"h" * 100: "v" * 500}, "repository": home.name}
    delivery = delivered(made.registry, "t" * 128, **long)
    webhooks = ["/webhooks/", f"/webhooks/{delivery.pk}/", "/registries/harbor/webhook/"]
    return ["/", "/repos/", "/tags/", *webhooks, *pages, *digests, f"/scans/{made.scan.pk}/", "/registries/harbor/"]


def test_a_row_opens_without_leaving_the_page(visitor: Visitor) -> None:
    tag_page = overdo()[7]
    user("sam")
    visitor.log_in("sam", PASSWORD)
    visitor.go(tag_page.split("t/forty")[0] + "?q=forty")
    visitor.page.get_by_text("Each platform").click()
    visitor.page.locator("details.each li").nth(39).wait_for()
    assert "linux/arch39 Fail 39:39" in " ".join(visitor.page.locator("details.each li").nth(39).inner_text().split())
    assert not visitor.complaints


def test_searching_swaps_the_results_and_keeps_the_address(visitor: Visitor) -> None:
    fleet(60)
    user("sam")
    visitor.log_in("sam", PASSWORD)
    visitor.go("/repos/?sort=name")
    visitor.page.evaluate("window.untouched = true")
    visitor.page.get_by_role("searchbox", name="Name").fill("app-0007")
    visitor.page.wait_for_url("**/repos/?*q=app-0007*")
    assert visitor.page.locator("tbody tr").count() == 1
    assert visitor.page.locator("#status").inner_text() == "1 repositories, page 1 of 1"
    assert visitor.page.evaluate("window.untouched")
    visitor.page.go_back()
    visitor.page.wait_for_function("document.querySelectorAll('tbody tr').length === 50")
    assert visitor.page.locator("header.top").count() == 1
    assert not visitor.complaints


def test_the_theme_changes_without_loading_and_is_there_on_the_next_page(visitor: Visitor) -> None:
    user("sam")
    visitor.log_in("sam", PASSWORD)
    with visitor.page.expect_response("**/theme/"):
        visitor.page.get_by_role("button", name="Dark theme").click()
    assert visitor.page.evaluate("document.documentElement.dataset.theme") == "dark"
    visitor.go("/rules/")
    assert visitor.page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(11, 20, 27)"


@pytest.mark.parametrize(("address", "cards"), [("/", 11), ("/?registry=harbor", 9)])
def test_cards_of_the_overview_leave_no_hole(visitor: Visitor, address: str, cards: int) -> None:
    fleet(2)
    user("nora", role="security")
    visitor.log_in("nora", PASSWORD)
    visitor.go(address)
    assert visitor.page.locator(".led > *").count() == cards
    for width in (1280, 900, 390):
        visitor.page.set_viewport_size({"width": width, "height": 900})
        last, whole = (visitor.page.locator(each).evaluate(_CORNER) for each in (".led > :last-child", ".led"))
        assert last == pytest.approx(whole, abs=2), width


def test_keys(visitor: Visitor) -> None:
    user("sam")
    visitor.log_in("sam", PASSWORD)
    visitor.page.keyboard.press("/")
    assert visitor.page.evaluate("document.activeElement.id") == "find"
    visitor.page.keyboard.type("gs")
    assert visitor.page.url.endswith("/")
    visitor.page.evaluate("document.activeElement.blur()")
    visitor.page.keyboard.press("g")
    visitor.page.keyboard.press("u")
    visitor.page.wait_for_url("**/rules/")


def test_without_script_everything_is_a_link_or_a_form(visitor: Visitor) -> None:
    made = fleet(2)
    user("sam")
    browser = visitor.page.context.browser
    assert browser is not None
    plain = browser.new_context(java_script_enabled=False)
    page = plain.new_page()
    person = Visitor(page, visitor.base)
    person.log_in("sam", PASSWORD)
    page.get_by_role("link", name="Repositories", exact=True).click()
    page.get_by_role("searchbox", name="Name").fill("app-0001")
    page.get_by_role("button", name="Apply").click()
    page.get_by_role("link", name="team/app-0001").click()
    page.locator("tbody").get_by_role("link", name="latest").click()
    page.locator("tbody").get_by_role("link", name="linux/amd64").click()
    assert page.url.endswith(f"/i/{made.failing.digest}/")
    page.get_by_role("button", name="Dark theme").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    plain.close()


def test_copying_says_so(visitor: Visitor) -> None:
    made = fleet(1)
    user("sam")
    visitor.log_in("sam", PASSWORD)
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visitor.go(f"/i/{made.failing.digest}/")
    visitor.page.get_by_role("button", name="Copy digest").first.click()
    visitor.page.wait_for_function("document.getElementById('status').textContent === 'Copied'")
    assert visitor.page.evaluate("navigator.clipboard.readText()") == made.failing.digest


def test_a_server_that_fails_is_said_and_the_old_content_stays(visitor: Visitor) -> None:
    fleet(1)
    user("sam")
    visitor.log_in("sam", PASSWORD)
    visitor.go("/repos/")
    visitor.page.route("**/repos/?*", lambda route: route.fulfill(status=503, body="no"))
    visitor.page.get_by_role("searchbox", name="Name").fill("x")
    visitor.page.get_by_text("The server answered 503").wait_for()
    assert visitor.page.locator("tbody tr").count() == 1
