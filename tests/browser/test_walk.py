"""The first hour of a new user: add a registry, test it, scan it, read the verdict of an image. Everything is real:
the registry answers over HTTP and the scan is the product's, run where a worker would run it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from compliance.models import Registry, Scan, State
from compliance.services.publish_policies import publish_policies
from compliance.services.run_scan_inline import run_scan_inline
from tests.browser.conftest import Visitor
from tests.support.demo_registry import DemoRegistry
from tests.support.images import File, image, layer
from tests.support.oci_layout import OciLayout
from tests.support.rows import PASSWORD, user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MADE = b"root:x:0:0::/root:/bin/sh\napp:x:1001:1001::/app:/bin/sh\n"


def now() -> datetime:
    """The real clock: the pages use it too."""
    return datetime.now(UTC)


def fill(layout: OciLayout) -> None:
    """One image that is fine, and the one whose account became root in a later layer."""
    layout.tag("team/shop", "good", image([layer({"etc/passwd": File(MADE)})], user="1001:1001"))
    remapped = [layer({"etc/passwd": File(MADE)}), layer({"etc/passwd": File(MADE.replace(b"1001", b"0"))})]
    layout.tag("team/shop", "bad", image(remapped, user="app"))


def add_registry(visitor: Visitor, url: str) -> None:
    """From the checklist to a saved registry, testing the connection on the way."""
    page = visitor.page
    page.get_by_role("link", name="Add a registry").click()
    page.get_by_label("Name", exact=True).fill("Shop")
    page.get_by_label("Address").fill(url)
    page.get_by_label("The registry is on a private network").check()
    page.get_by_role("button", name="Test the connection").click()
    page.locator("#ladder ol.ladder li").first.wait_for()
    assert page.locator("#ladder .is-failed").count() == 0, page.locator("#ladder").inner_text()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Shop was added.").wait_for()


def test_from_an_empty_site_to_the_verdict_of_an_image(
    visitor: Visitor, demo_registry: DemoRegistry, demo_layout: OciLayout
) -> None:
    fill(demo_layout)
    publish_policies(now())
    user("boss", staff=True)
    visitor.log_in("boss", PASSWORD)
    add_registry(visitor, demo_registry.url)
    page = visitor.page

    page.get_by_role("button", name="Scan now").click()
    page.get_by_text("waiting for a worker").wait_for()
    done = run_scan_inline(Registry.objects.get(), clock=now, trigger=Scan.Trigger.PAGE)
    assert done.state == State.DONE, done.problem_message
    page.get_by_text("2/2 tags").wait_for()  # the page finds out by itself
    assert page.locator("#live").get_attribute("hx-get") is None

    page.get_by_role("link", name="Repositories", exact=True).click()
    page.get_by_role("link", name="team/shop").click()
    assert "1 of 2 tags pass; bad has failed" in page.locator("p.lead").inner_text()
    page.locator("tbody").get_by_role("link", name="bad", exact=True).click()
    page.locator("tbody tr").first.get_by_role("link").first.click()
    assert "runs as root, uid 0 gid 0, from USER app" in page.locator(".banner").inner_text()
    assert not visitor.barriers()
    assert not visitor.complaints
