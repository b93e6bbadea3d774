"""What a scan makes of a finding, as a table."""

from __future__ import annotations

from itertools import product

import pytest

from compliance.remediation.lifecycle import After, Kind, Seen, Told, after_scan, found
from compliance.remediation.status import TO_DO, Resolution, Status

NEW, OPEN, WORKING = Status.NEW, Status.OPEN, Status.IN_PROGRESS
CLAIMED, REGRESSED, WAIVED, WRONG, FIXED = (
    Status.FIX_CLAIMED, Status.REGRESSED, Status.WAIVED, Status.FALSE_POSITIVE, Status.FIXED,
)  # fmt: skip
NONE, PROVED, GONE, POLICY = Resolution

THERE = Seen(3)
THERE_CHECKED = Seen(3, checked=True)
TURNED = Seen(3, regression=True)
AWAY = Seen(0, PROVED)
AWAY_CHECKED = Seen(0, PROVED, checked=True)
LAST_TAG_GONE = Seen(0, GONE)
NOT_ASKED_FOR = Seen(0, POLICY)


def after(status: Status, seen: Seen, resolution: Resolution | None = None) -> After:
    return after_scan(status, resolution or (PROVED if status is FIXED else NONE), seen)


@pytest.mark.parametrize(
    ("status", "seen", "became", "resolution", "kind"),
    [
        # still there: what people said stays
        *((status, THERE, status, NONE, None) for status in Status if status is not FIXED),
        *((status, THERE_CHECKED, status, NONE, None) for status in Status if status not in (FIXED, CLAIMED)),
        # a claim: refuted when all of it was looked at again, confirmed when a scan proves it
        (CLAIMED, THERE_CHECKED, OPEN, NONE, Kind.CLAIM_REFUTED),
        (CLAIMED, AWAY_CHECKED, FIXED, PROVED, Kind.CLAIM_CONFIRMED),
        (CLAIMED, AWAY, FIXED, PROVED, Kind.STATUS),
        (CLAIMED, LAST_TAG_GONE, FIXED, GONE, Kind.STATUS),
        (CLAIMED, Seen(0, GONE, checked=True), FIXED, GONE, Kind.STATUS),
        (CLAIMED, NOT_ASKED_FOR, FIXED, POLICY, Kind.STATUS),
        # no tag shows it: fixed, whatever people said
        *(
            (status, seen, FIXED, seen.gone, Kind.STATUS)
            for status in Status
            if status not in (FIXED, CLAIMED)
            for seen in (AWAY, AWAY_CHECKED, LAST_TAG_GONE, NOT_ASKED_FOR)
        ),
        # fixed stays fixed, for the reason it was
        (FIXED, AWAY, FIXED, PROVED, None),
        (FIXED, LAST_TAG_GONE, FIXED, PROVED, None),
        # root now, not before
        *((status, TURNED, status, NONE, None) for status in (NEW, OPEN, WORKING, CLAIMED, REGRESSED, WAIVED)),
        (WRONG, TURNED, REGRESSED, NONE, Kind.STATUS),
        # back
        (FIXED, THERE, REGRESSED, NONE, Kind.STATUS),
        (FIXED, TURNED, REGRESSED, NONE, Kind.STATUS),
    ],
)  # fmt: skip
def test_table(status: Status, seen: Seen, became: Status, resolution: Resolution, kind: Kind | None) -> None:
    found = after(status, seen)
    assert (found.status, found.resolution) == (became, resolution)
    assert [told.kind for told in found.told] == ([] if kind is None else [kind])


@pytest.mark.parametrize(
    ("why", "seen", "became", "reopened"),
    [
        (PROVED, THERE, REGRESSED, True),
        (GONE, THERE, REGRESSED, True),
        (POLICY, THERE, OPEN, False),
        (POLICY, TURNED, REGRESSED, True),
    ],
)
def test_what_was_fixed_begins_anew(why: Resolution, seen: Seen, became: Status, *, reopened: bool) -> None:
    found = after(FIXED, seen, why)
    assert (found.status, found.opens, found.reopened) == (became, True, reopened)


_ROOT_NOW = "A tag that ran as another user before runs as root now."


@pytest.mark.parametrize(("seen", "text"), [(THERE, ""), (TURNED, _ROOT_NOW)])
def test_what_nobody_knew_is_new(seen: Seen, text: str) -> None:
    assert found(seen) == After(NEW, told=(Told(Kind.FOUND, text=text),), opens=True)


@pytest.mark.parametrize(
    ("status", "why", "seen", "told"),
    [
        (CLAIMED, NONE, THERE_CHECKED, Told(
            Kind.CLAIM_REFUTED, CLAIMED, OPEN, "It was looked at again and is still there on 3 tags.")),
        (CLAIMED, NONE, AWAY_CHECKED, Told(Kind.CLAIM_CONFIRMED, CLAIMED, FIXED, "No tag shows it any more.")),
        (NEW, NONE, AWAY, Told(Kind.STATUS, NEW, FIXED, "No tag shows it any more.")),
        (WORKING, NONE, LAST_TAG_GONE, Told(Kind.STATUS, WORKING, FIXED, "The last tag with it is gone.")),
        (OPEN, NONE, NOT_ASKED_FOR, Told(Kind.STATUS, OPEN, FIXED, "No policy asks for it any more.")),
        (WRONG, NONE, TURNED, Told(Kind.STATUS, WRONG, REGRESSED, _ROOT_NOW)),
        (FIXED, POLICY, THERE, Told(Kind.STATUS, FIXED, OPEN, "A policy asks for it again on 3 tags.")),
        (FIXED, PROVED, Seen(1), Told(Kind.STATUS, FIXED, REGRESSED, "It is back on 1 tag.")),
        (FIXED, GONE, Seen(1_200), Told(Kind.STATUS, FIXED, REGRESSED, "It is back on 1,200 tags.")),
        (FIXED, PROVED, TURNED, Told(Kind.STATUS, FIXED, REGRESSED, _ROOT_NOW)),
        (FIXED, POLICY, TURNED, Told(Kind.STATUS, FIXED, REGRESSED, _ROOT_NOW)),
    ],
)  # fmt: skip
def test_the_timeline_says_what_it_was_and_why(status: Status, why: Resolution, seen: Seen, told: Told) -> None:
    assert after_scan(status, why, seen).told == (told,)


def test_whatever_is_seen_fixed_means_that_no_tag_shows_it() -> None:
    seen = [
        Seen(tags, gone, checked, regression)
        for tags, gone, checked, regression in product((0, 1, 7), (PROVED, GONE, POLICY), (True, False), (True, False))
    ]
    for status, why, each in product(Status, (PROVED, GONE, POLICY), seen):
        became = after(status, each, why if status is FIXED else NONE)
        assert (became.status is FIXED) == (each.tags == 0)
        assert (became.resolution is NONE) == (became.status is not FIXED)
        assert bool(became.told) == (became.status is not status)
        assert became.opens == (status is FIXED and each.tags > 0)
        assert became.status in {status, FIXED, OPEN, REGRESSED}


def test_only_a_scan_makes_new_work() -> None:
    assert {after(status, THERE).status for status in (WAIVED, WRONG)}.isdisjoint(TO_DO)


@pytest.mark.parametrize(("tags", "words"), [(1, "on 1 tag."), (1234, "on 1,234 tags.")])
def test_says_how_many_tags(tags: int, words: str) -> None:
    assert after(FIXED, Seen(tags)).told[0].text.endswith(words)
