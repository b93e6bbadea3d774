"""People change findings while a scan reconciles the same ones: neither waits for the other in a circle."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import cast

import pytest
from django.db import connections, transaction

from compliance.models import (
    Finding,
    FindingSpan,
    Image,
    Occurrence,
    Registry,
    Repository,
    Scan,
    Tag,
    UnsettledWaiver,
    User,
)
from compliance.remediation.change import Assign, Change, SetDue, SetStatus
from compliance.remediation.status import Status
from compliance.services.assign_owners import assign_owner
from compliance.services.change_findings import change_findings, undo
from compliance.services.doubt_tags import doubt_tags
from compliance.services.end_waivers import settle_waivers
from compliance.services.list_repositories import list_repositories
from compliance.services.ownership_rules import add_rule, remove_rule
from compliance.services.reconcile_findings import reconcile_repositories
from compliance.services.request_scan import request_scan
from compliance.services.write_waiver import write_waiver
from scanner.domain.problems import Unavailable
from scanner.sources.source import Source, Traffic
from tests.support.remediation import draft, finding, settle_to_the_end, team
from tests.support.rows import NOW, Fleet, fleet, policy_version, user
from tests.support.waiting import until_somebody_waits

CLAIMED = SetStatus(Status.FIX_CLAIMED)


@pytest.fixture
def made(transactional_db: None) -> Fleet:
    """Three repositories; of each a finding that its tag shows by what a scan will not see any more."""
    found = fleet(3)
    for repository, tag in zip(found.repositories, found.tags[1::2], strict=True):
        finding(repository, "NR103", subject="gone", tags=[tag])
    return found


@pytest.fixture
def sam(made: Fleet) -> User:
    return user("sam")


def scan(made: Fleet) -> None:
    """What the batch of a scan does at its end, repositories held."""
    ids = [row.pk for row in made.repositories]
    with transaction.atomic():
        list(Repository.objects.filter(pk__in=ids).order_by("pk").select_for_update())
        reconcile_repositories(ids, policy_version(), now=NOW)


def changing(change: Change) -> Callable[[User], object]:
    return lambda by: change_findings(Finding.objects.to_do(), change, by=by, now=NOW)


def claimed_and_back(by: User) -> None:
    undo(change_findings(Finding.objects.to_do(), CLAIMED, by=by, now=NOW).pk, by=by, now=NOW)


def called_wrong_and_back(by: User) -> None:
    changing(SetStatus(Status.FALSE_POSITIVE, "A test image."))(by)
    change_findings(Finding.objects.filter(status="false_positive"), SetStatus(Status.OPEN), by=by, now=NOW)


CHANGES: dict[str, Callable[[User], object]] = {
    "claim": changing(CLAIMED),
    "assign": lambda by: changing(Assign(by.pk))(by),
    "due": changing(SetDue(NOW + timedelta(days=3), "Agreed.")),
    "undo": claimed_and_back,
    "wrong and back": called_wrong_and_back,
    "waive": lambda by: write_waiver(draft(by), by=by, now=NOW),
}


class InBackground:
    """Something that another connection does meanwhile."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.errors: list[BaseException] = []
        self._work = work
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self.errors.append(error)
        finally:
            connections.close_all()

    def until_it_waits(self) -> None:
        """Until it waits for a lock, or has ended."""
        until_somebody_waits(lambda: not self._thread.is_alive())

    def end(self) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive()
        assert self.errors == []


def is_settled() -> bool:
    """What the scan did not see is fixed, and its episode over, whoever came first."""
    gone = Finding.objects.filter(subject="gone")
    open_spans = FindingSpan.objects.filter(finding__subject="gone", closed_at=None)
    return set(gone.values_list("status", flat=True)) == {"fixed"} and not open_spans.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_while_a_scan_holds_the_repositories(made: Fleet, sam: User, name: str) -> None:
    ids = [row.pk for row in made.repositories]
    with transaction.atomic():
        list(Repository.objects.filter(pk__in=ids).order_by("pk").select_for_update())
        other = InBackground(lambda: CHANGES[name](sam))
        other.until_it_waits()
        reconcile_repositories(ids, policy_version(), now=NOW)
    other.end()
    assert is_settled()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", CHANGES)
