"""Keep the team of every repository in step with the rules of ownership.

Whoever makes repositories or changes rules holds one lock, so that no row is made by rules that have just gone. Whoever
changes a repository's labels holds its row instead, and that is what changed rules wait for: nobody asks for the lock
while holding a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import connection, transaction

from compliance.models import Finding, OwnershipRule, Registry, Repository, User, Waiver
from compliance.models.bulk import among, update_rows
from compliance.models.repository import RepositoryQuerySet
from compliance.policy.ownership import OwnershipRule as Rule
from compliance.policy.ownership import deciding_rule
from compliance.services.apply_waivers import apply_and_count

_LOCK = 7_021_004
_COLUMNS = ("team", "team_rule")


def lock_ownership() -> None:
    """Until the caller's transaction ends nobody else changes rules, makes repositories or gives them away."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def owner_columns(registry: Registry, names: Iterable[str]) -> dict[str, dict[str, int | None]]:
    """The columns of new repositories of a registry that say who owns them, by their names.

    The caller's transaction then holds the lock: nobody changes a rule before the new rows are there.
    """
    lock_ownership()
    rules = ownership_rules()
    return {name: _columns(deciding_rule(name, registry.pk, {}, rules)) for name in names}


def assign_owner(repository: Repository, *, now: datetime) -> None:
    """Write who owns a repository whose labels changed; the caller holds its row."""
    if repository.team_pinned:
        return
    before = repository.team_id
    rule = deciding_rule(repository.name, repository.registry_id, repository.labels, ownership_rules())
    for name, value in _columns(rule).items():
        setattr(repository, name, value)
    repository.save(update_fields=_COLUMNS)
    if repository.team_id != before:
        let_waivers_follow([repository.pk], now=now)


def assign_owners(*, now: datetime, by: User | None = None) -> int:
    """Write who owns repositories by the rules, except where a person said who does; return how many changed."""
    with transaction.atomic():
        lock_ownership()
        rules = ownership_rules()
        changed, moved = [], []
        for pk, registry, name, labels, *owner in _unpinned():
            columns = _columns(deciding_rule(name, registry, labels, rules))
            if list(columns.values()) != owner:
                changed.append(Repository(pk=pk, **columns))
                moved += [pk] if columns["team_id"] != owner[0] else []
        update_rows(changed, _COLUMNS)
        let_waivers_follow(moved, now=now, by=by)
    return len(changed)


def let_waivers_follow(repository_ids: Sequence[int], *, now: datetime, by: User | None = None) -> None:
    """Hold the findings of repositories that have another team now against waivers that are for one team."""
    rules = Waiver.objects.filter(team__isnull=False, reopened_at=None).order_by().values_list("rule", flat=True)
    if not repository_ids or not (concerned := set(rules)):
        return
    findings = Finding.objects.filter(repository__in=repository_ids, rule__in=concerned).exclude(status="fixed")
    if ids := list(findings.order_by("pk").values_list("pk", flat=True)):
        apply_and_count(ids, now=now, by=by)


def hold_repositories(rows: RepositoryQuerySet) -> list[int]:
    """Lock rows in the order in which others take many of them; return the ids of those that are still meant then."""
    return list(rows.filter(among("pk", lock_repositories(rows))).values_list("pk", flat=True))


def lock_repositories(rows: RepositoryQuerySet) -> list[int]:
    """The same without another look at which are meant."""
    found = Repository.objects.filter(pk__in=rows.order_by().values("pk")).order_by("pk")
    return list(found.select_for_update(no_key=True).values_list("pk", flat=True))


def ownership_rules() -> list[Rule]:
    """The rules in their order."""
    rows = OwnershipRule.objects.order_by("position", "pk")
    return [Rule(*row) for row in rows.values_list("pk", "team_id", "pattern", "registry_id", "label")]


def _columns(rule: Rule | None) -> dict[str, int | None]:
    return {"team_id": rule.team if rule else None, "team_rule_id": rule.id if rule else None}


def _unpinned() -> Iterable[tuple[int, int, str, Mapping[str, str], int | None, int | None]]:
    # In the order in which others take many of these rows. What a scan writes at this moment is waited for, and read
    # as it is then.
    rows = Repository.objects.filter(team_pinned=False).order_by("pk").select_for_update(no_key=True)
    return rows.values_list("pk", "registry_id", "name", "labels", "team_id", "team_rule_id")
