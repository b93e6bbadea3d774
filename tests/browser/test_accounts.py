"""Accounts and the audit trail in a browser: readable, reachable, no wider than the window, in both themes."""

from __future__ import annotations

import os
from pathlib import Path

import pghistory
import pytest
from django.utils import timezone

from compliance.models import AuditAction, Team, User
from compliance.services.invite import invite_link
from compliance.services.record_audit import audit
from compliance.services.seal_audit import seal_audit
from tests.browser.conftest import Visitor
from tests.support.rows import HOSTILE, PASSWORD, registry, user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Where somebody wants to look at what the test saw.
PICTURES = os.environ.get("PICTURES", "")


def trail() -> None:
    """A few lines of each kind."""
    boss = user("boss", staff=True)
    with pghistory.context(user=boss.pk, who="boss", ip="203.0.113.7", request="5b0c1e6e-0000-4000-8000-000000000001"):
        made = registry("Harbor")
        made.verify_tls = False
        made.connections = 4
        made.save()
        Team.objects.create(slug="web", name="Web", created_at=timezone.now())
        Team.objects.update(name="Web shop", description="Sells")
        audit(AuditAction.EXPORTED, None, by=boss, now=timezone.now(), name="findings", details={"rows": 812})
    audit(AuditAction.LOGIN_FAILED, None, by=None, now=timezone.now(), name=HOSTILE)
    seal_audit(timezone.now())


def looked_at(visitor: Visitor, name: str) -> None:
    """At two widths in two themes, by a program that knows what people with disabilities need."""
    for scheme in ("light", "dark"):
        visitor.page.emulate_media(color_scheme=scheme)
        for width in (1280, 390):
            visitor.page.set_viewport_size({"width": width, "height": 900})
            assert visitor.overflow() <= 0, (name, scheme, width)
            assert visitor.barriers() == [], (name, scheme, width)
            if PICTURES:
                picture = Path(PICTURES) / f"{name}-{scheme}-{width}.png"
                visitor.page.screenshot(path=str(picture), full_page=True)


def test_pages_of_accounts_and_the_trail(visitor: Visitor) -> None:
    visitor.go("/login/")
    looked_at(visitor, "nobody-yet")
    trail()
    visitor.go("/login/")
    visitor.page.get_by_label("Username").fill("boss")
    visitor.page.get_by_label("Password").fill("wrong")
    visitor.page.get_by_role("button", name="Log in").click()
    visitor.page.get_by_role("alert").get_by_text("The username or the password is not right.").wait_for()
    looked_at(visitor, "login")
    visitor.log_in("boss", PASSWORD)
    for path in ("sessions", "password", "audit"):
        visitor.go(f"/settings/{path}/")
        looked_at(visitor, path)
    visitor.page.get_by_label("Action").select_option("login_failed")
    visitor.page.locator(".chips a", has_text="login failed").wait_for()
    assert visitor.page.locator("tbody tr").count() == 2
    visitor.page.get_by_role("link", name="Clear all").click()
    visitor.page.get_by_role("link", name="Web shop").first.click()
    visitor.page.locator(".chips a", has_text="team").wait_for()
    assert visitor.page.locator("tbody tr").count() == 2
    assert visitor.complaints == []


def test_a_link_leads_to_a_password_and_in(visitor: Visitor) -> None:
    new = User.objects.create(username="new", password="!x")
    visitor.go(invite_link(new, by=None, now=timezone.now()))
    visitor.page.get_by_label("New password", exact=True).fill("correct horse battery")
    visitor.page.get_by_label("New password confirmation").fill("correct horse battery")
    looked_at(visitor, "welcome")
    visitor.page.get_by_role("button", name="Set the password").click()
    visitor.page.get_by_text("The password is set. Log in with it.").wait_for()
    visitor.log_in("new", "correct horse battery")
    assert visitor.complaints == []
