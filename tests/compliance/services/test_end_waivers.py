"""What the clock does to waivers: it warns, ends them one by one, and settles what scans wrote meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.db.models import F

from compliance.models import Finding, FindingEvent, FindingSpan, SlaTerm, UnsettledWaiver, Waiver
from compliance.remediation.sla import read_due_text
from compliance.remediation.waiver import WaiverScope
from compliance.services.decide_waiver import revoke_waiver
from compliance.services.end_waivers import Warning, end_waivers, settle_waivers, tend_waivers, warn_waivers
from compliance.services.finding_facts import settle_spans
from compliance.services.write_waiver import write_waiver
from tests.support.remediation import draft, settle_to_the_end, shown, statuses
from tests.support.rows import NOW, Fleet, user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
RULE = "NR103"


@contextmanager
def _failing(*pks: int) -> Iterator[None]:
    """The database refuses to note that these waivers have ended."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'no room for %', OLD.id; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER aa_refuse BEFORE UPDATE ON compliance_waiver FOR EACH ROW "
            f"WHEN (OLD.id IN ({', '.join(str(int(pk)) for pk in pks)})) EXECUTE FUNCTION refuse()"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER aa_refuse ON compliance_waiver")
        cursor.execute("DROP FUNCTION refuse")


@pytest.mark.parametrize(("reopens", "told"), [(True, True), (False, False)])
def test_after_its_end_findings_are_open_again(made: Fleet, reopens: bool, told: bool) -> None:
    by = user("sec")
    waiver = write_waiver(replace(draft(by), reopens=reopens), by=by, now=NOW)
    assert end_waivers(waiver.expires_at - timedelta(seconds=1)) == []
    (ended,) = end_waivers(waiver.expires_at)
    assert [each.told for each in ended.applied.reopened] == [told, told]
    assert statuses() == ["open", "open"]
    assert shown() == ["fail", "fail"]
    assert end_waivers(waiver.expires_at) == []
    assert FindingEvent.objects.filter(kind="waiver", text="It has expired.", by=None).count() == 2


@pytest.mark.parametrize("restarts", [True, False])
def test_terms_begin_again_only_where_somebody_said_so(made: Fleet, restarts: bool) -> None:
    by = user("sec")
    SlaTerm.objects.update_or_create(rank=0, protected=True, defaults={"days": 7})
    before = dict(Finding.objects.values_list("pk", "due_at"))
    waiver = write_waiver(replace(draft(by), restarts_sla=restarts), by=by, now=NOW)
    end_waivers(waiver.expires_at)
    after = dict(Finding.objects.values_list("pk", "due_at"))
    assert after == (dict.fromkeys(before, waiver.expires_at + 7 * DAY) if restarts else before)
    assert dict(FindingSpan.objects.values_list("finding", "due_at")) == after
    Finding.objects.update(status="fixed", resolution="proved", closed_at=waiver.expires_at + 3 * DAY)
    settle_spans(list(after))
    in_time = FindingSpan.objects.filter(closed_at__lt=F("due_at"), resolution="proved")
    assert in_time.count() == (2 if restarts else 0)


@pytest.mark.parametrize("road", ["expired", "revoked"])
def test_a_date_that_a_person_set_stays_and_others_are_told_in_the_timeline(made: Fleet, road: str) -> None:
    by = user("sec")
    SlaTerm.objects.update_or_create(rank=0, protected=True, defaults={"days": 7})
    promised, other = Finding.objects.order_by("pk")
    set_by_hand = NOW + 50 * DAY
    Finding.objects.filter(pk=promised.pk).update(due_at=set_by_hand, due_edited=True)
    FindingSpan.objects.filter(finding=promised).update(due_at=set_by_hand)
    waiver = write_waiver(replace(draft(by), restarts_sla=True), by=by, now=NOW)
    ended = waiver.expires_at if road == "expired" else NOW + 40 * DAY
    if road == "expired":
        kept = sum(each.applied.kept for each in end_waivers(ended))
    else:
        kept = revoke_waiver(waiver.pk, by=by, now=ended).kept
    promised.refresh_from_db()
    other.refresh_from_db()
    assert (kept, promised.due_at, promised.due_edited) == (1, set_by_hand, True)
    assert promised.events.get(kind="waiver", became="").text.endswith("The due date that a person set stays.")
    assert not promised.events.filter(kind="due").exists()
    event = other.events.get(kind="due")
    assert other.due_at == read_due_text(event.became).at == ended + 7 * DAY
    assert read_due_text(event.was).at is not None
    assert "its term begins anew" in event.text
    assert "person" not in other.events.get(kind="waiver", became="").text


def test_a_date_that_stays_as_it_is_is_no_event(made: Fleet) -> None:
    by = user("sec")
    Finding.objects.update(baseline=True, due_at=None)
    waiver = write_waiver(replace(draft(by), restarts_sla=True), by=by, now=NOW)
    end_waivers(waiver.expires_at)
    assert not FindingEvent.objects.filter(kind="due").exists()


