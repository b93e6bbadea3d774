"""What is there at the baseline has no due date; what comes after it is new."""

from __future__ import annotations

from datetime import timedelta

import pytest

from compliance.models import AuditEvent, Finding, FindingEvent, Repository, User
from compliance.queries.findings import select_findings
from compliance.queries.repository import find_repository
from compliance.queries.repository_head import head_of
from compliance.services.set_baseline import clear_baseline, set_baseline
from compliance.services.write_findings import NotAllowed
from tests.support.remediation import finding, own, team
from tests.support.rows import NOW, fleet, user

DAY = timedelta(days=1)


@pytest.fixture
def home(db: None) -> Repository:
    """A repository with a finding of each kind that matters, and one of another repository."""
    made = fleet(2)
    first = made.repositories[0]
    finding(first, subject="open")
    finding(first, subject="promised", due_edited=True)
    finding(first, subject="waived", status="waived")
    finding(first, subject="fixed", status="fixed", closed_at=NOW)
    finding(made.repositories[1], subject="another's")
    return first


def known() -> dict[str, tuple[bool, bool]]:
    """Of each finding: whether it is part of the baseline, and whether it has a due date."""
    return {row.subject: (row.baseline, row.due_at is not None) for row in Finding.objects.all()}


BEFORE = {
    "open": (False, True),
    "promised": (False, True),
    "waived": (False, True),
    "fixed": (False, True),
    "another's": (False, True),
}
AFTER = {**BEFORE, "open": (True, False), "promised": (True, True), "waived": (True, False)}


def test_setting_and_clearing(home: Repository) -> None:
    sam = user("sam")
    assert set_baseline(home.pk, by=sam, now=NOW) == 3
    assert known() == AFTER
    home.refresh_from_db()
    assert (home.baseline_at, home.baseline_by) == (NOW, sam)
    events = FindingEvent.objects.filter(kind="baseline")
    assert set(events.values_list("by", "became")) == {(sam.pk, "set")}
    assert Finding.objects.get(subject="open").spans.get().due_at is None
    assert set_baseline(home.pk, by=sam, now=NOW + DAY) == 0
    assert clear_baseline(home.pk, by=sam, now=NOW + DAY) == 3
    assert known() == BEFORE  # waived ones too: they are due by the terms again once nothing covers them
    row = Finding.objects.get(subject="open")
    assert row.due_at == row.sla_from + 14 * DAY
    assert row.spans.get().due_at == row.due_at
    home.refresh_from_db()
    assert home.baseline_at is None


def test_what_comes_later_breaks_it(home: Repository) -> None:
    sam = user("sam")
    slug, name = home.registry.slug, home.name

    def found() -> tuple[object, int, int]:
        header = find_repository(slug, name, sam.actor)
        assert header is not None
        page = head_of(header, sam.actor, now=NOW).baseline
        new = select_findings({"repository": f"{slug}/{name}", "is": "new-since-baseline"}, sam.actor, now=NOW)
        assert new.count() == page.broken
        assert set(new) == set(Finding.objects.new_since_baseline())
        return page.at, page.broken, page.known

    assert found() == (None, 0, 0)
    set_baseline(home.pk, by=sam, now=NOW)
    assert found() == (NOW, 0, 2)
    finding(home, subject="later")
    finding(home, subject="later, waived", status="waived")
    assert found() == (NOW, 1, 2)
    clear_baseline(home.pk, by=sam, now=NOW)
    assert found() == (None, 0, 0)


@pytest.mark.parametrize(("role", "may"), [("viewer", False), ("triager", False), ("lead", True)])
def test_who_may(home: Repository, role: str, may: bool) -> None:
    kim = user("kim", role="member")
    own(team("Payments", **{role: kim}), [home])
    kim = User.objects.get(pk=kim.pk)
    for change in (set_baseline, clear_baseline):
        if may:
            change(home.pk, by=kim, now=NOW)
            continue
        with pytest.raises(NotAllowed):
            change(home.pk, by=kim, now=NOW)
    assert FindingEvent.objects.filter(kind="baseline").exists() == may


def test_it_is_written_down_also_where_there_is_nothing(db: None) -> None:
    home, sam = fleet(1).repositories[0], user("sam")
    set_baseline(home.pk, by=sam, now=NOW)
    clear_baseline(home.pk, by=sam, now=NOW + DAY)
    told = AuditEvent.objects.filter(kind="repository", object=home.pk, source="").order_by("pk")
    assert [(row.actor, row.name, row.data) for row in told] == [
        (sam.pk, home.name, {"baseline": "set", "findings": 0}),
        (sam.pk, home.name, {"baseline": "cleared", "findings": 0}),
    ]
