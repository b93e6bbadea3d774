"""What Postgres says of histories is what the pure functions say."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count
from threading import Event
from typing import Any
from unittest.mock import patch

import pytest
from django.core.cache import caches
from django.db import connections, transaction
from hypothesis import HealthCheck, example, given, settings

from compliance.access import Actor, Role
from compliance.models import Finding, FindingEvent, Repository
from compliance.queries.burn_down import courses, days_by_team, days_of, history
from compliance.queries.remediation import pace_of, paces_by_team, piles, standing_of
from compliance.queries.remediation_page import remediation_page
from compliance.queries.shelf import shelf_of
from compliance.queries.work_scope import WorkScope
from compliance.remediation.metrics import Day, Pace, Span, burn_down, last_days, pace, standing
from compliance.remediation.status import Resolution
from compliance.services.delete_registry import delete_registry
from compliance.services.protect_findings import protect_findings
from tests.support.remediation import own, team
from tests.support.rows import NOW, fleet
from tests.support.spans import ago, histories, store

pytestmark = pytest.mark.django_db
MONTH = last_days(30, NOW)


@pytest.fixture
def repository() -> Repository:
    """One that a team owns, beside another whose findings count in no test but those of everything."""
    caches["process"].clear()
    mine, other = fleet(2).repositories
    own(team(), [mine])
    store([Span(0, ago(4)), Span(1, ago(9), ago(1))], other)
    return mine


HAND_MADE = [
    Span(0, ago(5), due_at=ago(2.2), waived_at=ago(2)),  # due on the day it was waived
    Span(1, ago(5), ago(2), resolution=Resolution.PROVED, due_at=ago(2.2)),  # and on the day it was fixed
    Span(2, ago(3), due_at=ago(4)),  # due before it was found
    Span(3, ago(3), due_at=NOW),
    Span(4, ago(3), due_at=ago(1)),
    Span(5, ago(29.5), ago(6.5), resolution=Resolution.GONE, due_at=ago(6.5)),  # midnight
    Span(6, ago(3.7), due_at=ago(1.7)),  # evenings, where it is tomorrow further east
    Span(7, ago(5.7), ago(2.7), resolution=Resolution.PROVED),
    Span(8, ago(3.3), due_at=ago(1.3)),  # mornings, where it is yesterday further west
    Span(9, ago(5.3), ago(2.3), resolution=Resolution.POLICY),
    Span(10, ago(5.3), waived_at=ago(2.7)),
    Span(11, ago(8), due_at=ago(-7)),  # the edges of what is soon, and of ages
    Span(12, ago(31)),
    Span(13, ago(91)),
]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(HAND_MADE)
@given(histories())
def test_sql_says_what_the_pure_functions_say(repository: Repository, spans: list[Span]) -> None:
    Finding.objects.filter(repository=repository).delete()
    store(spans, repository)
    scope = Repository.objects.filter(pk=repository.pk)
    found = standing_of(piles(scope, now=NOW))
    assert found == standing(spans, NOW)
    for window in (MONTH, last_days(7, NOW)):
        assert days_of(scope, window, found, now=NOW) == burn_down(spans, window, NOW)
        assert near(pace_of(scope, window), pace(spans, window))


def near(one: Pace, other: Pace) -> bool:
    """The same but for microseconds, which the two round differently."""
    times = [(one.median, other.median), (one.mean, other.mean), (one.p90, other.p90)]
    assert all((a is None) is (b is None) for a, b in times)
    assert all(abs(a - b) < timedelta(milliseconds=1) for a, b in times if a is not None and b is not None)
    return counts(one) == counts(other)


def counts(of: Pace) -> tuple[int, ...]:
    """All that is not a length of time."""
    return of.fixed, of.kept, of.opened, of.reopened, of.dated, of.in_time


def test_teams_add_up_to_everything(repository: Repository) -> None:
    store([Span(7, ago(3)), Span(8, ago(3), waived_at=ago(1))], repository)
    everything = piles(None, now=NOW)
    assert {pile.team for pile in everything} == {repository.team_id, None}
    ours = [pile for pile in everything if pile.team == repository.team_id]
    assert standing_of(ours) == standing_of(piles(Repository.objects.filter(pk=repository.pk), now=NOW))
    assert min(pile.oldest for pile in ours if pile.oldest) == ago(3)


def test_pace_of_each_team(repository: Repository) -> None:
    store([Span(7, ago(5), ago(1), resolution=Resolution.PROVED, due_at=ago(0.5))], repository)
    found = paces_by_team(Repository.objects.all(), MONTH)[repository.team_id]
    assert (found.median, found.sla_hit) == (timedelta(days=4), 1.0)


def test_courses_end_with_today(repository: Repository) -> None:
    store([Span(7, ago(5)), Span(8, ago(25)), Span(9, ago(20), ago(2), resolution=Resolution.POLICY)], repository)
    found = courses({repository.team_id: 2, None: 1}, MONTH)
    assert found[repository.team_id] == (0, 0, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 2)
    assert (found[None][0], found[None][-1]) == (0, 1)


def test_courses_of_some_registries(repository: Repository) -> None:
    crew, (elsewhere,) = repository.team, fleet(1, name="Quay").repositories
    assert crew is not None
    own(crew, [elsewhere])
    store([Span(7, ago(5))], repository)
    store([Span(8, ago(25)), Span(9, ago(20), ago(2), resolution=Resolution.POLICY)], elsewhere)
    found = courses({crew.pk: 1}, MONTH, [elsewhere.registry_id])
    assert found[crew.pk] == (0, 0, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 1)


def test_days_of_teams_are_those_of_each(repository: Repository) -> None:
    store(HAND_MADE, repository)
    homes = {repository.team_id: Repository.objects.filter(team=repository.team_id)}
    homes[None] = Repository.objects.filter(team=None)
    standings = {owner: standing_of(piles(home, now=NOW)) for owner, home in homes.items()}
    found = days_by_team(Repository.objects.all(), MONTH, standings, now=NOW)
    for owner, home in homes.items():
        assert found[owner] == days_of(home, MONTH, standings[owner], now=NOW)
        assert any(day.unfixed for day in found[owner])


def test_what_is_kept_of_some_registries_is_no_other_s(repository: Repository) -> None:
    store([Span(7, ago(5), ago(1), resolution=Resolution.PROVED)], repository)
    elsewhere = fleet(1, name="Quay").repositories[0]
    store([Span(7, ago(3))], elsewhere)
    actor = Actor(1, Role.SECURITY)
    whole = WorkScope(actor)
    scopes = [
        whole,
        replace(whole, registry="harbor", registry_id=repository.registry_id),
        replace(whole, registry="quay", registry_id=elsewhere.registry_id),
        replace(whole, environment="staging", environment_ids=(repository.registry_id, elsewhere.registry_id)),
        replace(whole, environment="production", environment_ids=(elsewhere.registry_id, repository.registry_id)),
        replace(whole, registry="quay", registry_id=elsewhere.registry_id, environment="x", environment_ids=()),
    ]
    for _ in range(2):
        said = [
            history(each.narrowed, MONTH, piles(each.narrowed, now=NOW), now=NOW, shelf=shelf_of(each.kept_as))[
                0
            ].opened
            for each in scopes
        ]
        assert said == [4, 3, 1, 4, 4, 0]
    assert len({each.kept_as for each in scopes}) == 5  # an environment is its registries, whatever it is called
    lead = WorkScope(Actor(2, Role.MEMBER))
    for each in (replace(whole, team="payments", team_id=1), replace(whole, registry="gone"), lead):
        assert each.kept_as == ""


def test_somebody_without_a_team_sees_nothing(repository: Repository) -> None:
    nothing = Repository.objects.filter(team__in=[])
    found = standing_of(piles(nothing, now=NOW))
    assert found.open == found.waived == 0
    assert pace_of(nothing, MONTH) == Pace()
    assert not any(day.unfixed or day.opened for day in days_of(nothing, MONTH, found, now=NOW))


def test_what_is_kept_of_everything_is_forgotten_when_a_finding_changes(repository: Repository) -> None:
    before = everything()
    assert everything() == before
    store([Span(7, ago(0.1)), Span(8, ago(3), ago(0.01), resolution=Resolution.PROVED)], repository)
    pace_now, days = everything()
    assert pace_now.opened == before[0].opened + 2
    assert days[-1].fixed == before[1][-1].fixed + 1
    Finding.objects.filter(repository=repository, status="open").update(status="false_positive", changed_at=NOW)
    assert everything()[0].opened == before[0].opened + 1


def by_a_slow_clock(repository: Repository) -> None:
    finding = Finding.objects.filter(repository=repository).earliest("pk")
    FindingEvent.objects.create(finding=finding, at=ago(400), kind="due")


@pytest.mark.parametrize(
    "happens",
    [
        lambda fixed: Repository.objects.filter(pk=fixed.pk).update(team=None),
        lambda fixed: delete_registry(fixed.registry, by=None),
        lambda fixed: store([Span(8, ago(200), ago(190), resolution=Resolution.GONE)], fixed),
        lambda fixed: Finding.objects.filter(repository=fixed).update(changed_at=NOW),
        by_a_slow_clock,
    ],
    ids=["given away", "deleted", "an old episode", "a finding written", "one written by a slow clock"],
)
def test_what_is_kept_is_made_again(repository: Repository, happens: Callable[[Repository], object]) -> None:
    store([Span(7, ago(5), ago(1), resolution=Resolution.PROVED)], repository)
    numbers = count()
    make = partial(next, numbers)
    assert [shelf_of("all").kept("something", MONTH, make) for _ in range(2)] == [0, 0]
    happens(repository)
    assert [shelf_of("all").kept("something", MONTH, make) for _ in range(2)] == [1, 1]


def test_what_is_written_while_a_page_is_read_is_on_the_next(repository: Repository) -> None:
    def piles_and_a_write(*args: Any, **kwargs: Any) -> Any:
        found = piles(*args, **kwargs)
        store([Span(7, ago(2))], repository)
        return found

    actor = Actor(1, Role.SECURITY)
    with patch("compliance.queries.remediation_page.piles", piles_and_a_write):
        remediation_page({}, actor, now=NOW)
    found = remediation_page({}, actor, now=NOW).numbers.trends.days
    caches["process"].clear()
    assert found == remediation_page({}, actor, now=NOW).numbers.trends.days


@pytest.mark.django_db(transaction=True)
def test_what_was_begun_before_the_last_change_and_ends_after_it_is_counted(repository: Repository) -> None:
    store([Span(7, ago(5))], repository)
    finding = Finding.objects.filter(repository=repository).earliest("pk")
    written, go_on = Event(), Event()

    def write_slowly() -> None:
        try:
            with transaction.atomic():
                FindingEvent.objects.create(finding=finding, at=ago(2), kind="due")
                written.set()
                assert go_on.wait(60)
        finally:
            connections.close_all()

    make = partial(next, count())
    with ThreadPoolExecutor(1) as another:
        writing = another.submit(write_slowly)
        assert written.wait(60)
        FindingEvent.objects.create(finding=finding, at=ago(1), kind="due")
        assert shelf_of("all").kept("something", MONTH, make) == 0
        go_on.set()
        writing.result(60)
    assert [shelf_of("all").kept("something", MONTH, make) for _ in range(2)] == [1, 1]


def test_what_is_kept_is_made_again_where_protected_tags_move_due_dates(repository: Repository) -> None:
    store([Span(7, ago(5), due_at=ago(1))], repository)
    Finding.objects.update(protected=True)
    make = partial(next, count())
    assert shelf_of("all").kept("something", MONTH, make) == 0
    assert protect_findings(repository.registry, now=NOW)
    assert shelf_of("all").kept("something", MONTH, make) == 1


def test_what_falls_due_meanwhile_is_late(repository: Repository) -> None:
    store([Span(7, ago(3), due_at=NOW + timedelta(minutes=5))], repository)
    late = everything()[1][-1].late
    later = NOW + timedelta(minutes=10)
    found = history(None, MONTH, piles(None, now=later), now=later, shelf=shelf_of("all"))[1]
    assert found[-1].late == late + 1


def everything() -> tuple[Pace, tuple[Day, ...]]:
    """Pace and days of all findings."""
    return history(None, MONTH, piles(None, now=NOW), now=NOW, shelf=shelf_of("all"))
