"""The days on which other rules began to count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.core.cache import caches
from django.db.models import QuerySet

from compliance.models import DailySnapshot, PolicyVersion, Repository
from compliance.queries.rule_changes import PolicyChange, VersionName, policy_changes, policy_changes_of
from compliance.services.publish_policies import publish_policies
from scanner.policies import KUBERNETES
from tests.support import rows

pytestmark = pytest.mark.django_db

TODAY = rows.NOW.date()
START = TODAY - timedelta(days=6)


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    caches["process"].clear()
    yield
    caches["process"].clear()


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


def snapshots(repository: Repository) -> QuerySet[DailySnapshot]:
    return DailySnapshot.objects.filter(repository=repository)


def test_a_repository_changes_when_its_version_does(home: list[Repository]) -> None:
    one, two, strict = versions()
    judged_by(home[0], one, one, two, two, strict)
    judged_by(home[1], one, one, one, one, one)
    found = policy_changes_of(snapshots(home[0]), START, today=TODAY)
    assert found == (
        PolicyChange(day(2), (VersionName("kubernetes", 2),)),
        PolicyChange(day(0), (VersionName("strict", 1),)),
    )
    assert policy_changes_of(snapshots(home[1]), START, today=TODAY) == ()


def test_the_fleet_changes_when_a_version_begins_to_count(home: list[Repository]) -> None:
    one, two, strict = versions()
    judged_by(home[0], one, one, two, two, strict)
    judged_by(home[1], one, one, one, two, two)
    found = policy_changes(START, today=TODAY)
    assert found == (
        PolicyChange(day(2), (VersionName("kubernetes", 2),)),
        PolicyChange(day(0), (VersionName("strict", 1),)),
    )
    assert policy_changes(START, today=TODAY) == found


def test_what_happened_today_is_seen_at_once(home: list[Repository]) -> None:
    one, two, _ = versions()
    judged_by(home[0], one, one)
    assert policy_changes(START, today=TODAY) == ()
    DailySnapshot.objects.filter(day=TODAY).update(policy_version=two)
    assert policy_changes(START, today=TODAY) == (PolicyChange(TODAY, (VersionName("kubernetes", 2),)),)


def test_the_first_day_is_no_change(home: list[Repository]) -> None:
    one, _, _ = versions()
    judged_by(home[0], one)
    assert policy_changes(START, today=TODAY) == ()
    assert policy_changes_of(snapshots(home[1]), TODAY, today=TODAY) == ()
