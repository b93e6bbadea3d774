"""Other terms move due dates: those of findings that are not fixed, neither set by hand nor part of a baseline."""

from __future__ import annotations

from datetime import timedelta

import pytest

from compliance.models import Finding, FindingEvent, FindingSpan, SlaTerm
from compliance.policy.wake_up import WakeUp, Work
from compliance.remediation.sla import Due, Terms, due_at, read_due_text
from compliance.remediation.status import TO_DO, Status
from compliance.services import save_terms as saving
from compliance.services.save_terms import TermsPreview, move_due_dates, preview_terms, save_terms
from compliance.services.write_findings import sla_terms
from tests.support.remediation import finding_row, findings
from tests.support.rows import NOW, fleet, user

DAY = timedelta(days=1)
UNFIXED = set(Status) - {Status.FIXED}


def made() -> list[Finding]:
    """One of each severity, protected and not, in each status, ten days old, due as the terms say."""
    home, terms = fleet(1).repositories[0], sla_terms()
    opened = NOW - 10 * DAY
    return findings(
        finding_row(
            home,
            subject=f"{status}-{rank}-{protected}",
            status=status,
            rank=rank,
            protected=protected,
            closed_at=NOW if status is Status.FIXED else None,
            due_at=due_at(rank, protected, opened, terms),
        )
        for status in Status
        for rank in range(5)
        for protected in (True, False)
    )


def with_days(**changed: int | None) -> Terms:
    """The stored terms with other days: ``critical``, ``low``… for both."""
    names = ("critical", "high", "medium", "low", "info")
    return {key: changed.get(names[key[0]], days) for key, days in sla_terms().items()}


@pytest.mark.parametrize(
    ("changed", "moves", "overdue"),
    [
        ({}, 0, 0),
        ({"critical": 5}, 2 * len(UNFIXED), len(TO_DO)),
        ({"high": 5}, 2 * len(UNFIXED), 2 * len(TO_DO)),
        ({"critical": None, "info": 20}, 4 * len(UNFIXED), 0),
        ({"info": 3}, 2 * len(UNFIXED), 2 * len(TO_DO)),
    ],
)
def test_the_preview_says_what_saving_does(db: None, changed: dict[str, int | None], moves: int, overdue: int) -> None:
    rows = made()
    wanted = with_days(**changed)
    late = {row.pk for row in rows if row.status in TO_DO and row.due_at is not None and row.due_at < NOW}
    assert preview_terms(wanted, now=NOW) == TermsPreview(moves, overdue)
    sam = user("sam")
    assert save_terms(wanted, by=sam, now=NOW) == []
    events = FindingEvent.objects.filter(kind="due", by=sam, at=NOW)
    assert events.count() == moves
    now_late = set(Finding.objects.to_do().filter(due_at__lt=NOW).values_list("pk", flat=True))
    assert len(now_late - late) == overdue
    assert preview_terms(wanted, now=NOW) == TermsPreview(0, 0)
    for row in Finding.objects.exclude(status=Status.FIXED):
        assert row.due_at == due_at(row.rank, row.protected, row.sla_from, wanted)
        assert row.spans.get().due_at == row.due_at
    for event in events.select_related("finding"):
        assert read_due_text(event.became) == Due(event.finding.due_at)
        was = next(row for row in rows if row.pk == event.finding_id)
        assert read_due_text(event.was) == Due(was.due_at)


def test_what_stays(db: None) -> None:
    rows = made()
    edited, known = (row for row in rows if row.status == "open" and row.rank == 0)
    Finding.objects.filter(pk=edited.pk).update(due_edited=True)
    Finding.objects.filter(pk=known.pk).update(baseline=True, due_at=None)
    save_terms(with_days(critical=3), by=user("sam"), now=NOW)
    assert Finding.objects.get(pk=edited.pk).due_at == edited.due_at
    assert Finding.objects.get(pk=known.pk).due_at is None
    fixed = Finding.objects.filter(status="fixed", rank=0)
    assert set(fixed.values_list("due_at", flat=True)) == {NOW - 3 * DAY, NOW + 4 * DAY}


def test_terms_that_were_never_stored(db: None) -> None:
    SlaTerm.objects.all().delete()
    save_terms({(0, True): 3, (1, False): None}, by=user("sam"), now=NOW)
    assert sla_terms() == {(0, True): 3, (1, False): None}


def test_many_move_in_batches_and_the_rest_is_left_to_a_worker(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "_BATCH", 3)
    monkeypatch.setattr(saving, "AT_ONCE", 6)
    made()
    sam = user("sam")
    wanted = with_days(critical=1, high=1)
    assert save_terms(wanted, by=sam, now=NOW) == [WakeUp(Work.DUE_DATES, sam.pk)]
    assert preview_terms(wanted, now=NOW).moves == 4 * len(UNFIXED) - 6
    assert move_due_dates(sam.pk, now=NOW) == []
    assert preview_terms(wanted, now=NOW).moves == 0
    assert FindingSpan.objects.filter(due_at=NOW - 9 * DAY).count() == 4 * len(UNFIXED)
    assert move_due_dates(999_999, now=NOW) == []
