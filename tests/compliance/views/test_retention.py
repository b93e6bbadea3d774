"""What the page of retention says is what the code does: each number is tried against what deletes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client, override_settings
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import AuditEvent, InboundEvent
from compliance.services.change_retention import change_retention
from compliance.services.forget_events import forget_events
from compliance.services.keep_for import Chosen, chosen_days
from compliance.services.tell_by_clock import forget_deliveries
from tests.support.channels import channel, delivery, notice
from tests.support.hooks import Hook, delivered
from tests.support.pages import Page, get, logged_in
from tests.support.rows import NOW, user

URL = "/settings/retention/"


def said(client: Client, what: str) -> str:
    (row,) = [row.text for row in get(client, URL).rows if row.text.startswith(what)]
    return row.removeprefix(what)


@pytest.mark.parametrize("days", [30, 7])
def test_events_and_messages_are_kept_as_long_as_it_says(reader: Client, hook: Hook, days: int) -> None:
    delivered(hook.registry, "a")
    InboundEvent.objects.update(received_at=NOW - timedelta(days=days))
    InboundEvent.objects.get().pushes.update(state="joined")
    sent = delivery(channel(user("kim")), notice())
    sent.state, sent.ended_at = "sent", NOW - timedelta(days=days)
    sent.save()
    with override_settings(EVENT_DAYS=days):
        assert f"{days} days after it came" in said(reader, "What registries announced by webhook")
        assert f"{days} days after they ended" in said(reader, "Messages that were sent")
        assert (forget_events(NOW), forget_deliveries(NOW)) == (0, 0)
        later = NOW + timedelta(seconds=1)
        assert forget_events(later) == 1
        assert forget_deliveries(later) >= 1
    assert not InboundEvent.objects.exists()


def test_what_operators_choose_is_what_it_says(reader: Client) -> None:
    with override_settings(UNCONFIRMED_DAYS=1, SESSION_COOKIE_AGE=3600, SESSION_IDLE_MINUTES=20):
        assert " 1 day" in said(reader, "The verdict of a tag")
        assert "1 hour after it began, or 20 minutes without use" in said(reader, "Sessions")
    assert "12 hours after it began" in said(reader, "Sessions")
    assert "3 days" in said(reader, "A link to choose a password")


def test_what_is_never_deleted_is_named(reader: Client) -> None:
    page = get(reader, URL)
    assert "for ever" in said(reader, "The audit trail")
    assert page.all("a", href="/settings/system/")


@pytest.mark.parametrize("role", ["member", "auditor"])
def test_everybody_may_read_it(db: None, role: str) -> None:
    page = get(logged_in(user("lea", role=role)), URL)
    assert not page.all("a", href="/settings/system/")


def test_queries(reader: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(4):
        reader.get(URL)


def change(client: Client, **fields: str) -> tuple[int, Page]:
    response = client.post(URL, {"events": "", "messages": "", **fields})
    return response.status_code, Page(response.content.decode())


def confirmation(page: Page) -> dict[str, str]:
    (form,) = page.html.split('aria-labelledby="t-asked"')[1].split("</form>")[:1]
    return {
        each.attributes["name"]: each.attributes["value"]
        for each in Page(form).all("input", type="hidden")
        if each.attributes["name"] != "csrfmiddlewaretoken"
    }


@pytest.mark.parametrize("role", ["member", "auditor", "security"])
def test_who_is_no_administrator_reads_and_chooses_nothing(db: None, role: str) -> None:
    client = logged_in(user("lea", role=role))
    assert not get(client, URL).all("input", type="number")
    assert change(client, events="90")[0] == 403
    assert chosen_days() == Chosen()


def test_a_change_is_asked_about_and_then_made(admin: Client, hook: Hook) -> None:
    delivered(hook.registry, "a")
    InboundEvent.objects.update(received_at=NOW - timedelta(days=20))
    InboundEvent.objects.get().pushes.update(state="joined")
    status, page = change(admin, events="7")
    assert status == 200
    assert "kept 7 days instead of 30: the next runs delete 1 event." in page.text
    assert "Messages are kept" not in page.text
    assert chosen_days() == Chosen()
    asked = confirmation(page)
    assert asked["events"] == "7"
    assert "What is kept for how long is saved." in admin.post(URL, asked, follow=True).content.decode()
    assert chosen_days() == Chosen(events=7)
    assert "7 days after it came" in said(admin, "What registries announced")
    assert "chosen here; PLIMSOLL_EVENT_DAYS says 30 days" in said(admin, "What registries announced")
    assert "30 days after they ended" in said(admin, "Messages that were sent")
    assert "chosen here" not in said(admin, "Messages that were sent")
    assert AuditEvent.objects.filter(kind="retention", action="changed", actor_name="boss").count() == 1
    assert InboundEvent.objects.exists()  # the run deletes, not the page
    assert forget_events(NOW) == 1


def test_what_is_confirmed_is_what_was_shown(admin: Client) -> None:
    asked = confirmation(change(admin, events="60")[1])
    assert change(admin, **{**asked, "events": "7"})[0] == 409
    assert change_retention(Chosen(messages=90), was=Chosen())
    status, page = change(admin, **asked)
    assert (status, chosen_days()) == (409, Chosen(messages=90))
    assert admin.post(URL, confirmation(page)).status_code == 302
    assert chosen_days() == Chosen(events=60)


def test_the_environment_counts_again_when_nothing_is_entered(admin: Client) -> None:
    change_retention(Chosen(30, 90), was=Chosen())
    status, page = change(admin, messages="90")
    assert status == 200
    assert "Nothing is deleted: it is what counts today" in page.text
    assert admin.post(URL, confirmation(page)).status_code == 302
    assert chosen_days() == Chosen(messages=90)
    assert "Nothing was changed" in admin.post(URL, {"messages": "90"}, follow=True).content.decode()


@pytest.mark.parametrize("value", ["6", "366", "0", "-1", "x", "7.5", "9" * 30, "\0", "1e9"])
def test_days_that_are_none(admin: Client, value: str) -> None:
    for name in ("events", "messages"):
        status, page = change(admin, **{name: value}, confirmed="None-None-7-7")
        assert status == 422
        assert "Enter whole days, from 7 to 365" in page.text
    assert chosen_days() == Chosen()


def test_the_audit_trail_cannot_be_given_a_time(admin: Client) -> None:
    written = AuditEvent.objects.count()
    assert change(admin, audit="1", audit_days="1", trail="0")[0] == 302
    assert "for ever" in said(admin, "The audit trail")
    assert forget_events(NOW + timedelta(days=36_500)) == 0
    assert AuditEvent.objects.count() >= written
