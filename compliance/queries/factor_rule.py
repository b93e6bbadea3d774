"""Of whom a second factor is demanded, and who has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, OuterRef, Q

from compliance.access import DEMANDED_OF, Demand, Role
from compliance.models import AuditAction, AuditEvent, FactorRule, RoleChoice, User


@dataclass(frozen=True, slots=True)
class RoleCount:
    """Those of one role who may log in.

    :param without: how many of them have no second factor.
    """

    role: Role
    label: str
    people: int
    without: int


@dataclass(frozen=True, slots=True)
class FactorPage:
    """The page; ``since`` and ``by``: who decided, where somebody has."""

    demand: Demand
    roles: Sequence[RoleCount]
    since: datetime | None
    by: str


def has_factor(person: str = "pk") -> Exists:
    """Whether somebody has a second factor; recovery codes alone are none.

    :param person: the column that says who.
    """
    rows = Authenticator.objects.filter(user=OuterRef(person))
    return Exists(rows.exclude(type=Authenticator.Type.RECOVERY_CODES))


def lacks_factor(person: str = "pk", role: str = "role") -> ExpressionWrapper[Q]:
    """Whether one is demanded of somebody who has none: a part of the query that reads the person anyway."""
    demanded = Q()
    for demand, roles in DEMANDED_OF.items():
        demanded |= Q(Exists(FactorRule.objects.filter(demand=demand))) & Q(**{f"{role}__in": sorted(roles)})
    return ExpressionWrapper(demanded & ~Q(has_factor(person)), output_field=BooleanField())


def demand_now() -> Demand:
    """What counts."""
    return Demand(FactorRule.objects.filter(pk=1).values_list("demand", flat=True).first() or Demand.NOBODY)


def is_demanded_of(person: User) -> bool:
    """Whether somebody must have one."""
    return Role(person.role) in DEMANDED_OF[demand_now()]


def factor_page() -> FactorPage:
    """Three queries, however many people there are."""
    counts = User.objects.filter(is_active=True).order_by().values("role")
    counted = counts.annotate(people=Count("pk"), without=Count("pk", filter=~has_factor()))
    found = {row["role"]: (row["people"], row["without"]) for row in counted}
    last = AuditEvent.objects.filter(kind="factorrule", object="1", action=AuditAction.CHANGED).order_by("-pk").first()
    roles = [
        RoleCount(Role(choice), str(choice.label).partition(":")[0], *found.get(str(choice), (0, 0)))
        for choice in reversed(RoleChoice)
    ]
    return FactorPage(demand_now(), roles, last.at if last else None, last.actor_name if last else "")
