"""Closed days are added up once; what trends say is what their snapshots say."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db.models import Avg, Sum

from compliance.access import Actor, Role, TeamRole
from compliance.models import DailySnapshot, FleetDay, Repository
from compliance.queries.day_sums import day_sums, protected_on
from compliance.queries.work_scope import WorkScope
from compliance.services.close_days import close_days
from compliance.services.delete_registry import delete_registry
from tests.support.remediation import own, team
from tests.support.rows import NOW, Fleet, fleet, policy_version

pytestmark = pytest.mark.django_db

TODAY = NOW.date()
START = TODAY - timedelta(days=6)
SECURITY = Actor(1, Role.SECURITY)
_SUMMED = ("evaluated", "passed", "failed", "unknown", "waived", "new", "fixed", "regressed", "overdue")


@pytest.fixture
def two() -> tuple[Fleet, Fleet]:
    return fleet(3), fleet(2, name="Quay")


def told(scope: WorkScope) -> dict[date, tuple[object, ...]]:
    sums = day_sums(scope, START, today=TODAY)
    return {each.day: (*(getattr(each, name) for name in _SUMMED), each.score) for each in sums}


def expected(repositories: list[Repository]) -> dict[date, tuple[object, ...]]:
    """The same from the snapshots, one by one."""
    rows = DailySnapshot.objects.filter(repository__in=repositories, day__gte=START).order_by("day")
    sums = {f"{name}_": Sum(name) for name in _SUMMED}
    found = rows.values_list("day").annotate(**sums, score_=Avg("score"))
    return {day: tuple(values) for day, *values in found}


def test_everything_a_registry_and_a_team(two: tuple[Fleet, Fleet]) -> None:
    harbor, quay = two
    crew = team()
    own(crew, [harbor.repositories[0], quay.repositories[0]])
    lead = Actor(2, Role.MEMBER, {crew.pk: TeamRole.LEAD})
    of_team = [harbor.repositories[0], quay.repositories[0]]
    assert told(WorkScope(SECURITY)) == expected([*harbor.repositories, *quay.repositories])
    assert told(WorkScope(SECURITY, registry="quay", registry_name="Quay")) == expected(quay.repositories)
    assert told(WorkScope(SECURITY, crew.slug, crew.name, crew.pk)) == expected(of_team)
    assert told(WorkScope(lead)) == expected(of_team)
    assert told(WorkScope(lead, registry="quay", registry_name="Quay")) == expected(quay.repositories[:1])
    assert len(told(WorkScope(lead))) == 7


def test_closing_adds_and_open_days_wait(two: tuple[Fleet, Fleet]) -> None:
    everything = WorkScope(SECURITY)
    rows = DailySnapshot.objects.filter(day=TODAY)
    tomorrow = TODAY + timedelta(days=1)
    before = FleetDay.objects.count()
    rows.update(overdue=2, score=70)
    assert FleetDay.objects.count() == before
    close_days(NOW + timedelta(days=1))
    sums = {each.day: each for each in day_sums(everything, START, today=tomorrow)}
    assert (sums[TODAY].evaluated, sums[TODAY].scored, sums[TODAY].score) == (10, 5, Decimal(70))
    assert tomorrow not in sums
    assert FleetDay.objects.filter(day=TODAY).count() == 2


def test_a_day_that_is_written_late_is_added(two: tuple[Fleet, Fleet]) -> None:
    late, day = two[0].repositories[0], TODAY - timedelta(days=20)
    for repository, passed in ((late, 3), (two[0].repositories[1], 4)):
        DailySnapshot.objects.create(
            repository=repository, day=day, policy_version=policy_version(), evaluated=passed, passed=passed,
            failed=0, unknown=0, not_applicable=0, score=None, closed=True,
        )  # fmt: skip
    row = FleetDay.objects.get(day=day)
    assert (row.registry_id, row.passed, row.scored, row.score_sum) == (late.registry_id, 7, 0, Decimal(0))


def earlier(repository: Repository, count: int | None, day: date) -> None:
    DailySnapshot.objects.create(
        repository=repository, day=day, policy_version=policy_version(), evaluated=9, passed=0, failed=9, unknown=0,
        not_applicable=0, failed_protected=count, closed=True,
    )  # fmt: skip


def test_failing_protected_tags_of_one_day(two: tuple[Fleet, Fleet]) -> None:
    harbor, quay = two
    crew, day = team(), TODAY - timedelta(days=20)
    own(crew, [harbor.repositories[0], quay.repositories[0]])
    lead = Actor(2, Role.MEMBER, {crew.pk: TeamRole.LEAD})
    for at, repository in enumerate([*harbor.repositories, *quay.repositories]):
        earlier(repository, 10**at, day)
        earlier(repository, None if at == 4 else 1, day - timedelta(days=1))
    whole, crews, leads = WorkScope(SECURITY), WorkScope(SECURITY, crew.slug, crew.name, crew.pk), WorkScope(lead)
    production = replace(whole, environment="production", environment_ids=(harbor.registry.pk,))

    def in_quay(scope: WorkScope) -> WorkScope:
        return replace(scope, registry="quay", registry_name="Quay", registry_id=quay.registry.pk)

    scopes = (
        (whole, 11_111, None),
        (in_quay(whole), 11_000, None),
        (production, 111, 3),
        (in_quay(production), None, None),
        (crews, 1_001, 2),
        (in_quay(crews), 1_000, 1),
        (WorkScope(SECURITY, team="none"), 10_110, None),
        (leads, 1_001, 2),
        (in_quay(leads), 1_000, 1),
        (WorkScope(Actor(3, Role.MEMBER)), None, None),
    )
    for scope, kept, lacking in scopes:
        assert protected_on(scope, day) == kept, scope
        assert protected_on(scope, day - timedelta(days=1)) == lacking, scope
        assert protected_on(scope, day - timedelta(days=2)) is None, scope


def test_days_that_lack_it_are_never_a_smaller_sum(two: tuple[Fleet, Fleet]) -> None:
    day = TODAY - timedelta(days=20)
    for repository, count in zip(two[0].repositories, (2, None, 3), strict=True):
        earlier(repository, count, day)  # one after the other into the same sum
    assert FleetDay.objects.get(day=day).failed_protected is None


def test_they_go_with_their_registry(two: tuple[Fleet, Fleet]) -> None:
    delete_registry(two[0].registry, by=None)
    assert set(FleetDay.objects.values_list("registry__slug", flat=True)) == {"quay"}
