"""Asking what would happen, and checking a deployment file: with a mouse, with keys, without a script."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.support.facts import facts, privileged
from tests.support.file_facts import House, command
from tests.support.rows import HOSTILE, PASSWORD, fleet, image, tag_row, user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOOKS = [("light", 1280), ("light", 390), ("dark", 1280), ("dark", 390)]
REFERENCE = "harbor.example/team/app-0000:shop"


def shop() -> str:
    """An image that writes to a folder of its own uid, under a tag; return its digest."""
    house = House({"/app/": (0o755, 1001, 1001), "/app/server": (0o755, 1001, 1001), "/app/a b/": (0o700, 1001, 1001)})
    tools = [privileged(f"/usr/bin/{'x' * 90}{at}", 0o4755) for at in range(8)]
    files = house.facts(
        "/app", trees=[house.tree("/app")], command=command(house.program("/app/server")), privileged=tools
    )
    row = image(facts("1001:1001", working_dir="/app", files=files), 70)
    tag_row(fleet(1).repositories[0], "shop", row).save()
    return row.digest


def file(name: str = "web", *fields: str) -> str:
    """A pod."""
    more = "".join(f"    {field}\n" for field in fields)
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: shop}}\nspec:\n  containers:\n"
        f"  - name: {name}\n    image: {REFERENCE}\n{more}"
    )


def check(visitor: Visitor, text: str) -> None:
    """Paste a file and send it."""
    visitor.go("/deployments/")
    visitor.page.get_by_label("The file's text").fill(text)
    visitor.page.get_by_role("button", name="Check").click()


def found_wrong(visitor: Visitor) -> list[str]:
    """What makes a page hard to use; an answer of 422 is on the console of every browser."""
    said = [text for text in visitor.complaints if "422" not in text]
    visitor.complaints.clear()
    wide = [f"{visitor.overflow()} px too wide"] if visitor.overflow() > 0 else []
    return [*visitor.barriers(), *visitor.small_targets(), *wide, *said]


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_every_answer_is_whole(visitor: Visitor, theme: str, width: int) -> None:
    address = f"/i/{shop()}/what-if/"
    user("boss", staff=True)
    visitor.page.set_viewport_size({"width": width, "height": 800})
    visitor.log_in("boss", PASSWORD)
    visitor.page.get_by_role("button", name=f"{theme.capitalize()} theme").click()
    asked = ["", "?user=100000:0", "?user=1001:1001", "?by=kubernetes&run_as_user=0&run_as_non_root=on",
             "?openshift_range=1000650000/10000&userns=100000", "?by=kubernetes&run_as_user=abc&user=app"]  # fmt: skip
    wrong: dict[str, list[str]] = {}
    for query in asked:
        visitor.go(f"{address}{query}")
        wrong |= {query: said} if (said := found_wrong(visitor)) else {}
    for text in (" ", file(), file("a", "securityContext: {runAsUser: 0}") + "# " + "x" * 900, "a: [1, 2\nb: 3"):
        check(visitor, text)
        visitor.page.wait_for_load_state()
        wrong |= {text: said} if (said := found_wrong(visitor)) else {}
    assert not wrong


def test_the_answer_appears_on_the_page_of_the_image(visitor: Visitor) -> None:
    digest = shop()
    user("sam")
    visitor.log_in("sam", PASSWORD)
    visitor.go(f"/i/{digest}/")
    page = visitor.page
    page.evaluate("window.untouched = true")
    page.get_by_role("link", name="docker run -u 100000:0").click()
    page.get_by_text("Works no more").wait_for()
    assert page.url.endswith(f"/i/{digest}/")
    assert page.evaluate("window.untouched")
    assert page.evaluate("document.activeElement.id") == "preset-arbitrary"
    assert "something that worked does not" in page.locator("#status").inner_text()
    assert not visitor.complaints


def test_only_what_matters_is_asked_and_keys_are_enough(visitor: Visitor) -> None:
    digest = shop()
    user("sam")
    visitor.log_in("sam", PASSWORD)
    visitor.go(f"/i/{digest}/what-if/")
    page = visitor.page
    engine, pod = page.get_by_label("User", exact=True), page.get_by_label("runAsUser")
    expect(engine).to_be_visible()
    expect(pod).to_be_hidden()
    engine.fill("left behind")
    page.get_by_label("Docker or Compose").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(pod).to_be_visible()
    expect(engine).to_be_hidden()
    pod.fill("3000")
    page.keyboard.press("Enter")
    page.wait_for_url("**/what-if/?*run_as_user=3000*")
    assert "left" not in page.url
    page.get_by_text("uid 3000, gid 0").first.wait_for()
    page.go_back()
    page.get_by_text("Choose one of the starts above").wait_for()
    assert not visitor.complaints


def test_a_fault_stands_at_its_field(visitor: Visitor) -> None:
    digest = shop()
    user("sam")
    visitor.log_in("sam", PASSWORD)
    visitor.go(f"/i/{digest}/what-if/")
    visitor.page.get_by_label("User namespace", exact=True).fill("many")
    visitor.page.get_by_role("button", name="Ask").click()
    visitor.page.get_by_text("is not a number of digits only").wait_for()
    assert visitor.page.get_by_label("User namespace", exact=True).input_value() == "many"


def test_without_script_all_settings_are_there(visitor: Visitor) -> None:
    digest = shop()
    user("sam")
    browser = visitor.page.context.browser
    assert browser is not None
    plain = browser.new_context(java_script_enabled=False)
    person = Visitor(plain.new_page(), visitor.base)
    person.log_in("sam", PASSWORD)
    person.go(f"/i/{digest}/")
    person.page.get_by_label("Kubernetes", exact=True).check()
    person.page.get_by_label("runAsUser").fill("3000")
    person.page.get_by_role("button", name="Ask").click()
    assert "run_as_user=3000" in person.page.url
    assert "uid 3000, gid 0" in person.page.locator(".answer").inner_text()
    check(person, file())
    assert "uid 1001, gid 1001" in person.page.locator("article.finding").inner_text()
    plain.close()


def test_a_line_is_one_click_away_and_a_snippet_can_be_copied(visitor: Visitor) -> None:
    shop()
    user("sam")
    visitor.log_in("sam", PASSWORD)
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    check(visitor, "# comment\n" * 200 + file("web", "securityContext: {runAsUser: 0}"))
    visitor.page.locator("article.finding").get_by_role("link", name="line 206").first.click()
    expect(visitor.page.locator("#line-206")).to_be_in_viewport()
    visitor.page.get_by_role("button", name="Copy the corrected settings").first.click()
    visitor.page.wait_for_function("document.getElementById('status').textContent === 'Copied'")
    assert "runAsNonRoot: true" in visitor.page.evaluate("navigator.clipboard.readText()")
    assert not visitor.complaints


def test_hostile_names_run_nothing(visitor: Visitor) -> None:
    text = HOSTILE.replace("{{", "{ {").replace('"', "'")
    house = House({f"/{text}/": (0o700, 5, 5)})
    files = house.facts(f"/{text}", trees=[house.tree(f"/{text}")])
    row = image(facts("5", f"{text[:60]}:x:5:5::/{text}:/bin/sh\n", working_dir=f"/{text}", files=files), 77)
    user("sam")
    visitor.log_in("sam", PASSWORD)
    visitor.page.on("dialog", lambda dialog: visitor.complaints.append(dialog.message))
    for path in (f"/i/{row.digest}/", f"/i/{row.digest}/what-if/?user=6"):
        visitor.go(path)
        assert visitor.overflow() <= 0, path
    check(visitor, f'services:\n  "{text}":\n    image: "{text}"\n    user: "{text}"\n')
    visitor.page.locator("article.finding").wait_for()
    assert visitor.page.locator("main img").count() == 0
    assert not visitor.complaints
