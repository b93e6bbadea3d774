"""Policies: the list, one policy with what it makes of every rule, how far judging again has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from compliance.access import Actor
from compliance.models import ACTIVE, Policy, PolicyVersion, Rejudging, Repository, State
from compliance.policy.document import read_policy, settings_of
from compliance.queries.filters import registries_for
from compliance.queries.rules import fails_on
from compliance.queries.violations import MOST_OF_EACH, Violations, count_in_most, count_violations
from scanner.domain.policy import Policy as PolicyValue
from scanner.domain.rule import Category, Rule
from scanner.rulebook import RULES

_OWNERS = ("current__author", "rejudging__version")


@dataclass(frozen=True, slots=True)
class Progress:
    """A policy's repositories that are being judged again; ``changed`` counts tags with another verdict."""

    policy: str
    version: int
    active: bool
    started: bool
    total: int
    done: int
    changed: int
    requested_at: datetime
    finished_at: datetime | None

    @property
    def key(self) -> str:
        """Equal while a poll would bring nothing new."""
        return f"{self.version}-{int(self.active)}{int(self.started)}-{self.done}-{self.total}-{self.changed}"


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A policy in its current version; ``fails`` are ids of rules by category."""

    id: int
    name: str
    title: str
    version: int
    since: datetime
    author: str
    note: str
    edited: bool
    repositories: int
    registries: int
    fails_at: str
    fails: tuple[tuple[Category, tuple[str, ...]], ...]
    progress: Progress | None


@dataclass(frozen=True, slots=True)
class RuleSettingRow:
    """What a policy makes of one rule.

    :param by_severity: it fails only because everything of its severity does.
    :param counts: whether a violation costs points.
    """

    rule: Rule
    enabled: bool
    fails: bool
    by_severity: bool
    counts: bool
    severity: str
    own_severity: bool
    threshold: int | None
    own_threshold: bool
    violations: Violations | None = None


@dataclass(frozen=True, slots=True)
class SettingGroup:
    """The rules of one category."""

    category: Category
    rows: tuple[RuleSettingRow, ...]


@dataclass(frozen=True, slots=True)
class PolicyPage:
    """One policy.

    :param registries: slug and name of those it is the default of.
    :param offered: the number of a release's version that does not count, because people have chosen otherwise.
    """

    row: PolicyRow
    groups: tuple[SettingGroup, ...]
    registries: tuple[tuple[str, str], ...]
    offered: int | None


def list_policies(actor: Actor) -> tuple[PolicyRow, ...]:
    """Every policy in its current version; only what somebody may see is counted."""
    rows = Policy.objects.exclude(current=None).select_related(*_OWNERS).order_by("name")
    seen = Repository.objects.listed().for_user(actor)
    judged = dict(seen.order_by().values_list("policy").annotate(Count("pk")))
    registries = dict(registries_for(actor).order_by().values_list("policy").annotate(Count("pk")))
    return tuple(_row(row, judged.get(row.pk, 0), registries.get(row.pk, 0), actor) for row in rows)


def policy_page(row: Policy, actor: Actor) -> PolicyPage:
    """A policy that ``find_policy`` found, with what it makes of every rule."""
    version = current_of(row)
    registries = tuple(registries_for(actor).filter(policy=row).values_list("slug", "name"))
    judged = Count("pk", filter=Q(policy=row))
    numbers = Repository.objects.listed().for_user(actor).aggregate(all=Count("pk"), judged=judged)
    most_of_all = actor.sees_everything and numbers["judged"] > numbers["all"] / 2
    rules = [rule.id for rule in RULES]
    if most_of_all:
        counts = count_in_most(rules, row.pk, most=MOST_OF_EACH)
    else:
        counts = count_violations(rules, actor, row.pk, most=MOST_OF_EACH)
    return PolicyPage(
        _row(row, numbers["judged"], len(registries), actor),
        setting_groups(read_policy(version.document), counts),
        registries,
        _offered(row, version),
    )


def policy_progress(name: str, actor: Actor) -> Progress | None:
    """How far judging again has come; ``None`` where nothing was ever judged again, or there is no such policy.

    It counts repositories of every team, so only who sees everything is told.
    """
    if not actor.sees_everything:
        return None
    row = Rejudging.objects.filter(policy__name=name).select_related("policy", "version").first()
    return None if row is None else _progress(row, name)


def find_policy(name: str) -> Policy | None:
    """A policy that has a version, with it."""
    return Policy.objects.exclude(current=None).select_related(*_OWNERS).filter(name=name).first()


def current_of(row: Policy) -> PolicyVersion:
    """The current version of what ``find_policy`` found."""
    if row.current is None:
        raise ValueError(f"{row} has no version")
    return row.current


def setting_groups(policy: PolicyValue, counts: Mapping[str, Violations] | None = None) -> tuple[SettingGroup, ...]:
    """Every rule under a policy, by category."""
    groups = ((category, [rule for rule in RULES if rule.category is category]) for category in Category)
    return tuple(
        SettingGroup(category, tuple(_setting(policy, rule, (counts or {}).get(rule.id)) for rule in rules))
        for category, rules in groups
        if rules
    )


def _setting(policy: PolicyValue, rule: Rule, violations: Violations | None) -> RuleSettingRow:
    setting = policy.setting(rule.id)
    fails = fails_on(policy, rule)
    severity = setting.severity or rule.severity
    threshold = rule.threshold if setting.threshold is None else setting.threshold
    return RuleSettingRow(
        rule=rule,
        enabled=setting.enabled,
        fails=fails,
        by_severity=fails and not setting.fails,
        counts=severity.weight > 0,
        severity=str(severity),
        own_severity=severity is rule.severity,
        threshold=threshold,
        own_threshold=threshold == rule.threshold,
        violations=violations if setting.enabled else None,
    )


def _row(row: Policy, repositories: int, registries: int, actor: Actor) -> PolicyRow:
    version = current_of(row)
    policy = read_policy(version.document)
    fails = ((c, tuple(r.id for r in RULES if r.category is c and fails_on(policy, r))) for c in Category)
    return PolicyRow(
        id=row.pk,
        name=row.name,
        title=row.title,
        version=version.number,
        since=version.created_at,
        author=author_of(version),
        note=version.note,
        edited=version.edited,
        repositories=repositories,
        registries=registries,
        fails_at=str(policy.fails_at or ""),
        fails=tuple((category, rules) for category, rules in fails if rules),
        progress=_progress(row.rejudging, row.name) if actor.sees_everything and hasattr(row, "rejudging") else None,
    )


def author_of(version: PolicyVersion) -> str:
    """Who made a version, in words; empty where nobody is known."""
    if version.author is not None:
        return str(version.author.get_username())
    return "" if version.edited else "a\N{NO-BREAK SPACE}release"


def _progress(row: Rejudging, name: str) -> Progress:
    return Progress(
        policy=name,
        version=row.version.number,
        active=row.state in ACTIVE,
        started=row.state != State.QUEUED,
        total=row.total,
        done=row.done,
        changed=row.changed,
        requested_at=row.requested_at,
        finished_at=row.finished_at,
    )


def _offered(row: Policy, current: PolicyVersion) -> int | None:
    """A release's own settings that people's stand in the way of."""
    if not current.edited:
        return None
    shipped = PolicyVersion.objects.filter(policy=row, edited=False).order_by("-number").first()
    if shipped is None or _same(shipped.document, current.document):
        return None
    return shipped.number


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return settings_of(one) == settings_of(other)
