"""What the daily snapshots of a scope add up to, day by day: one query.

Everything, or all of some registries, is read from ``FleetDay``, where closed days are summed once and for all; what
belongs to teams is summed from the snapshots, because repositories pass from one team to another and take their past
along.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from compliance.queries.burn_down import scope_sql
from compliance.queries.rule_changes import VersionName
from compliance.queries.work_scope import WorkScope

_COUNTS = ("evaluated", "passed", "failed", "unknown", "waived", "new", "fixed", "regressed", "overdue")
_SUMS = ", ".join(f"sum({name})::int" for name in (*_COUNTS, "scored"))

# A day that is over but not closed yet lacks the repositories nobody scanned; it is left out until it is whole.
_DAYS = f"""
SELECT s.*, p.name, v.number
FROM (
    SELECT day, policy_version_id, {_SUMS}, sum(score_sum)
    FROM (
        SELECT day, policy_version_id, {", ".join(_COUNTS)}, (score IS NOT NULL)::int AS scored, score AS score_sum
        FROM compliance_dailysnapshot
        WHERE day >= %(from)s AND day <= %(today)s AND (closed OR day = %(today)s) {{scope}}
        {{summed}}
    ) days GROUP BY day, policy_version_id
) s
JOIN compliance_policyversion v ON v.id = s.policy_version_id JOIN compliance_policy p ON p.id = v.policy_id
ORDER BY s.day
"""  # noqa: S608  # made of the constants above
_SUMMED = f"""UNION ALL SELECT day, policy_version_id, {", ".join(_COUNTS)}, scored, score_sum FROM compliance_fleetday
        WHERE day >= %(start)s AND day < %(today)s {{registry}}"""  # noqa: S608  # as above
_OF_REGISTRY = "AND registry_id = (SELECT id FROM compliance_registry WHERE slug = %(registry)s)"
_OF_REGISTRIES = "AND registry_id = ANY(%(registries)s)"


_PROTECTED = """
SELECT CASE WHEN count(failed_protected) = count(*) THEN sum(failed_protected)::int END
FROM {days} WHERE day = %(day)s {scope}
"""


@dataclass(frozen=True, slots=True)
class DaySum:
    """One day of all repositories of a scope.

    :param scored: how many have a score; ``scores`` is what these add up to.
    """

    day: date
    evaluated: int
    passed: int
    failed: int
    unknown: int
    waived: int
    new: int
    fixed: int
    regressed: int
    overdue: int
    scored: int
    scores: Decimal
    versions: frozenset[VersionName]

    @property
    def score(self) -> Decimal | None:
        """The mean of the repositories' scores."""
        return self.scores / self.scored if self.scored else None


def day_sums(scope: WorkScope, start: date, *, today: date) -> tuple[DaySum, ...]:
    """The closed days since ``start``, and today as far as it was written, oldest first."""
    within, params = scope_sql(scope.narrowed)
    large = _is_summed(scope)
    summed = _SUMMED.format(registry=_registries(scope)) if large else ""
    sql = _DAYS.format(scope=f"AND repository_id IN ({within})" if within else "", summed=summed)
    values: dict[str, Any] = {
        "start": start,
        "from": today if large else start,
        "today": today,
        **_registry_params(scope),
        **params,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return _joined(
            DaySum(
                day=day,
                **dict(zip((*_COUNTS, "scored"), counts, strict=True)),
                scores=scores or Decimal(0),
                versions=frozenset({VersionName(policy, number)}),
            )
            for day, _, *counts, scores, policy, number in cursor.fetchall()
        )


def protected_on(scope: WorkScope, day: date) -> int | None:
    """How many failing tags were protected at the end of a closed day; ``None`` where that was not kept.

    One day is asked for, so the rows are read: to keep the number in the index of all days would be to build that anew.
    """
    within, params = scope_sql(scope.narrowed)
    if _is_summed(scope):
        sql = _PROTECTED.format(days="compliance_fleetday", scope=_registries(scope))
    else:
        sql = _PROTECTED.format(days="compliance_dailysnapshot", scope=f"AND closed AND repository_id IN ({within})")
    with connection.cursor() as cursor:
        cursor.execute(sql, {"day": day, **_registry_params(scope), **params})
        (found,) = cursor.fetchone() or (None,)
    return None if found is None else int(found)


def _is_summed(scope: WorkScope) -> bool:
    """Whether ``FleetDay`` holds its days: somebody sees all repositories of some registries, or of all."""
    return scope.actor.sees_everything and not scope.team


def _registry_params(scope: WorkScope) -> dict[str, Any]:
    return {"registry": scope.registry, "registries": list(scope.registry_ids or ())}


def _registries(scope: WorkScope) -> str:
    if scope.registry_ids is not None:
        return _OF_REGISTRIES
    return _OF_REGISTRY if scope.registry else ""


def _joined(sums: Iterable[DaySum]) -> tuple[DaySum, ...]:
    """The sums of each policy version put together, day by day."""
    found: dict[date, DaySum] = {}
    for each in sums:
        before = found.get(each.day)
        found[each.day] = _plus(before, each) if before else each
    return tuple(found.values())


def _plus(one: DaySum, other: DaySum) -> DaySum:
    added = {name: getattr(one, name) + getattr(other, name) for name in (*_COUNTS, "scored", "scores")}
    return replace(one, **added, versions=one.versions | other.versions)
