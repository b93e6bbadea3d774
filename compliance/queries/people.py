"""Whom a finding may be given to, and what somebody may still undo."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models import Q

from compliance.access import Role
from compliance.models import BulkChange, User
from compliance.remediation.change import LASTING

MOST_PEOPLE: Final = 10


def people_for(team_id: int | None, typed: str) -> tuple[str, ...]:
    """The first user names that begin with, or contain, a text, of those who may see a team's repositories."""
    everything = ~Q(role=Role.MEMBER)
    rows = User.objects.filter(is_active=True).filter(
        everything if team_id is None else everything | Q(memberships__team=team_id)
    )
    if typed:
        rows = rows.filter(username__icontains=typed)
    return tuple(rows.order_by("username").distinct().values_list("username", flat=True)[:MOST_PEOPLE])


def undoable(bulk_id: int, by: User, since: datetime) -> BulkChange | None:
    """A change of somebody's that they can still take back."""
    rows = BulkChange.objects.filter(pk=bulk_id, by=by, at__gte=since, undone_at=None, count__gt=0)
    return rows.exclude(action__in=LASTING).first()
