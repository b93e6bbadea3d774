"""Who has to have a second factor, as administrators decided."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from compliance.access import Demand


class DemandChoice(models.TextChoices):
    """``compliance.access.Demand`` as a column."""

    NOBODY = Demand.NOBODY.value, "Nobody: whoever wants one turns it on"
    WORKING = Demand.WORKING.value, "Administrators and security"
    EVERYBODY = Demand.EVERYBODY.value, "Everybody"


class FactorRule(models.Model):
    """The only row is number 1; where there is none, nobody has to."""

    demand = models.CharField(max_length=16, choices=DemandChoice.choices, default=DemandChoice.NOBODY)

    class Meta:
        verbose_name = "who must have a second factor"
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(pk=1), name="factor_rule_is_one_row"),
            models.CheckConstraint(condition=models.Q(demand__in=DemandChoice.values), name="factor_rule_is_known"),
        ]
