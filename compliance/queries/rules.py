"""Rules and policies, read-only: what the rulebook says and how many tags violate it now."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Count

from compliance.models import Policy, PolicyVersion
from compliance.policy.document import read_policy
from compliance.queries.tags import MOST_COUNTED
from scanner.domain.policy import Policy as PolicyValue
from scanner.domain.rule import Rule
from scanner.judge import counts_against
from scanner.rulebook import RULES

# Counted no further than needed to say "more than", which the ORM cannot do in one query. The rule stands in each part
# as a constant: only then does Postgres know whether it is common (read on until enough) or rare (use the index).
_COUNT = """
(SELECT %s, (SELECT count(*) FROM (
  SELECT 1 FROM compliance_tag tag JOIN compliance_repository repository ON repository.id = tag.repository_id
  WHERE tag.deleted_at IS NULL AND repository.deleted_at IS NULL AND tag.violated @> %s::jsonb LIMIT %s
) AS found))
"""


@dataclass(frozen=True, slots=True)
class Violations:
    """How many tags violate a rule, counted no further than ``MOST_COUNTED``."""

    count: int
    capped: bool = False


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule and how many tags violate it."""

    rule: Rule
    violations: Violations


@dataclass(frozen=True, slots=True)
class Treatment:
    """What one policy does with one rule."""

    policy: str
    title: str
    enabled: bool
    fails: bool
    severity: str
    threshold: int | None


@dataclass(frozen=True, slots=True)
class RulePage:
    """A rule, how many tags violate it, what each policy makes of it."""

    rule: Rule
    violations: Violations
    treatments: tuple[Treatment, ...]


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A policy in its current version."""

    name: str
    title: str
    version: int
    since: datetime
    registries: int
    fails_at: str
    fails: tuple[str, ...]


def list_rules() -> tuple[RuleRow, ...]:
    """Every rule in the order of the rulebook, counted with one query."""
    counts = _violations(tuple(rule.id for rule in RULES))
    return tuple(RuleRow(rule, counts[rule.id]) for rule in RULES)


def rule_page(rule_id: str) -> RulePage | None:
    """One rule, or ``None``."""
    rule = next((rule for rule in RULES if rule.id == rule_id), None)
    if rule is None:
        return None
    return RulePage(rule, _violations((rule.id,))[rule.id], tuple(_treatment(rule, p) for p in _current()))


def list_policies() -> tuple[PolicyRow, ...]:
    """Every policy in its current version."""
    rows = (
        Policy.objects.exclude(current=None)
        .select_related("current")
        .annotate(used=Count("registries"))
        .order_by("name")
    )
    return tuple(_policy_row(row, row.used) for row in rows)


def _policy_row(row: Policy, used: int) -> PolicyRow:
    version: PolicyVersion = row.current  # type: ignore[assignment]  # the caller left out policies without one
    policy = read_policy(version.document)
    fails = tuple(rule.id for rule in RULES if _fails(policy, rule))
    return PolicyRow(
        row.name, row.title, version.number, version.created_at, used, str(policy.fails_at or ""), fails
    )  # fmt: skip


def _violations(rules: tuple[str, ...]) -> dict[str, Violations]:
    with connection.cursor() as cursor:
        values = [value for rule in rules for value in (rule, json.dumps([rule]), MOST_COUNTED + 1)]
        cursor.execute(" UNION ALL ".join([_COUNT] * len(rules)), values)
        return {rule: Violations(min(count, MOST_COUNTED), count > MOST_COUNTED) for rule, count in cursor.fetchall()}


def _current() -> list[PolicyValue]:
    versions = PolicyVersion.objects.exclude(current_of=None).order_by("policy__name")
    return [read_policy(version.document) for version in versions]


def _treatment(rule: Rule, policy: PolicyValue) -> Treatment:
    setting = policy.setting(rule.id)
    return Treatment(
        policy.name,
        policy.title,
        setting.enabled,
        _fails(policy, rule),
        str(setting.severity or rule.severity),
        setting.threshold if setting.threshold is not None else rule.threshold,
    )


def _fails(policy: PolicyValue, rule: Rule) -> bool:
    return counts_against(policy, rule, policy.setting(rule.id).severity or rule.severity)
