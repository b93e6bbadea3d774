"""How many tags violate a rule, counted by either way."""

from __future__ import annotations

import pytest

from compliance.access import Actor, Role
from compliance.models import Repository, Tag
from compliance.queries.violations import Violations, count_in_most, count_violations
from tests.support.rows import NOW, fleet, policy_version

RULES = ["NR101", "NR103", "NR301"]


@pytest.mark.django_db
@pytest.mark.parametrize("most", [1, 3, 100])
def test_both_ways_count_the_same(most: int) -> None:
    made = fleet(4)
    other = policy_version("strict").policy
    of_other, gone, *counting = made.repositories
    Repository.objects.filter(pk=of_other.pk).update(policy=other)
    Repository.objects.filter(pk=gone.pk).update(deleted_at=NOW)
    Tag.objects.update(violated=["NR301"])
    Tag.objects.filter(repository=of_other).update(violated=["NR103", "NR301"])
    first, *_ = Tag.objects.filter(repository=counting[0]).order_by("pk")
    Tag.objects.filter(pk=first.pk).update(violated=["NR101", "NR301"], deleted_at=NOW)
    kept = Tag.objects.filter(repository__in=counting, deleted_at=None)
    policy = counting[0].policy_id
    assert policy is not None

    found = count_in_most(RULES, policy, most=most)
    assert found == count_violations(RULES, Actor(1, Role.ADMIN), policy, most=most)
    assert found["NR301"] == Violations(min(kept.count(), most), kept.count() > most)
    assert (found["NR101"], found["NR103"]) == (Violations(0), Violations(0))
    if most == 100:
        assert count_in_most(RULES, other.pk)["NR103"].count == Tag.objects.filter(repository=of_other).count()
