"""Who must have a second factor: stored once, for one of what was shown, and nothing else."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from compliance.access import Demand
from compliance.models import AuditEvent, FactorRule
from compliance.queries.factor_rule import demand_now
from compliance.services.demand_factor import demand_factor

pytestmark = pytest.mark.django_db


def test_nothing_is_demanded_at_first_and_then_what_was_chosen() -> None:
    assert demand_now() is Demand.NOBODY
    assert demand_factor(Demand.WORKING, was=Demand.NOBODY)
    assert demand_now() is Demand.WORKING
    assert not demand_factor(Demand.EVERYBODY, was=Demand.NOBODY), "somebody was quicker"
    assert demand_now() is Demand.WORKING
    assert AuditEvent.objects.filter(kind="factorrule", action="changed").count() == 1


@pytest.mark.parametrize("wrong", [{"pk": 2}, {"pk": 1, "demand": "all"}])
def test_the_database_refuses(wrong: dict[str, object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        FactorRule.objects.create(**wrong)