def test_a_scan_while_a_change_holds_the_findings(made: Fleet, sam: User, name: str) -> None:
    with transaction.atomic():
        CHANGES[name](sam)
        other = InBackground(lambda: scan(made))
        other.until_it_waits()
    other.end()
    assert is_settled()


@pytest.mark.django_db(transaction=True)
def test_a_rule_is_removed_while_a_scan_gives_a_repository_to_its_team(made: Fleet) -> None:
    rule = add_rule(team("Payments"), "acme", label="vendor", now=NOW)
    home = made.repositories[0]
    with transaction.atomic():
        row = Repository.objects.select_for_update().get(pk=home.pk)
        row.labels = {"vendor": "acme"}
        row.save(update_fields=["labels"])
        assign_owner(row, now=NOW)
        other = InBackground(lambda: remove_rule(rule, now=NOW))
        other.until_it_waits()
    other.end()
    home.refresh_from_db()
    assert (home.labels, home.team, home.team_rule) == ({"vendor": "acme"}, None, None)


class Emptied:
    """A registry that names no repository but one."""

    def __init__(self, left: str) -> None:
        self.traffic, self._left = Traffic(), left

    def repositories(self) -> list[str]:
        """All there are."""
        return [self._left]


@pytest.mark.django_db(transaction=True)
def test_repositories_are_forgotten_while_somebody_holds_them_in_their_order(made: Fleet) -> None:
    first, second, left = made.repositories
    Repository.objects.filter(pk=first.pk).update(name="z")  # read last from now on, unless an order is asked for
    scan = request_scan(made.registry, trigger=Scan.Trigger.PAGE, now=NOW)

    def opener(_: Registry) -> AbstractContextManager[Source]:
        return nullcontext(cast(Source, Emptied(left.name)))

    with transaction.atomic():
        Repository.objects.select_for_update().get(pk=first.pk)
        other = InBackground(lambda: list_repositories(scan, clock=lambda: NOW, opener=opener))
        other.until_it_waits()
        Repository.objects.select_for_update().get(pk=second.pk)
    other.end()
    assert set(Repository.objects.listed()) == {left}


@pytest.mark.django_db(transaction=True)
def test_tags_are_doubted_after_the_scan_that_holds_their_repositories(made: Fleet) -> None:
    def doubt() -> None:
        doubt_tags(Tag.objects.filter(repository__in=made.repositories), Unavailable("timeout", "slow"), now=NOW)

    with transaction.atomic():
        list(Repository.objects.order_by("pk").select_for_update())
        other = InBackground(doubt)
        other.until_it_waits()
        # Whatever the scan writes next, in whatever order, nobody has it.
        list(Occurrence.objects.order_by("-pk").select_for_update(nowait=True))
        list(Tag.objects.order_by("-pk").select_for_update(nowait=True))
    other.end()
    assert not Tag.objects.filter(unconfirmed_since=None, repository__in=made.repositories).exists()


@pytest.mark.django_db(transaction=True)
def test_a_waiver_is_settled_when_the_last_scan_is_over_that_could_miss_it(made: Fleet, sam: User) -> None:
    """However long that scan takes, and however seldom the clock looks."""
    reads, ends = threading.Event(), threading.Event()
    mine = Finding.objects.filter(repository=made.repositories[0])

    def slow_scan() -> None:
        with transaction.atomic():
            list(Repository.objects.filter(pk=made.repositories[0].pk).select_for_update())
            reads.set()
            assert ends.wait(30)
            mine.update(status="open", waiver=None)

    Image.objects.update(run_key="as-root")
    write_waiver(draft(sam), by=sam, now=NOW)
    assert mine.get().status == "waived"
    other = InBackground(slow_scan)
    assert reads.wait(30)
    for hours in (1, 2):
        settle_waivers(NOW + timedelta(hours=hours))
        assert UnsettledWaiver.objects.count() == 1
    ends.set()
    other.end()
    assert mine.get().status == "open"
    settle_to_the_end(NOW + timedelta(hours=3))
    assert (mine.get().status, UnsettledWaiver.objects.count()) == ("waived", 0)
