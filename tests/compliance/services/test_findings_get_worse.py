"""A finding whose severity rises while it is there: when it is due then, and whether it is still known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from compliance.models import Finding, FindingSpan, Repository
from compliance.services.save_registry import RegistryValues, save_registry
from compliance.services.save_terms import preview_terms
from compliance.services.set_baseline import set_baseline
from compliance.services.write_findings import sla_terms
from scanner.domain.policy import RuleSetting
from scanner.domain.verdict import Severity
from tests.compliance.services.conftest import NOON, World
from tests.compliance.services.test_reconcile_policies import change_policy
from tests.support.images import File, Stored, image, layer
from tests.support.rows import user

DAY = timedelta(days=1)
CRITICAL, HIGH = Severity.CRITICAL.rank, Severity.HIGH.rank


def remapped(uid: int) -> Stored:
    """An account that a later layer gives another uid."""
    layers = [layer({"etc/passwd": File(f"app:x:{each}:1001::/:/bin/sh\n".encode())}) for each in (1001, uid)]
    return image(layers, user="1001:1001")


MILD, BAD = remapped(1002), remapped(0)


def found() -> Finding:
    return Finding.objects.get(rule="NR202")


@pytest.fixture
def mild(world: World) -> World:
    world.layout.tag("team/app", "1", MILD)
    world.scan()
    assert found().rank == HIGH
    return world


def get_worse(world: World, *, after: timedelta) -> None:
    world.now = NOON + after
    world.layout.tag("team/app", "2", BAD)
    world.scan()
    assert found().rank == CRITICAL


@pytest.mark.parametrize("after", [DAY, 20 * DAY, 200 * DAY], ids=["soon", "late", "when it was overdue"])
def test_the_shorter_term_begins_when_it_gets_worse(mild: World, after: timedelta) -> None:
    terms, had = sla_terms(), found().due_at
    days = terms[CRITICAL, False]
    assert had is not None
    assert days is not None
    get_worse(mild, after=after)
    assert found().due_at == found().spans.get().due_at == min(had, mild.now + days * DAY)
    assert preview_terms(terms, now=mild.now).moves == 0, "its date is the one that the terms say"

    mild.layout.tag("team/app", "2", MILD)
    mild.later(days=1)
    mild.scan()
    assert (found().rank, found().due_at) == (HIGH, had)


@pytest.mark.parametrize("after", [2, 200], ids=["soon", "when it was overdue"])
def test_other_protected_tags_are_the_same(mild: World, after: int) -> None:
    terms, had = sla_terms(), found().due_at
    values = RegistryValues("demo", mild.server.url, "kubernetes", allow_private=True)
    days = terms[HIGH, True]
    assert had is not None
    assert days is not None
    mild.later(days=after)
    for patterns, due in ((("1",), min(had, mild.now + days * DAY)), ((), had)):
        save_registry(replace(values, protected_tags=patterns), now=mild.now, registry=mild.registry)
        assert (found().protected, found().due_at) == (bool(patterns), due)
        assert preview_terms(terms, now=mild.now).moves == 0


def test_a_promise_is_kept_and_the_term_behind_it_is_the_new_one(mild: World) -> None:
    promised = NOON + 99 * DAY
    Finding.objects.update(due_at=promised, due_edited=True)
    FindingSpan.objects.update(due_at=promised)
    get_worse(mild, after=20 * DAY)
    assert found().due_at == promised
    assert found().sla_from > NOON


def test_worse_than_the_baseline_accepted_is_new(mild: World) -> None:
    repository, by = Repository.objects.get(), user("sec", role="security")
    set_baseline(repository.pk, by=by, now=mild.now)
    mild.later(days=300)
    mild.layout.tag("team/app", "1", remapped(1003))
    mild.scan()
    assert found().baseline, "another image, and no worse"

    get_worse(mild, after=400 * DAY)
    days = sla_terms()[CRITICAL, False]
    assert days is not None
    assert (found().baseline, found().due_at) == (False, mild.now + days * DAY)
    assert found().spans.get().due_at == found().due_at
    event = found().events.get(kind="baseline", became="")
    assert (event.was, event.by, event.scan_id is not None) == ("", None, True)
    assert event.text == "It got worse than what was accepted: critical, and high before."
    assert Finding.objects.new_since_baseline().filter(pk=found().pk).exists()

    events = found().events.count()
    mild.later(days=1)
    mild.scan()
    assert found().events.count() == events, "it is told once"


def test_a_policy_makes_nothing_worse(mild: World) -> None:
    set_baseline(Repository.objects.get().pk, by=user("sec", role="security"), now=mild.now)
    mild.later(days=30)
    change_policy(mild, {"NR202": RuleSetting(fails=True, severity=Severity.CRITICAL)})
    assert (found().rank, found().baseline, found().due_at) == (CRITICAL, True, None)
    mild.scan()
    assert found().baseline
