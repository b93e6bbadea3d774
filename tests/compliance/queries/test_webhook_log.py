"""The log of deliveries: filters, stretches, and how far one page looks."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

import pytest

from compliance.models import InboundEvent, Push
from compliance.queries import webhook_log as module
from compliance.queries.webhook_log import Log, webhook_log
from tests.support.hooks import delivered
from tests.support.rows import NOW, fleet, registry

pytestmark = pytest.mark.django_db


def log(**params: str) -> Log:
    """One stretch."""
    return webhook_log(params, now=NOW)


def numbers(found: Log) -> list[int]:
    """Of the deliveries on it."""
    return [row.id for row in found.rows]


@pytest.fixture
def five() -> list[int]:
    """Deliveries one hour apart, the newest now; numbers from the oldest."""
    home, other = registry(), registry("Quay")
    rows = [
        delivered(other, "1.4", product="quay", received_at=NOW - timedelta(days=8)),
        delivered(home, "1.4", "1.5", received_at=NOW - timedelta(days=2)),
        delivered(home, outcome="quarantined", reason="odd", received_at=NOW - timedelta(hours=3)),
        delivered(home, "2.0", repository="shop/web", received_at=NOW - timedelta(minutes=3)),
        delivered(home, "1.4", outcome="duplicate", state="duplicate"),
    ]
    return [row.pk for row in rows]


@pytest.mark.parametrize(
    ("params", "places"),
    [
        ({}, [4, 3, 2, 1, 0]),
        ({"registry": "quay"}, [0]),
        ({"registry": "nobody"}, [4, 3, 2, 1, 0]),
        ({"outcome": "quarantined"}, [2]),
        ({"outcome": "wonderful"}, [4, 3, 2, 1, 0]),
        ({"product": "quay"}, [0]),
        ({"product": "zot"}, []),
        ({"period": "hour"}, [4, 3]),
        ({"period": "day"}, [4, 3, 2]),
        ({"period": "week"}, [4, 3, 2, 1]),
        ({"q": "shop"}, [3]),
        ({"q": "WEB:2"}, [3]),
        ({"q": ":1.4"}, [4, 1, 0]),
        ({"q": "%"}, []),
        ({"q": ":1.4", "registry": "harbor", "outcome": "accepted"}, [1]),
        ({"scan": "1"}, []),
    ],
)
def test_filters(five: list[int], params: dict[str, str], places: list[int]) -> None:
    found = log(**params)
    assert numbers(found) == [five[place] for place in places]
    assert (found.stretch.count, found.stretch.capped) == (len(places), False)


def test_deliveries_of_a_scan() -> None:
    made = fleet(1)
    mine = delivered(made.registry, "1.0", scan=made.scan, state=Push.State.JOINED)
    delivered(made.registry, "1.0")
    found = log(scan=str(made.scan.pk))
    assert numbers(found) == [mine.pk]
    push = found.rows[0].pushes[0]
    assert (push.scan, push.scan_state, push.known) == (made.scan.pk, "done", True)


def test_a_tag_that_is_not_known_has_no_page() -> None:
    delivered(fleet(1).registry, "never-seen")
    assert not log().rows[0].pushes[0].known


@pytest.mark.parametrize("params", [{}, {"registry": "harbor"}, {"outcome": "accepted"}, {"q": "app"}])
def test_all_pages_forward_and_back(params: dict[str, str]) -> None:
    home = registry()
    everything = [delivered(home, "1.0").pk for _ in range(7)][::-1]
    with patch.object(module, "SIZE", 3):
        first = log(**params)
        second = log(**params, before=str(first.stretch.older))
        third = log(**params, before=str(second.stretch.older))
        back = log(**params, after=str(third.stretch.newer))
        newest = log(**params, after=str(back.stretch.newer))
    assert [numbers(each) for each in (first, second, third)] == [everything[:3], everything[3:6], everything[6:]]
    assert (first.stretch.newer, third.stretch.older) == (None, None)
    assert numbers(back) == everything[3:6]
    assert numbers(newest) == everything[:3]


def test_pages_stay_where_they_were_while_deliveries_come() -> None:
    home = registry()
    old = [delivered(home, "1.0").pk for _ in range(6)][::-1]
    with patch.object(module, "SIZE", 3):
        older = log().stretch.older
        delivered(home, "1.0")
        assert numbers(log(before=str(older))) == old[3:]


def test_the_count_ends_somewhere() -> None:
    home = registry()
    for _ in range(4):
        delivered(home, "1.0")
    with patch.object(module, "_MOST_COUNTED", 3):
        stretch = log().stretch
    assert (stretch.count, stretch.capped) == (3, True)


def test_what_no_index_finds_is_looked_for_so_far_and_no_further() -> None:
    home = registry()
    odd = delivered(home, outcome="quarantined", received_at=NOW - timedelta(days=3))
    for _ in range(8):
        delivered(home, "1.0")
    with patch.object(module, "LOOKED_THROUGH", 4):
        first = log(outcome="quarantined")
        second = log(outcome="quarantined", before=str(first.stretch.older))
        third = log(outcome="quarantined", before=str(second.stretch.older))
    assert [numbers(each) for each in (first, second, third)] == [[], [], [odd.pk]]
    assert first.stretch.looked_until == NOW
    assert (third.stretch.looked_until, third.stretch.older) == (None, None)


def test_nothing_is_looked_for_beyond_the_period() -> None:
    home = registry()
    for hours in (50, 40, 30, 20, 10):
        delivered(home, "1.0", received_at=NOW - timedelta(hours=hours))
    with patch.object(module, "LOOKED_THROUGH", 3):
        found = log(period="day")
    assert (len(found.rows), found.stretch.older, found.stretch.looked_until) == (2, None, None)


def test_of_many_pushes_the_first_are_shown_and_those_searched_for_before_them() -> None:
    delivered(registry(), *(f"v{at}" for at in range(200)))
    row = log().rows[0]
    assert ([push.tag for push in row.pushes], row.pushes_total, row.more) == (["v0", "v1", "v2"], 200, 197)
    assert [push.tag for push in log(q="v19").rows[0].pushes] == ["v19", "v190", "v191"]


def test_tests_and_replays_were_not_sent() -> None:
    home = registry()
    first = delivered(home, "1.0")
    delivered(home, "1.0", replay_of=first)
    delivered(home, outcome="ignored", reason="Test: it was read as a push of team/shop:1.4")
    assert [row.was_sent for row in log().rows] == [False, False, True]


def test_bodies_stay_in_the_database() -> None:
    delivered(registry(), "1.0", body=b"x" * 60_000)
    with patch.object(InboundEvent, "refresh_from_db", side_effect=AssertionError):
        assert log().rows
