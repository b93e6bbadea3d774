"""Change the rules of ownership; who owns what follows in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from compliance.models import OwnershipRule, Registry, Repository, Team, User
from compliance.policy.ownership import parse_rule
from compliance.services.assign_owners import assign_owners, hold_repositories, lock_ownership


def add_rule(
    team: Team,
    pattern: str,
    *,
    registry: Registry | None = None,
    label: str = "",
    by: User | None = None,
    now: datetime,
) -> OwnershipRule:
    """Give a team the repositories that fit; the new rule is the last one, so it counts before all others.

    :raises InvalidPattern: when nothing can fit it.
    """
    parse_rule(label, pattern)
    with transaction.atomic():
        lock_ownership()
        last = OwnershipRule.objects.order_by("-position").values_list("position", flat=True).first()
        position = 0 if last is None else last + 1
        row = OwnershipRule.objects.create(
            position=position, team=team, pattern=pattern, registry=registry, label=label
        )
        assign_owners(now=now, by=by)
    return row


def remove_rule(rule: OwnershipRule, *, now: datetime, by: User | None = None) -> None:
    """Take a rule away; what it decided falls to the rules above it, or to nobody."""
    with transaction.atomic():
        lock_ownership()
        # Before the rule: a scan that gives a repository to its team holds that and waits for the rule then.
        hold_repositories(Repository.objects.filter(team_pinned=False))
        rule.delete()
        assign_owners(now=now, by=by)


def move_rule(rule: OwnershipRule, places: int, *, now: datetime, by: User | None = None) -> None:
    """Put a rule up (negative) or down; lower ones count before higher ones."""
    with transaction.atomic():
        lock_ownership()
        ids = list(OwnershipRule.objects.order_by("position", "pk").values_list("pk", flat=True))
        if rule.pk not in ids:
            return
        at = ids.index(rule.pk)
        ids.insert(max(0, at + places), ids.pop(at))
        _order(ids)
        assign_owners(now=now, by=by)


def _order(ids: Sequence[int]) -> None:
    rows = OwnershipRule.objects.in_bulk(ids)
    for position, pk in enumerate(ids):
        rows[pk].position = position
    OwnershipRule.objects.bulk_update(rows.values(), ["position"], batch_size=500)
