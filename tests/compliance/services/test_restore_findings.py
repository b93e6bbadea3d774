"""The undo of what people did to findings: each is as it was, unless somebody or a scan has changed it since."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import BulkChange, Finding, FindingSpan, Repository, User
from compliance.remediation.change import Assign, Change, Comment, InvalidChange, SetDue, SetStatus
from compliance.remediation.sla import Due, read_due_text
from compliance.remediation.status import Status
from compliance.services.change_findings import Undone, change_findings, undo
from compliance.services.save_terms import save_terms
from compliance.services.write_findings import NotAllowed, sla_terms
from tests.support.changes import DAY, change, events
from tests.support.remediation import finding_row, findings, own, team
from tests.support.rows import NOW, user


@pytest.mark.parametrize(
    "what",
    [
        SetStatus(Status.IN_PROGRESS),
        SetStatus(Status.FIX_CLAIMED),
        SetStatus(Status.FALSE_POSITIVE, "x"),
        SetDue(NOW + 2 * DAY, "x"),
        SetDue(None, "x"),
    ],
)
def test_undo(people: tuple[User, User], what: Change) -> None:
    sam = people[0]
    columns = ("status", "assignee", "due_at", "due_edited", "claimed_at", "claimed_by")
    before = list(Finding.objects.order_by("pk").values(*columns))
    bulk = change(what, sam)
    assert list(Finding.objects.order_by("pk").values(*columns)) != before
    assert undo(bulk.pk, by=sam, now=NOW + timedelta(minutes=10)) == Undone(2, 0)
    assert list(Finding.objects.order_by("pk").values(*columns)) == before
    assert list(FindingSpan.objects.values_list("due_at", flat=True)) == [NOW + 4 * DAY] * 2
    was, became, _ = events()[0]
    assert events()[1] == (became, was, "Undone.")
    with pytest.raises(InvalidChange, match="undone already"):
        undo(bulk.pk, by=sam, now=NOW)


def test_undo_of_an_assignment_leaves_what_somebody_changed_since(people: tuple[User, User]) -> None:
    sam, other = people[0], user("other")
    Finding.objects.update(assignee=other)
    bulk = change(Assign(sam.pk), sam)
    change(Assign(None), other, mine=True)
    assert undo(bulk.pk, by=sam, now=NOW) == Undone(1, 1)
    assert set(Finding.objects.values_list("repository__team__slug", "assignee__username")) == {
        ("payments", None),
        (None, "other"),
    }


def leave(person: User) -> None:
    person.memberships.all().delete()


def deactivate(person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_active=False)


def disappear(person: User) -> None:
    person.delete()


@pytest.mark.parametrize("go", [leave, deactivate, disappear])
@pytest.mark.parametrize("to_sam", [True, False])
def test_undo_gives_nothing_back_to_who_may_not_see_it_any_more(
    people: tuple[User, User], go: Callable[[User], None], to_sam: bool
) -> None:
    sam, kim = people
    Finding.objects.filter(repository__team__slug="payments").update(assignee=kim)
    other = user("other")
    Finding.objects.filter(repository__team=None).update(assignee=other)
    bulk = change(Assign(sam.pk if to_sam else None), sam)
    go(kim)

    assert undo(bulk.pk, by=sam, now=NOW) == Undone(2, 0, unassigned=1)

    assert dict(Finding.objects.values_list("repository__team__slug", "assignee__username")) == {
        "payments": None,
        None: "other",
    }
    became = "sam" if to_sam else ""
    assert events() == [
        ("kim", became, ""),
        (became, "", "Undone. kim may not see it any more, so nobody has it."),
        ("other", became, ""),
        (became, "other", "Undone."),
    ]


def test_undo_gives_back_only_what_is_still_seen_of_many(people: tuple[User, User]) -> None:
    sam, kim = people
    web = team("Web", viewer=kim)
    own(web, Repository.objects.filter(team=None))
    Finding.objects.update(assignee=kim)
    bulk = change(Assign(sam.pk), sam)
    kim.memberships.exclude(team=web).delete()
    assert undo(bulk.pk, by=sam, now=NOW) == Undone(2, 0, unassigned=1)
    assert dict(Finding.objects.values_list("repository__team__slug", "assignee__username")) == {
        "payments": None,
        "web": "kim",
    }


def test_undo_gives_back_to_nobody_what_nobody_had(people: tuple[User, User]) -> None:
    bulk = change(Assign(people[1].pk), people[0], mine=True)
    assert undo(bulk.pk, by=people[0], now=NOW) == Undone(1, 0)
    assert events() == [("", "kim", ""), ("kim", "", "Undone.")]


@pytest.mark.parametrize("count", [1, 200])
def test_undo_asks_as_often_for_many(
    people: tuple[User, User], django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    sam, kim = people
    home = Repository.objects.get(team__slug="payments")
    findings(finding_row(home, subject=str(at), assignee=kim) for at in range(count))
    bulk = change(Assign(sam.pk), sam)
    with django_assert_num_queries(15):
        undo(bulk.pk, by=sam, now=NOW)


def test_undo_leaves_what_a_scan_has_proved_since(people: tuple[User, User]) -> None:
    bulk = change(SetStatus(Status.FIX_CLAIMED), people[0])
    Finding.objects.filter(repository__team__slug="payments").update(status="fixed", closed_at=NOW)
    assert undo(bulk.pk, by=people[0], now=NOW) == Undone(1, 1)
    assert sorted(Finding.objects.values_list("status", flat=True)) == ["fixed", "new"]


def test_undo_of_a_due_date_gives_back_what_the_terms_say_by_now(people: tuple[User, User]) -> None:
    sam = people[0]
    bulk = change(SetDue(NOW + DAY, "Agreed."), sam)
    save_terms(dict.fromkeys(sla_terms(), 3), by=sam, now=NOW)
    assert undo(bulk.pk, by=sam, now=NOW) == Undone(2, 0)
    assert set(Finding.objects.values_list("due_at", "due_edited")) == {(NOW - 7 * DAY, False)}
    assert set(FindingSpan.objects.values_list("due_at", flat=True)) == {NOW - 7 * DAY}
    assert {read_due_text(became) for _, became, text in events("due") if text} == {
        Due(NOW + DAY, edited=True),
        Due(NOW - 7 * DAY),
    }


def test_undo_calls_no_regression_a_false_positive(people: tuple[User, User]) -> None:
    sam = people[0]
    change(SetStatus(Status.FALSE_POSITIVE, "x"), sam)
    bulk = change(SetStatus(Status.OPEN), sam)
    Finding.objects.filter(repository__team__slug="payments").update(regression=True)  # as the next scan does
    assert undo(bulk.pk, by=sam, now=NOW) == Undone(1, 1)
    assert set(Finding.objects.values_list("regression", "status")) == {(True, "open"), (False, "false_positive")}


def test_undo_gives_a_claim_back_to_who_made_it(people: tuple[User, User]) -> None:
    sam, kim = people
    change(SetStatus(Status.FIX_CLAIMED), kim, mine=True)
    claimed, later = Finding.objects.filter(status="fix_claimed"), NOW + timedelta(hours=1)
    bulk = change_findings(claimed, SetStatus(Status.OPEN), by=sam, now=later)
    undo(bulk.pk, by=sam, now=later)
    row = Finding.objects.get(repository__team__slug="payments")
    assert (row.status, row.claimed_at, row.claimed_by) == ("fix_claimed", NOW, kim)


def test_who_may_not_undo_and_when(people: tuple[User, User]) -> None:
    sam, kim = people
    bulk = change(SetStatus(Status.OPEN), kim, mine=True)
    with pytest.raises(BulkChange.DoesNotExist):
        undo(bulk.pk, by=sam, now=NOW)
    with pytest.raises(InvalidChange, match="ten minutes"):
        undo(bulk.pk, by=kim, now=NOW + timedelta(minutes=10, seconds=1))
    with pytest.raises(InvalidChange, match="Comments stay"):
        undo(change(Comment("x"), sam).pk, by=sam, now=NOW)
    kim.memberships.all().delete()
    with pytest.raises(NotAllowed):
        undo(bulk.pk, by=User.objects.get(pk=kim.pk), now=NOW)
