"""What somebody's groups give them, beside what people gave them: decided over values.

What a person gave is never touched. What the map gave follows the groups: added, changed and taken away with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from compliance.access import Role, TeamRole

_TEAM_RANK: Final = {role: rank for rank, role in enumerate(TeamRole)}
_RANK: Final = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True)
class Grant:
    """One row of the map: a role in a team, or one that counts everywhere."""

    group: str
    team: int | None
    role: TeamRole | Role


@dataclass(frozen=True, slots=True)
class Held:
    """A role that somebody has.

    :param group: which group gave it; empty: a person did.
    """

    role: TeamRole | Role
    group: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """What is to be written: memberships by their team, those that end, and the role where it differs."""

    members: Mapping[int, Held] = field(default_factory=dict)
    ended: frozenset[int] = frozenset()
    role: Held | None = None


def bring_in_line(grants: Iterable[Grant], teams: Mapping[int, Held], role: Held) -> Turn:
    """What differs between what somebody has and what their groups give.

    :param grants: of the groups they are in.
    :param teams: their memberships.
    :param role: the one that counts everywhere; member is what everybody has whom nobody gave anything.
    """
    given: dict[int, Held] = {}
    everywhere = Held(Role.MEMBER)
    for grant in sorted(grants, key=lambda each: each.group):
        if isinstance(grant.role, Role):
            if _RANK[grant.role] > _rank(everywhere):
                everywhere = Held(grant.role, grant.group)
        elif grant.team is not None and (grant.team not in given or _TEAM_RANK[grant.role] > _rank(given[grant.team])):
            given[grant.team] = Held(grant.role, grant.group)
    mapped = {team for team, held in teams.items() if held.group}
    kept = teams.keys() - mapped
    is_by_hand = not role.group and role.role is not Role.MEMBER
    return Turn(
        {team: held for team, held in given.items() if team not in kept and teams.get(team) != held},
        frozenset(mapped - given.keys()),
        None if is_by_hand or role == everywhere else everywhere,
    )


def _rank(held: Held) -> int:
    return _RANK[held.role] if isinstance(held.role, Role) else _TEAM_RANK[held.role]
