"""Another time for what is forgotten after a while: what it deletes is said before, and then done."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DataError, IntegrityError, transaction
from django.test import override_settings

from compliance.models import AuditEvent, Delivery, InboundEvent, Retention
from compliance.services import change_retention as changing
from compliance.services.change_retention import Estimate, change_retention, preview_retention
from compliance.services.forget_events import forget_events
from compliance.services.keep_for import Chosen, Days, days_kept
from compliance.services.tell_by_clock import forget_deliveries
from tests.support.channels import channel, delivery, notice
from tests.support.hooks import Hook, delivered
from tests.support.rows import NOW, user

pytestmark = pytest.mark.django_db


@pytest.fixture
def events(hook: Hook) -> list[int]:
    """Events of 0, 10, 20 and 40 days ago, which nothing waits for."""
    for at, days in enumerate((0, 10, 20, 40)):
        delivered(hook.registry, f"tag-{at}")
        row = InboundEvent.objects.latest("pk")
        row.pushes.update(state="joined")
        InboundEvent.objects.filter(pk=row.pk).update(received_at=NOW - timedelta(days=days))
    return list(InboundEvent.objects.order_by("-received_at").values_list("pk", flat=True))


def sent(*days: int) -> None:
    """A message that ended so many days ago."""
    home = channel(user("kim"))
    for each in days:
        row = delivery(home, notice(key=f"critical/{each}"))
        Delivery.objects.filter(pk=row.pk).update(state="sent", ended_at=NOW - timedelta(days=each))


@override_settings(EVENT_DAYS=30)
@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        (Chosen(), Days(30, 30)),
        (Chosen(events=7), Days(7, 30)),
        (Chosen(messages=365), Days(30, 365)),
        (Chosen(90, 8), Days(90, 8)),
    ],
)
def test_what_is_not_chosen_is_what_the_environment_says(wanted: Chosen, kept: Days) -> None:
    assert days_kept() == Days(30, 30)
    assert change_retention(wanted, was=Chosen())
    assert days_kept() == kept


@override_settings(EVENT_DAYS=10**9)
def test_an_environment_that_keeps_for_ever_forgets_nothing() -> None:
    assert forget_events(NOW) == forget_deliveries(NOW) == 0


@override_settings(EVENT_DAYS=30)
@pytest.mark.parametrize(
    ("wanted", "events_gone", "messages_gone"),
    [(Chosen(), 1, 1), (Chosen(events=15), 2, 1), (Chosen(7, 7), 3, 2), (Chosen(41, 365), 0, 0)],
)
def test_the_next_run_deletes_what_was_said(
    events: list[int], wanted: Chosen, events_gone: int, messages_gone: int
) -> None:
    sent(1, 10, 40)
    assert preview_retention(wanted, now=NOW) == (
        changing.RetentionPreview(Estimate(events_gone), Estimate(messages_gone))
    )
    assert InboundEvent.objects.count() == 4  # to look deletes nothing
    assert change_retention(wanted, was=Chosen())
    assert forget_events(NOW) == events_gone
    forget_deliveries(NOW)
    assert Delivery.objects.count() == 3 - messages_gone
    assert (
        list(InboundEvent.objects.order_by("-received_at").values_list("pk", flat=True)) == (events[: 4 - events_gone])
    )


def test_an_event_that_something_waits_for_is_neither_counted_nor_deleted(events: list[int]) -> None:
    InboundEvent.objects.get(pk=events[1]).pushes.update(state="waiting")
    assert preview_retention(Chosen(7, 7), now=NOW).events == Estimate(2)


def test_a_preview_looks_at_so_many_rows_and_says_so(events: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    sent(20, 30, 40)
    monkeypatch.setattr(changing, "MOST_COUNTED", 2)
    found = preview_retention(Chosen(7, 7), now=NOW)
    assert (found.events, found.messages) == (Estimate(2, more=True), Estimate(2, more=True))
    monkeypatch.setattr(changing, "MOST_COUNTED", 3)
    found = preview_retention(Chosen(7, 7), now=NOW)
    assert (found.events, found.messages) == (Estimate(3), Estimate(3))


def test_nothing_is_stored_where_somebody_else_chose_meanwhile() -> None:
    assert change_retention(Chosen(events=90), was=Chosen())
    assert not change_retention(Chosen(events=7), was=Chosen())
    assert days_kept().events == 90


def test_every_change_is_in_the_audit_trail() -> None:
    change_retention(Chosen(events=90), was=Chosen())
    change_retention(Chosen(events=7), was=Chosen(events=90))
    lines = AuditEvent.objects.filter(kind="retention").order_by("pk").values_list("action", "data__event_days")
    assert list(lines) == [("added", None), ("changed", 90), ("changed", 7)]


@pytest.mark.parametrize("columns", [{"event_days": 6}, {"event_days": 366}, {"message_days": 1}, {"pk": 2}])
def test_the_database_holds_the_bounds(columns: dict[str, int]) -> None:
    with pytest.raises((IntegrityError, DataError)), transaction.atomic():
        Retention.objects.create(**{"pk": 1, **columns})


def test_the_audit_trail_has_no_time() -> None:
    names = {field.name for field in Retention._meta.concrete_fields}
    assert names == {"id", "event_days", "message_days"}