def test_warnings_are_given_once(made: Fleet) -> None:
    by = user("sec")
    waiver = write_waiver(draft(by), by=by, now=NOW)
    told = [
        (days, warn_waivers(waiver.expires_at - timedelta(days=days, hours=-1)))
        for days in (15, 14, 14, 13, 3, 2, 1, 0)
    ]
    assert told[1][1] == [Warning(waiver.pk, 14)]
    assert told[4][1] == [Warning(waiver.pk, 3)]
    assert told[6][1] == [Warning(waiver.pk, 0)]
    assert sum(len(found) for _, found in told) == 4 - 1


def test_what_a_scan_wrote_at_the_same_time_is_looked_at_again(made: Fleet) -> None:
    by = user("sec")
    write_waiver(draft(by), by=by, now=NOW)
    Finding.objects.update(status="new", waiver=None, changed_at=NOW)
    settle_waivers(NOW + timedelta(minutes=1))
    assert statuses() == ["waived", "waived"]
    waiver = Waiver.objects.get()
    Waiver.objects.update(revoked_at=NOW + DAY, revoked_by=by)
    settle_waivers(NOW + DAY + timedelta(seconds=5))
    assert statuses() == ["open", "open"]
    assert waiver.findings.count() == 0


def test_a_look_that_began_before_the_approval_settles_nothing(made: Fleet) -> None:
    by = user("sec")
    write_waiver(draft(by), by=by, now=NOW)
    settle_waivers(NOW + timedelta(seconds=1))  # the first look
    Finding.objects.update(status="new", waiver=None, changed_at=NOW)
    settle_waivers(NOW - timedelta(seconds=1))
    assert UnsettledWaiver.objects.count() == 1
    settle_to_the_end(NOW + timedelta(seconds=2))
    assert statuses() == ["waived", "waived"]


def test_it_is_looked_at_again_however_long_the_clock_was_away(made: Fleet) -> None:
    by = user("sec")
    waiver = write_waiver(draft(by), by=by, now=NOW)
    Finding.objects.update(status="new", waiver=None, changed_at=NOW - timedelta(hours=1))
    settle_waivers(NOW + 5 * DAY)
    assert statuses() == ["waived", "waived"]
    revoke_waiver(waiver.pk, by=by, now=NOW + 6 * DAY)
    Finding.objects.update(status="waived", waiver=waiver)
    settle_waivers(NOW + 9 * DAY)
    assert statuses() == ["open", "open"]


def test_what_fails_for_one_waiver_ends_no_other(made: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    by = user("sec")
    waivers = [
        write_waiver(draft(by, scope=WaiverScope(RULE, repository=row.name)), by=by, now=NOW)
        for row in made.repositories
    ]
    first, second = waivers
    Waiver.objects.filter(pk=first.pk).update(title="The broken one")
    ended_at = max(each.expires_at for each in waivers)
    with caplog.at_level("ERROR"), _failing(first.pk):
        tended = tend_waivers(ended_at)
    assert [each.waiver_id for each in tended.ended] == [second.pk]
    assert tended.failed == 1
    assert "The broken one" in caplog.text
    assert sorted(statuses()) == ["open", "waived"]
    tended = tend_waivers(ended_at + timedelta(seconds=10))
    assert ([each.waiver_id for each in tended.ended], tended.failed) == ([first.pk], 0)
    assert statuses() == ["open", "open"]


def test_many_that_fail_keep_no_other_waiting_and_one_says_why(made: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    by = user("sec")
    good = write_waiver(draft(by), by=by, now=NOW)
    for row in range(21):
        Waiver.objects.create(
            title=f"Broken {row}",
            rule=RULE,
            reason="risk",
            explanation="-",
            owner=by,
            created_by=by,
            created_at=NOW,
            expires_at=NOW + DAY,
        )
    broken = list(Waiver.objects.filter(title__startswith="Broken").values_list("pk", flat=True))
    with _failing(*broken), caplog.at_level("ERROR"):
        tended = tend_waivers(good.expires_at)
    said = [record for record in caplog.records if "could not end waiver" in record.getMessage()]
    assert len(said) == tended.failed
    assert [bool(record.exc_info) for record in said] == [True, *[False] * (len(said) - 1)]
    assert [each.waiver_id for each in tended.ended] == [good.pk]
    assert tended.failed == 21


def test_a_warning_that_fails_is_that_waivers_alone(made: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    by = user("sec")
    waivers = [
        write_waiver(draft(by, scope=WaiverScope(RULE, repository=row.name)), by=by, now=NOW)
        for row in made.repositories
    ]

    def tell(row: Waiver, days: int, *, now: datetime) -> None:
        if row.pk == waivers[0].pk:
            raise RuntimeError("no")

    soon = waivers[0].expires_at - timedelta(days=2)
    with monkeypatch.context() as patched:
        patched.setattr("compliance.services.end_waivers.tell_of_waiver_ending", tell)
        assert tend_waivers(soon).warnings == (Warning(waivers[1].pk, 3),)
    assert tend_waivers(soon).warnings == (Warning(waivers[0].pk, 3),)
