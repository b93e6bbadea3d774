"""Make a second factor compulsory, or no more."""

from __future__ import annotations

from django.db import transaction

from compliance.access import Demand
from compliance.models import FactorRule


def demand_factor(wanted: Demand, *, was: Demand) -> bool:
    """Store who must have one; return whether it was ``was`` until now, and nothing is stored where it was not.

    It counts from the next request of everybody. Nobody's session ends: who has none is led to set it up.
    """
    with transaction.atomic():
        FactorRule.objects.bulk_create([FactorRule(pk=1)], ignore_conflicts=True)
        row = FactorRule.objects.select_for_update().get(pk=1)
        if row.demand != was:
            return False
        row.demand = wanted.value
        row.save()
    return True
