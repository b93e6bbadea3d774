"""Every page, light and dark, wide and narrow: nothing axe calls serious, nothing on the console, nothing cut off."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from compliance.models import (
    DailySnapshot,
    Policy,
    Registry,
    RegistryState,
    Rejudging,
    RepositoryScan,
    Scan,
    State,
    WebhookEndpoint,
)
from compliance.services.assign_policies import assign_policy
from compliance.services.save_policy import save_policy
from tests.browser.conftest import Visitor
from tests.support.facts import facts
from tests.support.hooks import delivered
from tests.support.rows import (
    NOW,
    PASSWORD,
    Fleet,
    artifact,
    fleet,
    image,
    index,
    registry,
    scan,
    tag_row,
    unreadable,
    user,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOOKS = [("light", 1280), ("light", 390), ("dark", 1280), ("dark", 390)]


def furnish() -> list[str]:
    """Rows of every kind; return the pages that show them."""
    made: Fleet = fleet(3)
    both = index(50, [made.passing, made.failing])
    tag_row(made.repositories[0], "multi", made.failing, image=None, index=both, digest=both.digest).save()
    broken = {"problem_code": "dns", "problem_message": "No such host.", "problem_remedy": "Correct the address."}
    registry("A registry with quite a long name", **broken)
    regulate(made)
    busy = trouble(made)
    digests = [made.passing.digest, made.failing.digest, both.digest, unreadable(7).digest, artifact(8).digest]
    return [
        "/", "/repos/", "/repos/?q=nothing", "/tags/?verdict=fail", "/r/harbor/team/app-0000/-/", "/rules/",
        "/r/harbor/team/app-0000/-/t/latest/", *(f"/i/{digest}/" for digest in digests), "/rules/NR103/", "/policies/",
        "/policies/kubernetes/", "/policies/kubernetes/edit/", "/policies/kubernetes/edit/?from=1", "/policies/-/new/",
        "/policies/kubernetes/history/", "/policies/kubernetes/history/?a=1&b=2", "/policies/strict/",
        "/deployments/", f"/i/{made.failing.digest}/what-if/?user=3000:0",
        "/registries/", "/registries/harbor/", "/registries/-/new/", "/scans/", f"/scans/{made.scan.pk}/",
        "/registries/harbor/edit/", "/registries/harbor/delete/", "/registries/engine/", "/registries/engine/edit/",
        "/webhooks/", "/webhooks/?q=nothing", *deliveries(made), "/registries/harbor/webhook/",
        "/registries/engine/webhook/", "/registries/a-registry-with-quite-a-long-name/webhook/",
        "/scans/?tab=pushes", f"/scans/{made.scan.pk}/changes/", *(f"/scans/{each.pk}/" for each in busy),
    ]  # fmt: skip


def trouble(made: Fleet) -> list[Scan]:
    """A registry that is left alone and tells its quota, pushes nobody announced, a scan that waits, one of a push."""
    home = made.registry
    soon = timezone.now() + timedelta(minutes=7)
    told = {"pause_code": "rate-limited", "pause_message": "The registry answered 429.", "pause_remedy": "Wait."}
    quota = {"quota_limit": 200, "quota_remaining": 31, "quota_window_seconds": 21_600, "quota_at": NOW}
    RegistryState.objects.create(registry=home, failures=6, paused_until=soon, **told, **quota)
    webhook = {"unannounced": 14, "unannounced_since": NOW, "rejected": 3, "rejected_at": NOW}
    WebhookEndpoint.objects.create(registry=home, product="harbor", key="k", secret="s", created_at=NOW, **webhook)
    stored = {"username": "robot", "password": "p", "api_token": "t", "proxy": "http://p:1", "verify_tls": False}
    Registry.objects.filter(pk=home.pk).update(**stored, cron="30 6 * * 1-5", time_zone="Asia/Tokyo", newest_tags=50)
    registry("Engine", url="docker-daemon:", product="docker-engine")
    active = {"state": State.RUNNING, "finished_at": None, "tags_total": 1_903, "tags_done": 412, "new": 3}
    push = scan(home, made.repositories, partial=True, trigger=Scan.Trigger.WEBHOOK)
    RepositoryScan.objects.filter(scan=push).update(only_tags=["v1.2.3", "latest"])
    return [scan(home, made.repositories, **active), push]


def deliveries(made: Fleet) -> list[str]:
    """One with more pushes than a page holds, and one that was not understood; return their pages."""
    body = b'{"events": [{"action": "push", "target": {"digest": "sha256:0123456789", "size": 12}}]}'
    headers = {"authorization": "(not kept)", "user-agent": "registry/3 " * 20}
    full = delivered(made.registry, "1.0", *map(str, range(70)), body=body * 50, headers=headers, scan=made.scan)
    reason = "unknown action 'wonder'"
    odd = delivered(made.registry, outcome="quarantined", reason=reason, replay_of=full, remote_address="203.0.113.7")
    return [f"/webhooks/{full.pk}/", f"/webhooks/{odd.pk}/"]


def regulate(made: Fleet) -> None:
    """A second version whose judging again is under way, patterns on one registry and on all, a change in the trend."""
    policy = Policy.objects.select_related("current").get(name="kubernetes")
    first = policy.current
    assert first is not None
    setting = {"enabled": True, "fails": True, "severity": "low", "threshold": 500}
    document = {**first.document, "rules": {**first.document["rules"], "NR107": setting}}
    second = save_policy(policy, document, based_on=1, by=None, now=NOW, note="Hosts keep uids below 500.")
    assign_policy("team/app-0001", Policy.objects.get(name="strict"), registry=made.registry, by=None, now=NOW)
    assign_policy(f"{'long-name/' * 20}*", policy, registry=None, by=None, now=NOW)
    DailySnapshot.objects.filter(closed=False).update(policy_version=second)
    Rejudging.objects.filter(policy=policy).update(state=State.RUNNING, done=1, changed=2)


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_every_page_is_whole(visitor: Visitor, theme: str, width: int) -> None:
    paths = furnish()
    user("boss", staff=True)
    visitor.page.set_viewport_size({"width": width, "height": 800})
    visitor.log_in("boss", PASSWORD)
    visitor.page.get_by_role("button", name=f"{theme.capitalize()} theme").click()
    wrong: dict[str, list[str]] = {}
    for path in paths:
        visitor.go(path)
        visitor.page.evaluate("document.querySelectorAll('details.part').forEach((part) => { part.open = true; })")
        found = [*visitor.barriers(), *visitor.small_targets(), *visitor.complaints]
        found += [f"{visitor.overflow()} px too wide"] if visitor.overflow() > 0 else []
        wrong |= {path: found} if found else {}
        visitor.complaints.clear()
    assert not wrong


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


@pytest.mark.parametrize("width", [1280, 390])
def test_the_longest_names_break_no_page(visitor: Visitor, width: int) -> None:
    paths = overdo()
    user("sam")
    visitor.page.set_viewport_size({"width": width, "height": 800})
    visitor.log_in("sam", PASSWORD)
    wide: dict[str, float] = {}
    for path in paths:
        visitor.go(path)
        wide |= {path: visitor.overflow()} if visitor.overflow() > 0 else {}
    assert not wide
    assert not visitor.complaints


def test_a_row_opens_without_leaving_the_page(visitor: Visitor) -> None:
    tag_page = overdo()[7]
    user("sam")
    visitor.log_in("sam", PASSWORD)
    visitor.go(tag_page.split("t/forty")[0] + "?q=forty")
    visitor.page.get_by_text("Each platform").click()
    visitor.page.locator("details.each li").nth(39).wait_for()
    assert "linux/arch39 Fail 39:39" in " ".join(visitor.page.locator("details.each li").nth(39).inner_text().split())
    assert not visitor.complaints


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_before_anything_was_scanned(visitor: Visitor, theme: str, width: int) -> None:
    visitor.page.set_viewport_size({"width": width, "height": 800})
    visitor.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    visitor.go("/login/")
    assert not visitor.barriers()
    user("boss", staff=True)
    visitor.log_in("boss", PASSWORD)
    for path in ("/", "/repos/", "/tags/", "/registries/", "/scans/", "/deployments/", "/policies/", "/webhooks/"):
        visitor.go(path)
        assert not visitor.barriers(), path
        assert visitor.overflow() <= 0, path
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
