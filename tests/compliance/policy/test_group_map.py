"""What groups give, beside what people gave."""

from __future__ import annotations

import pytest

from compliance.access import Role, TeamRole
from compliance.policy.group_map import Grant, Held, Turn, bring_in_line

VIEWER, TRIAGER, LEAD = TeamRole
MEMBER, AUDITOR, SECURITY, ADMIN = Role
NONE = Held(MEMBER)


def grant(group: str, role: TeamRole | Role, team: int | None = None) -> Grant:
    return Grant(group, team, role)


@pytest.mark.parametrize(
    ("grants", "teams", "role", "turn"),
    [
        ((), {}, NONE, Turn()),
        # Memberships: added, left, changed, removed.
        ((grant("a", LEAD, 1),), {}, NONE, Turn({1: Held(LEAD, "a")})),
        ((grant("a", LEAD, 1),), {1: Held(LEAD, "a")}, NONE, Turn()),
        ((grant("a", VIEWER, 1),), {1: Held(LEAD, "a")}, NONE, Turn({1: Held(VIEWER, "a")})),
        ((grant("b", LEAD, 1),), {1: Held(LEAD, "a")}, NONE, Turn({1: Held(LEAD, "b")})),
        ((), {1: Held(LEAD, "a")}, NONE, Turn({}, frozenset({1}))),
        ((grant("a", LEAD, 2),), {1: Held(LEAD, "a")}, NONE, Turn({2: Held(LEAD, "a")}, frozenset({1}))),
        # By hand: never touched, neither up nor down nor away.
        ((grant("a", LEAD, 1),), {1: Held(VIEWER)}, NONE, Turn()),
        ((grant("a", VIEWER, 1),), {1: Held(LEAD)}, NONE, Turn()),
        ((), {1: Held(LEAD)}, NONE, Turn()),
        # Of several groups the highest role, and of equal ones the first group.
        ((grant("b", LEAD, 1), grant("a", VIEWER, 1)), {}, NONE, Turn({1: Held(LEAD, "b")})),
        ((grant("a", VIEWER, 1), grant("b", LEAD, 1)), {}, NONE, Turn({1: Held(LEAD, "b")})),
        ((grant("b", TRIAGER, 1), grant("a", TRIAGER, 1)), {}, NONE, Turn({1: Held(TRIAGER, "a")})),
        # The role that counts everywhere.
        ((grant("a", ADMIN),), {}, NONE, Turn(role=Held(ADMIN, "a"))),
        ((grant("a", AUDITOR), grant("b", SECURITY)), {}, NONE, Turn(role=Held(SECURITY, "b"))),
        ((grant("a", SECURITY), grant("b", AUDITOR)), {}, NONE, Turn(role=Held(SECURITY, "a"))),
        ((grant("b", AUDITOR), grant("a", AUDITOR)), {}, NONE, Turn(role=Held(AUDITOR, "a"))),
        ((grant("a", ADMIN),), {}, Held(ADMIN, "a"), Turn()),
        ((grant("a", AUDITOR),), {}, Held(ADMIN, "a"), Turn(role=Held(AUDITOR, "a"))),
        ((), {}, Held(ADMIN, "a"), Turn(role=NONE)),
        ((grant("a", ADMIN),), {}, Held(AUDITOR), Turn()),
        ((grant("a", AUDITOR),), {}, Held(ADMIN), Turn()),
        ((), {}, Held(SECURITY), Turn()),
        # One does not become the other.
        ((grant("a", ADMIN), grant("a", LEAD, 1)), {}, NONE, Turn({1: Held(LEAD, "a")}, role=Held(ADMIN, "a"))),
    ],
)
def test_in_line(grants: tuple[Grant, ...], teams: dict[int, Held], role: Held, turn: Turn) -> None:
    assert bring_in_line(grants, teams, role) == turn
    after = {team: held for team, held in {**teams, **turn.members}.items() if team not in turn.ended}
    assert bring_in_line(grants, after, turn.role or role) == Turn(), "once is enough"
