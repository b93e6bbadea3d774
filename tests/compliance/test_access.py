"""Who may what, right by right: a table of everybody against every right, without a page around it."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from compliance import access
from compliance.access import NOBODY, Actor, Role, TeamRole

OURS, LED_TOO, THEIRS = 1, 2, 3

WHO = {
    "nobody": NOBODY,
    "member": Actor(11, Role.MEMBER),
    "viewer": Actor(12, Role.MEMBER, {OURS: TeamRole.VIEWER}),
    "triager": Actor(13, Role.MEMBER, {OURS: TeamRole.TRIAGER}),
    "lead": Actor(14, Role.MEMBER, {OURS: TeamRole.LEAD, LED_TOO: TeamRole.LEAD}),
    "auditor": Actor(15, Role.AUDITOR),
    "leading-auditor": Actor(16, Role.AUDITOR, {OURS: TeamRole.LEAD}),
    "security": Actor(17, Role.SECURITY),
    "admin": Actor(18, Role.ADMIN),
}
OPERATIONS = "auditor leading-auditor security admin"
LEADS = "lead leading-auditor security admin"
TRIAGERS = f"triager {LEADS}"
WORKING = "security admin"

TABLE: list[tuple[Callable[..., bool], tuple[object, ...], str]] = [
    (access.may_see_repositories, (), f"viewer triager lead {OPERATIONS}"),
    (access.may_see_repository, (OURS,), f"viewer triager lead {OPERATIONS}"),
    (access.may_see_repository, (LED_TOO,), f"lead {OPERATIONS}"),
    (access.may_see_repository, (THEIRS,), OPERATIONS),
    (access.may_see_repository, (None,), OPERATIONS),
    (access.may_see_team, (OURS,), f"viewer triager lead {OPERATIONS}"),
    (access.may_see_team, (THEIRS,), OPERATIONS),
    (access.may_triage, (OURS,), TRIAGERS),
    (access.may_triage, (THEIRS,), WORKING),
    (access.may_triage, (None,), WORKING),
    (access.may_work_on_findings, (), TRIAGERS),
    (access.may_find_people, (), TRIAGERS),
    (access.may_share_views, (), LEADS),
    (access.may_share_view_with, (OURS,), LEADS),
    (access.may_share_view_with, (THEIRS,), WORKING),
    (access.may_write_waivers, (), TRIAGERS),
    (access.may_ask_for_waiver, ([OURS],), TRIAGERS),
    (access.may_ask_for_waiver, ([OURS, LED_TOO],), "lead security admin"),
    (access.may_ask_for_waiver, ([OURS, None],), WORKING),
    (access.may_approve_waiver, ([OURS],), LEADS),
    (access.may_approve_waiver, ([OURS, LED_TOO],), "lead security admin"),
    (access.may_approve_waiver, ([OURS, THEIRS],), WORKING),
    (access.may_approve_waiver, ([None],), WORKING),
    # Owner and author end it as long as they work on findings there: 12 may only look.
    (access.may_revoke_waiver, ([OURS], ()), LEADS),
    (access.may_revoke_waiver, ([OURS], (12, 13)), TRIAGERS),
    (access.may_revoke_waiver, ([THEIRS], (13, 14, 16)), WORKING),
    (access.may_lead_team, (OURS,), "lead leading-auditor admin"),
    (access.may_lead_team, (THEIRS,), "admin"),
    (access.may_set_baseline, (OURS,), LEADS),
    (access.may_set_baseline, (THEIRS,), WORKING),
    (access.may_set_baseline, (None,), WORKING),
    (access.may_claim_repositories, (), LEADS),
    (access.may_see_unowned, (), f"lead {OPERATIONS}"),
    (access.may_give_repository, (None, OURS), LEADS),
    (access.may_give_repository, (OURS, None), LEADS),
    (access.may_give_repository, (OURS, LED_TOO), "lead security admin"),
    (access.may_give_repository, (OURS, THEIRS), WORKING),
    (access.may_give_repository, (THEIRS, OURS), WORKING),
    (access.may_give_repository, (None, None), LEADS),
    (access.may_rescan_repository, (OURS,), TRIAGERS),
    (access.may_rescan_repository, (THEIRS,), WORKING),
    (access.may_rescan_repository, (None,), WORKING),
    (access.may_label_repository, (OURS,), TRIAGERS),
    (access.may_label_repository, (THEIRS,), WORKING),
    (access.may_label_repository, (None,), WORKING),
    (access.may_scan_registries, (), WORKING),
    (access.may_see_operations, (), OPERATIONS),
    (access.may_read_audit, (), OPERATIONS),
    (access.may_see_system, (), WORKING),
    (access.may_manage_registries, (), "admin"),
    (access.may_manage_policies, (), "admin"),
    (access.may_manage_people, (), "admin"),
    (access.may_change_retention, (), "admin"),
]


@pytest.mark.parametrize(("right", "about", "who"), TABLE, ids=[f"{row[0].__name__}{row[1]}" for row in TABLE])
def test_table(right: Callable[..., bool], about: tuple[object, ...], who: str) -> None:
    assert {name for name, actor in WHO.items() if right(actor, *about)} == set(who.split())


@pytest.mark.parametrize(
    ("demand", "roles"), [("nobody", ""), ("working", "security admin"), ("everybody", "member auditor security admin")]
)
def test_of_whom_a_second_factor_is_demanded(demand: str, roles: str) -> None:
    assert access.DEMANDED_OF[access.Demand(demand)] == set(roles.split())
    assert len(access.DEMANDED_OF) == len(access.Demand)


def test_every_right_is_in_the_table() -> None:
    rights = {name for name, _ in inspect.getmembers(access, inspect.isfunction) if name.startswith("may_")}
    assert {right.__name__ for right, _, _ in TABLE} == rights


@pytest.mark.parametrize(
    ("who", "sees", "triages", "leads"),
    [
        ("nobody", set(), set(), set()),
        ("viewer", {OURS}, set(), set()),
        ("triager", {OURS}, {OURS}, set()),
        ("lead", {OURS, LED_TOO}, {OURS, LED_TOO}, {OURS, LED_TOO}),
    ],
)
def test_each_role_in_a_team_may_what_those_before_it_may(
    who: str, sees: set[int], triages: set[int], leads: set[int]
) -> None:
    actor = WHO[who]
    assert [set(teams) for teams in (actor.team_ids, actor.triaged_team_ids, actor.led_team_ids)] == [
        sees,
        triages,
        leads,
    ]


def test_nobody_is_no_row() -> None:
    assert Actor(0, Role.MEMBER) == NOBODY
