"""What people do to findings: all of them or none, counted, with a timeline and an undo."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import BulkChange, Finding, FindingEvent, FindingSpan, Repository, RepositoryScan, Scan, User
from compliance.policy.wake_up import Work
from compliance.remediation.change import (
    LONGEST_COMMENT,
    Assign,
    Change,
    Comment,
    InvalidChange,
    Rescan,
    RestoreDue,
    SetDue,
    SetStatus,
)
from compliance.remediation.status import Status
from compliance.services.change_findings import CountChanged, change_findings, rescans_of
from compliance.services.write_findings import NotAllowed
from tests.support.changes import DAY, change, events
from tests.support.remediation import finding_row, findings, own, team
from tests.support.rows import NOW, fleet, user
from tests.support.waiting import until_somebody_waits

ALL = Finding.objects.all()


def test_assign(people: tuple[User, User]) -> None:
    sam, kim = people
    bulk = change(Assign(kim.pk), sam, mine=True, expected=1)
    assert (bulk.count, bulk.action, bulk.by, bulk.at) == (1, "assign", sam, NOW)
    assert Finding.objects.filter(assignee=kim, changed_at=NOW).count() == 1
    assert events() == [("", "kim", "")]
    assert change(Assign(kim.pk), sam, mine=True).count == 0
    change(Assign(None), sam, mine=True)
    assert events() == [("", "kim", ""), ("kim", "", "")]
    assert {event.bulk_id for event in FindingEvent.objects.exclude(kind="found")} == {bulk.pk, bulk.pk + 2}


def test_nobody_is_given_what_they_may_not_see(people: tuple[User, User]) -> None:
    sam, kim = people
    with pytest.raises(InvalidChange, match="kim may not see all"):
        change(Assign(kim.pk), sam)
    gone = user("gone")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    for nobody in (gone.pk, 999_999):
        with pytest.raises(InvalidChange, match="nobody of that name"):
            change(Assign(nobody), sam)
    assert not BulkChange.objects.exists()
    assert not events()


@pytest.mark.parametrize(
    "what", [Assign(None), SetStatus(Status.OPEN), SetDue(NOW + DAY, "x"), RestoreDue(), Comment("x"), Rescan()]
)
@pytest.mark.parametrize("role", ["viewer", "triager", "auditor", "member"])
def test_all_or_nothing(people: tuple[User, User], what: Change, role: str) -> None:
    kim = people[1] if role == "triager" else user("pat", role="auditor" if role == "auditor" else "member")
    if role == "viewer":
        own(team("Both", viewer=kim), Repository.objects.all())
    before = list(Finding.objects.order_by("pk").values())
    with pytest.raises(NotAllowed):
        change(what, kim)
    assert list(Finding.objects.order_by("pk").values()) == before
    assert not events()


def test_a_triager_works_on_the_team_s_own(people: tuple[User, User]) -> None:
    change(SetStatus(Status.IN_PROGRESS), people[1], mine=True)
    assert sorted(Finding.objects.values_list("status", flat=True)) == ["in_progress", "new"]


def test_another_number_than_was_seen(people: tuple[User, User]) -> None:
    with pytest.raises(CountChanged) as caught:
        change(Comment("x"), people[0], expected=3)
    assert caught.value.actual == 2
    assert not events()


@pytest.mark.parametrize(
    ("status", "wanted", "words"),
    [
        (Status.FIXED, Status.OPEN, "It is fixed, and only a scan can open it again."),
        (Status.WAIVED, Status.OPEN, "It is waived; end the waiver first."),
        (Status.FALSE_POSITIVE, Status.IN_PROGRESS, "A false positive is opened again first."),
    ],
)
def test_a_status_that_nobody_may_set(people: tuple[User, User], status: Status, wanted: Status, words: str) -> None:
    Finding.objects.update(status=status)
    with pytest.raises(InvalidChange, match=words.replace(".", r"\.")):
        change(SetStatus(wanted), people[0], mine=True)


def test_one_that_cannot_keeps_all_from_it(people: tuple[User, User]) -> None:
    first = Finding.objects.earliest("pk")
    Finding.objects.filter(pk=first.pk).update(status="fixed", closed_at=NOW)
    for what, words in ((SetStatus(Status.OPEN), "only a scan can open"), (SetDue(None, "x"), "only comments")):
        with pytest.raises(InvalidChange, match=f"1 of these 2 cannot be changed so; 1 because: it is fixed.*{words}"):
            change(what, people[0])
    assert change(Comment("still"), people[0]).count == 2


def test_false_positives_say_why(people: tuple[User, User]) -> None:
    with pytest.raises(InvalidChange, match="Write a reason"):
        change(SetStatus(Status.FALSE_POSITIVE), people[0])
    change(SetStatus(Status.FALSE_POSITIVE, " nobody calls it \n"), people[0])
    assert events() == [("new", "false_positive", "nobody calls it")] * 2
    change(SetStatus(Status.OPEN), people[0])
    assert set(Finding.objects.values_list("status", flat=True)) == {"open"}


def test_due_dates_and_their_spans(people: tuple[User, User]) -> None:
    was, wanted = NOW + 4 * DAY, NOW + 30 * DAY
    change(SetDue(wanted, " agreed "), people[0])
    assert set(Finding.objects.values_list("due_at", "due_edited")) == {(wanted, True)}
    assert set(FindingSpan.objects.values_list("due_at", flat=True)) == {wanted}
    assert events("due") == [(was.isoformat(), f"{wanted.isoformat()} edited", "agreed")] * 2
    assert change(SetDue(wanted, "again"), people[0]).count == 0
    change(SetDue(None, "never"), people[0])
    assert set(FindingSpan.objects.values_list("due_at", flat=True)) == {None}
    Finding.objects.filter(pk=Finding.objects.earliest("pk").pk).update(baseline=True)
    change(RestoreDue(), people[0])
    assert list(Finding.objects.order_by("pk").values_list("due_at", "due_edited")) == [(None, False), (was, False)]
    assert list(FindingSpan.objects.order_by("finding").values_list("due_at", flat=True)) == [None, was]


def test_a_span_that_is_over_keeps_its_due_date(people: tuple[User, User]) -> None:
    first = Finding.objects.earliest("pk")
    over = FindingSpan.objects.create(
        finding=first, repository=first.repository, rank=0, opened_at=NOW - 90 * DAY, closed_at=NOW - 60 * DAY
    )
    change(SetDue(NOW + DAY, "soon"), people[0])
    over.refresh_from_db()
    assert over.due_at is None


def test_comments_touch_nothing_else(people: tuple[User, User]) -> None:
    before = list(Finding.objects.order_by("pk").values())
    change(Comment("  <b>why</b>\n"), people[0])
    assert list(Finding.objects.order_by("pk").values()) == before
    assert events("comment") == [("", "", "<b>why</b>")] * 2


def test_a_comment_sent_twice_is_one(people: tuple[User, User]) -> None:
    sam = people[0]
    first = change(Comment("Look."), sam)
    again = change_findings(ALL, Comment(" Look. "), by=sam, now=NOW + timedelta(seconds=59))
    assert (again, again.count) == (first, first.count)
    assert len(events("comment")) == BulkChange.objects.count() * 2 == 2
    assert rescans_of(again) == rescans_of(first)


def test_what_is_not_the_same_comment_is_written(people: tuple[User, User]) -> None:
    """Another's, with other words, a minute later, or, of many, those that have it not."""
    sam = people[0]
    one = ALL.filter(pk=ALL.earliest("pk").pk)
    change_findings(one, Comment("Look."), by=sam, now=NOW)
    change_findings(one, Comment("Look!"), by=sam, now=NOW)
    change_findings(one, Comment("Look."), by=user("third"), now=NOW)
    change_findings(one, Comment("Look."), by=sam, now=NOW + timedelta(seconds=60))
    assert len(events("comment")) == 4
    assert change_findings(ALL, Comment("Look."), by=sam, now=NOW + timedelta(seconds=61)).count == 1
    assert len(events("comment")) == 5


