"""Keep the team of every repository in step with the rules of ownership.

Whoever makes repositories or changes rules holds one lock, so that no row is made by rules that have just gone. Whoever
changes a repository's labels holds its row instead, and that is what changed rules wait for: nobody asks for the lock
while holding a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import connection, transaction

from compliance.models import OwnershipRule, Registry, Repository
from compliance.models.bulk import update_rows
from compliance.policy.ownership import OwnershipRule as Rule
from compliance.policy.ownership import deciding_rule

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


def assign_owner(repository: Repository) -> None:
    """Write who owns a repository whose labels changed; the caller holds its row."""
    if repository.team_pinned:
        return
    rule = deciding_rule(repository.name, repository.registry_id, repository.labels, ownership_rules())
    Repository.objects.filter(pk=repository.pk).update(**_columns(rule))


def assign_owners() -> int:
    """Write who owns repositories by the rules, except where a person said who does; return how many changed."""
    with transaction.atomic():
        lock_ownership()
        rules = ownership_rules()
        changed = []
        for pk, registry, name, labels, *owner in _unpinned():
            rule = deciding_rule(name, registry, labels, rules)
            columns = _columns(rule)
            if list(columns.values()) != owner:
                changed.append(Repository(pk=pk, **columns))
        update_rows(changed, _COLUMNS)
    return len(changed)


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
