"""Change what groups of single sign-on give; it counts when somebody logs in by it the next time."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from compliance.models import GroupGrant, GroupRoleChoice, Team


class GrantThere(Exception):
    """The group gives something in that team already, or everywhere."""


def save_grant(row: GroupGrant | None, group: str, team: Team | None, role: GroupRoleChoice) -> GroupGrant:
    """Add a row, or change one.

    :raises GrantThere: for what another row says already, in whatever way.
    """
    grant = row or GroupGrant()
    grant.group, grant.team, grant.role = group, team, role.value
    try:
        with transaction.atomic():
            grant.save()
    except IntegrityError as error:
        raise GrantThere from error
    return grant


def remove_grant(row: GroupGrant) -> None:
    """Take a row away."""
    row.delete()
