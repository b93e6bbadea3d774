"""The days on which other rules began to count."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from compliance.access import Actor, Role
from compliance.models import DailySnapshot, FleetDay, PolicyVersion, Repository
from compliance.queries.day_sums import day_sums
from compliance.queries.rule_changes import PolicyChange, VersionName, policy_changes
from compliance.queries.trend import repository_trend
from compliance.queries.work_scope import WorkScope
from compliance.services.publish_policies import publish_policies
from scanner.policies import KUBERNETES
from tests.support import rows

pytestmark = pytest.mark.django_db

TODAY = rows.NOW.date()
START = TODAY - timedelta(days=6)
EVERYTHING = WorkScope(Actor(1, Role.SECURITY))


@pytest.fixture
def home() -> list[Repository]:
    registry = rows.registry()
    return [
        Repository.objects.create(registry=registry, policy=registry.policy, name=name, first_seen_at=rows.NOW)
        for name in ("a", "b")
    ]


def day(back: int) -> date:
    return TODAY - timedelta(days=back)


def judged_by(repository: Repository, *versions: PolicyVersion) -> None:
    """One snapshot for each day up to today."""
    for back, version in enumerate(reversed(versions)):
        DailySnapshot.objects.create(
            repository=repository,
            day=day(back),
            policy_version=version,
            evaluated=0,
            passed=0,
            failed=0,
            unknown=0,
            not_applicable=0,
            closed=back > 0,
        )


def versions() -> tuple[PolicyVersion, PolicyVersion, PolicyVersion]:
    first, strict = rows.policy_version(), rows.policy_version("strict")
    publish_policies(rows.NOW, [replace(KUBERNETES, title="Other")])
    return first, PolicyVersion.objects.get(policy__name="kubernetes", number=2), strict


def changes_of_fleet() -> tuple[PolicyChange, ...]:
    return policy_changes({each.day: each.versions for each in day_sums(EVERYTHING, START, today=TODAY)})


def changes_of(repository: Repository) -> list[tuple[str, str]]:
    trend = repository_trend(repository.pk, repository.name, "day", today=TODAY)
    return [(change.label, *map(str, change.versions)) for change in trend.changes]  # type: ignore[misc]  # one each


def test_a_repository_changes_when_its_version_does(home: list[Repository]) -> None:
    one, two, strict = versions()
    judged_by(home[0], one, one, two, two, strict)
    judged_by(home[1], one, one, one, one, one)
    assert changes_of(home[0]) == [(f"{day(2):%d %b}", "kubernetes v2"), (f"{day(0):%d %b}", "strict v1")]
    assert changes_of(home[1]) == []


def test_the_fleet_changes_when_a_version_begins_to_count(home: list[Repository]) -> None:
    one, two, strict = versions()
    judged_by(home[0], one, one, two, two, strict)
    judged_by(home[1], one, one, one, two, two)
    assert changes_of_fleet() == (
        PolicyChange(day(2), (VersionName("kubernetes", 2),)),
        PolicyChange(day(0), (VersionName("strict", 1),)),
    )
    assert set(FleetDay.objects.filter(day=day(2)).values_list("policy_version", flat=True)) == {one.pk, two.pk}


def test_what_happened_today_is_seen_at_once(home: list[Repository]) -> None:
    one, two, _ = versions()
    judged_by(home[0], one, one)
    assert changes_of_fleet() == ()
    DailySnapshot.objects.filter(day=TODAY).update(policy_version=two)
    assert changes_of_fleet() == (PolicyChange(TODAY, (VersionName("kubernetes", 2),)),)


def test_the_first_day_is_no_change(home: list[Repository]) -> None:
    one, _, _ = versions()
    judged_by(home[0], one)
    assert changes_of_fleet() == ()
    assert changes_of(home[1]) == []