def test_a_long_comment_on_many_is_sent_to_the_database_once(people: tuple[User, User]) -> None:
    home, text = Repository.objects.earliest("pk"), "名" * LONGEST_COMMENT
    findings([finding_row(home, subject=f"many{at}") for at in range(200)])
    sizes: list[int] = []

    def measure(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        sizes.append(len(str(params)))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(measure):
        bulk = change(Comment(text), people[0])
    assert bulk.count >= 200
    assert set(FindingEvent.objects.filter(bulk=bulk).values_list("text", flat=True)) == {text}
    assert max(sizes) < 10 * LONGEST_COMMENT


def test_a_claim_asks_for_a_scan_of_the_affected_tags(people: tuple[User, User]) -> None:
    sam = people[0]
    bulk = change(SetStatus(Status.FIX_CLAIMED, "rebuilt"), sam)
    assert set(Finding.objects.values_list("claimed_at", "claimed_by")) == {(NOW, sam.pk)}
    scan = Scan.objects.get(requested_at=NOW)
    assert (scan.partial, scan.state, scan.requested_by, scan.repositories_total) == (True, "running", sam, 2)
    parts = RepositoryScan.objects.filter(scan=scan).order_by("pk")
    assert [part.only_tags for part in parts] == [["latest"], ["latest"]]
    assert [(each.work, each.id) for each in rescans_of(bulk)] == [(Work.REPOSITORY_SCAN, part.pk) for part in parts]
    again = change(SetStatus(Status.FIX_CLAIMED), sam)
    assert again.count == 0
    assert Scan.objects.filter(requested_at=NOW).count() == 1
    change(SetStatus(Status.OPEN), sam)
    assert not Finding.objects.exclude(claimed_at=None, claimed_by=None).exists()


def test_nobody_asks_a_registry_that_is_not_scanned(people: tuple[User, User]) -> None:
    finding_one = Finding.objects.select_related("repository__registry").earliest("pk")
    home = finding_one.repository.registry
    home.enabled = False
    home.save()
    bulk = change(SetStatus(Status.FIX_CLAIMED), people[0])
    assert bulk.count == 2
    assert rescans_of(bulk) == []


@pytest.fixture
def committed(transactional_db: None) -> tuple[User, User]:
    """Two people and forty findings that other connections see."""
    made = fleet(1)
    findings(finding_row(made.repositories[0], subject=str(at)) for at in range(40))
    return user("sam"), user("other")


def in_background(what: Change, by: User, found: list[object], **columns: object) -> threading.Thread:
    def run() -> None:
        try:
            found.append(change_findings(ALL.filter(**columns), what, by=by, now=NOW, expected=40).count)
        except CountChanged as error:
            found.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_the_second_sees_what_the_first_has_left(committed: tuple[User, User]) -> None:
    sam, other = committed
    found: list[object] = []
    with transaction.atomic():
        change_findings(ALL.filter(status="new"), SetStatus(Status.IN_PROGRESS), by=sam, now=NOW, expected=40)
        thread = in_background(SetStatus(Status.FIX_CLAIMED), other, found, status="new")
        until_somebody_waits()
    thread.join(60)
    (error,) = found
    assert isinstance(error, CountChanged)
    assert error.actual == 0
    assert set(Finding.objects.values_list("status", flat=True)) == {"in_progress"}


@pytest.mark.django_db(transaction=True)
def test_a_comment_sent_twice_at_once_is_one(committed: tuple[User, User]) -> None:
    sam, _ = committed
    found: list[object] = []
    with transaction.atomic():
        change_findings(ALL, Comment("Look."), by=sam, now=NOW)
        thread = in_background(Comment("Look."), sam, found)
        until_somebody_waits()
    thread.join(60)
    assert found == [40]
    assert events("comment") == [("", "", "Look.")] * 40
    assert BulkChange.objects.get().count == 40


@pytest.mark.django_db(transaction=True)
def test_two_at_once_about_different_things_both_happen(committed: tuple[User, User]) -> None:
    sam, other = committed
    found: list[object] = []
    with transaction.atomic():
        change_findings(ALL, SetStatus(Status.IN_PROGRESS), by=sam, now=NOW, expected=40)
        thread = in_background(Assign(other.pk), other, found)
        until_somebody_waits()
    thread.join(60)
    assert found == [40]
    assert set(Finding.objects.values_list("status", "assignee")) == {("in_progress", other.pk)}


def test_the_number_of_queries_does_not_grow(
    people: tuple[User, User], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    sam = people[0]
    assert sam.actor
    home = Repository.objects.earliest("pk")
    findings(finding_row(home, subject=str(at)) for at in range(300))
    few = ALL.filter(subject__in=["1", "2"])
    for what, expected in (
        (Assign(sam.pk), 13),
        (SetStatus(Status.IN_PROGRESS), 10),
        (SetDue(NOW + DAY, "x"), 11),
        (RestoreDue(), 12),
        (Comment("x"), 10),
    ):
        for rows in (few, ALL):
            with django_assert_num_queries(expected, info=str(what)):
                change_findings(rows, what, by=sam, now=NOW)
