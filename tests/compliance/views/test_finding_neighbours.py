"""The finding before and the one after, from a finding's page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from tests.support.pages import get, logged_in
from tests.support.remediation import finding, finding_row, findings, join, own, team
from tests.support.rows import NOW, Fleet, fleet, user

DAY = timedelta(days=1)


@pytest.fixture
def found(db: None) -> Fleet:
    return fleet(2)


def test_the_one_before_and_the_one_after(reader: Client, found: Fleet) -> None:
    home = found.repositories[0]
    rows = findings(
        [
            finding_row(home, subject="regression", regression=True, rank=0),
            finding_row(home, subject="late", rank=3, due_at=NOW - DAY),
            finding_row(home, subject="guarded", protected=True, rank=2),
            finding_row(home, subject="worst", rank=0),
            finding_row(home, subject="worst, newer", rank=0, opened_at=NOW - DAY),
            finding_row(home, subject="worst, newest", rank=0, opened_at=NOW - DAY),
            finding_row(home, subject="least", rank=4, due_at=None),
        ]
    )
    settled = finding(home, subject="fixed", status="fixed", closed_at=NOW)
    for at, row in enumerate(rows):
        page = get(reader, f"/findings/{row.pk}/")
        before = [each.attributes["href"] for each in page.all("a", rel="prev")]
        after = [each.attributes["href"] for each in page.all("a", rel="next")]
        assert before == [f"/findings/{each.pk}/" for each in rows[max(at - 1, 0) : at]]
        assert after == [f"/findings/{each.pk}/" for each in rows[at + 1 : at + 2]]
    page = get(reader, f"/findings/{settled.pk}/")
    assert not page.all("a", rel="prev")
    assert not page.all("a", rel="next")


def test_neighbours_are_those_one_may_see(found: Fleet) -> None:
    home, foreign = found.repositories[:2]
    mine, _, other = finding(home), finding(foreign, subject="b"), finding(home, subject="c")
    payments, viewer = team(), user("kim", role="member")
    join(payments, viewer, "viewer")
    own(payments, [home])
    page = get(logged_in(viewer), f"/findings/{mine.pk}/")
    assert [each.attributes["href"] for each in page.all("a", rel="next")] == [f"/findings/{other.pk}/"]
