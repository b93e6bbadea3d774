"""What a person may set, all pairs; what is urgent."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from compliance.remediation.change import (
    ACTIONS,
    LONGEST_COMMENT,
    LONGEST_REASON,
    Assign,
    Change,
    Comment,
    InvalidChange,
    RestoreDue,
    SetDue,
    SetStatus,
    check_change,
)
from compliance.remediation.status import SAID_BY_PEOPLE, TO_DO, Status
from compliance.remediation.transitions import Standing, is_settled, refusal, settable, urgency

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
OPEN, WORK, CLAIM, FALSE = Status.OPEN, Status.IN_PROGRESS, Status.FIX_CLAIMED, Status.FALSE_POSITIVE

MENUS = {
    Status.NEW: (OPEN, WORK, CLAIM, FALSE),
    Status.OPEN: (WORK, CLAIM, FALSE),
    Status.IN_PROGRESS: (OPEN, CLAIM, FALSE),
    Status.FIX_CLAIMED: (OPEN, WORK, FALSE),
    Status.REGRESSED: (OPEN, WORK, CLAIM, FALSE),
    Status.FALSE_POSITIVE: (OPEN,),
    Status.WAIVED: (),
    Status.FIXED: (),
}


@pytest.mark.parametrize("was", Status)
def test_menu(was: Status) -> None:
    assert settable(was) == MENUS[was]


def test_people_say_what_some_menu_offers() -> None:
    assert {wanted for was in Status for wanted in settable(was)} == SAID_BY_PEOPLE
    assert set(Status) - {Status.WAIVED, Status.FALSE_POSITIVE, Status.FIXED} == TO_DO


@pytest.mark.parametrize(("was", "wanted"), list(product(Status, Status)))
def test_whatever_is_not_on_the_menu_is_refused_in_words(was: Status, wanted: Status) -> None:
    assert (refusal(was, wanted) == "") == (wanted in MENUS[was] or wanted is was)


@pytest.mark.parametrize(
    ("was", "wanted", "words"),
    [
        (Status.OPEN, Status.FIXED, "only a scan"),
        (Status.FIXED, Status.REGRESSED, "only a scan"),
        (Status.OPEN, Status.NEW, "only a scan"),
        (Status.OPEN, Status.WAIVED, "by a waiver"),
        (Status.FIXED, Status.OPEN, "only a scan can open it again"),
        (Status.WAIVED, Status.FIX_CLAIMED, "end the waiver"),
        (Status.FALSE_POSITIVE, Status.IN_PROGRESS, "opened again first"),
    ],
)
def test_words(was: Status, wanted: Status, words: str) -> None:
    assert words in refusal(was, wanted)


def test_only_what_is_fixed_is_settled() -> None:
    assert [each for each in Status if is_settled(each)] == [Status.FIXED]


def test_urgency() -> None:
    day, old = timedelta(days=1), NOW - timedelta(days=90)
    ordered = [
        Standing(True, True, 0, NOW),
        Standing(True, False, 0, NOW),
        Standing(False, True, 2, NOW, NOW - day),
        Standing(False, False, 0, NOW, NOW - day),
        Standing(False, True, 0, NOW, NOW + day),
        Standing(False, True, 1, old, NOW + day),
        Standing(False, False, 0, old, None),
        Standing(False, False, 0, NOW, NOW + day),
        Standing(False, False, 4, old, None),
    ]
    mixed = random.Random(7).sample(ordered, len(ordered))
    assert sorted(mixed, key=lambda each: urgency(each, NOW)) == ordered


@pytest.mark.parametrize(
    "change",
    [
        Assign(None),
        Assign(3),
        RestoreDue(),
        SetStatus(OPEN),
        SetStatus(FALSE, "the file is ours"),
        SetDue(None, "agreed with the vendor"),
        SetDue(NOW + timedelta(seconds=1), "today"),
        SetDue(NOW + timedelta(days=3_653), "ten years"),
        Comment("x" * LONGEST_COMMENT),
    ],
)
def test_what_can_be_asked(change: Change) -> None:
    check_change(change, NOW)
    assert type(change) in ACTIONS


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (SetStatus(Status.FIXED), "Only a scan"),
        (SetStatus(Status.WAIVED), "Only a scan or a waiver"),
        (SetStatus(Status.REGRESSED, "because"), "Only a scan"),
        (SetStatus(FALSE), "Write a reason"),
        (SetStatus(OPEN, "x" * (LONGEST_REASON + 1)), "501 characters"),
        (SetDue(NOW, "now"), "between now and ten years"),
        (SetDue(NOW + timedelta(days=3_653, seconds=1), "later"), "between now and ten years"),
        (SetDue(NOW, " \n"), "Write a reason for another due date"),
        (Comment("\t "), "Write a comment"),
        (Comment("x" * (LONGEST_COMMENT + 1)), "4,001 characters"),
    ],
)
def test_what_cannot(change: Change, words: str) -> None:
    with pytest.raises(InvalidChange, match=words):
        check_change(change, NOW)
