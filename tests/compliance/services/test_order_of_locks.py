"""Whoever takes many rows takes them all at once and by id: nobody waits in a circle with somebody who has another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import cast

import pytest
from django.db import transaction

from compliance.models import Image, Registry, Repository, RepositoryScan, Scan, State, Tag, Team, Waiver
from compliance.remediation.waiver import WaiverScope
from compliance.services.decide_waiver import approve_waiver
from compliance.services.heavy_layers import BIG_LAYERS
from compliance.services.list_repositories import list_repositories
from compliance.services.request_scan import cancel_scan, request_scan
from compliance.services.save_team import delete_team
from compliance.services.write_waiver import write_waiver
from scanner.domain.problems import Refused
from scanner.sources.source import Source, Traffic
from tests.compliance.services.test_changes_and_scans import InBackground
from tests.support.remediation import draft, failing_tags, finding, own, statuses, team
from tests.support.rows import NOW, Fleet, fleet, user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def made(transactional_db: None) -> Fleet:
    """Three repositories whose tag ``latest`` fails for one finding each."""
    found = fleet(3)
    Image.objects.filter(pk=found.failing.pk).update(run_key="as-root")
    for tag in failing_tags(found):
        finding(tag.repository, tags=[tag])
    return found


def hold(*rows: Repository) -> None:
    """Take repositories, one after the other."""
    for row in rows:
        Repository.objects.select_for_update().get(pk=row.pk)


def doubted() -> set[str]:
    """Repositories with a tag that was not confirmed."""
    return set(Tag.objects.exclude(unconfirmed_since=None).values_list("repository__name", flat=True))


def pushed(made: Fleet, *repositories: Repository, **columns: object) -> Scan:
    """A scan that asks for the tag ``latest`` of each of these, in this order."""
    scan = Scan.objects.create(
        registry=made.registry, trigger=Scan.Trigger.WEBHOOK, partial=True, requested_at=NOW, state=State.RUNNING
    )
    for row in repositories:
        RepositoryScan.objects.create(scan=scan, repository=row, only_tags=["latest"], **columns)
    return scan


@pytest.mark.parametrize(("heavy", "code"), [(False, ""), (True, BIG_LAYERS)])
def test_a_scan_is_cancelled_while_somebody_holds_its_repositories(made: Fleet, heavy: bool, code: str) -> None:
    first, second, _ = made.repositories
    Tag.objects.update(problem_code=code)
    scan = pushed(made, second, first, heavy=heavy)
    with transaction.atomic():
        hold(first)
        other = InBackground(lambda: cancel_scan(scan.pk, now=NOW))
        other.until_it_waits()
        hold(second)
    other.end()
    assert doubted() == {first.name, second.name}
    assert set(RepositoryScan.objects.filter(scan=scan).values_list("state", flat=True)) == {State.CANCELLED}


def test_what_a_batch_has_done_when_its_scan_is_cancelled_is_not_doubted(made: Fleet) -> None:
    home = made.repositories[0]
    scan = pushed(made, home)
    with transaction.atomic():
        RepositoryScan.objects.filter(scan=scan).update(cursor="latest")  # the batch that is being written
        other = InBackground(lambda: cancel_scan(scan.pk, now=NOW))
        other.until_it_waits()
    other.end()
    assert RepositoryScan.objects.get(scan=scan).state == State.CANCELLED
    assert doubted() == set()


class BreaksOff:
    """A registry that names one repository and then refuses to go on."""

    def __init__(self, name: str) -> None:
        self.traffic, self._name = Traffic(), name

    def repositories(self) -> Iterator[str]:
        """The first of them."""
        yield self._name
        raise Refused("forbidden", "The registry refused the next page.")


def test_a_listing_breaks_off_while_somebody_holds_what_it_did_not_reach(made: Fleet) -> None:
    first, second, back = made.repositories
    Repository.objects.filter(pk=back.pk).update(deleted_at=NOW)
    scan = request_scan(made.registry, trigger=Scan.Trigger.PAGE, now=NOW)

    def opener(_: Registry) -> AbstractContextManager[Source]:
        return nullcontext(cast(Source, BreaksOff(back.name)))

    with transaction.atomic():
        hold(first)
        other = InBackground(lambda: list_repositories(scan, clock=lambda: NOW, opener=opener))
        other.until_it_waits()
        hold(back)
    other.end()
    assert set(Repository.objects.listed()) == {first, second, back}
    assert doubted() == {first.name, second.name}
    assert set(RepositoryScan.objects.filter(scan=scan).values_list("repository", flat=True)) == {back.pk}


@pytest.fixture
def payments(made: Fleet) -> Team:
    """The team of the first repository."""
    row = team("Payments", lead=user("lead", role="member"), triager=user("triager", role="member"))
    own(row, made.repositories[:1])
    return row


def test_a_team_is_deleted_while_a_waiver_of_it_is_approved(made: Fleet, payments: Team) -> None:
    lead, triager = (row.user for row in payments.memberships.order_by("role"))
    waiver = write_waiver(draft(triager, scope=WaiverScope("NR103", team_id=payments.pk)), by=triager, now=NOW)
    with transaction.atomic():
        Waiver.objects.select_for_update(no_key=True, of=("self",)).get(pk=waiver.pk)
        other = InBackground(lambda: delete_team(payments, by=user("root", role="admin"), now=NOW))
        other.until_it_waits()
        approve_waiver(waiver.pk, by=lead, now=NOW)
        assert statuses() == ["waived", "new", "new"]
    other.end()
    assert statuses() == ["open", "new", "new"]
    assert not Waiver.objects.exists()
    assert not Team.objects.exists()
