"""Who may see and change what: one place, no database.

Two ways give rights: a person's *role*, which counts everywhere, and the person's *team roles*, which count for the
repositories their teams own. What belongs to no team is seen by those whose role sees everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """What a person may do everywhere."""

    MEMBER = "member"
    AUDITOR = "auditor"
    SECURITY = "security"
    ADMIN = "admin"


class TeamRole(StrEnum):
    """What a member may do with the team's repositories; each may do what those before it may."""

    VIEWER = "viewer"
    TRIAGER = "triager"
    LEAD = "lead"


class Demand(StrEnum):
    """Who must have a second factor."""

    NOBODY = "nobody"
    WORKING = "working"
    EVERYBODY = "everybody"


DEMANDED_OF: Mapping[Demand, frozenset[Role]] = {
    Demand.NOBODY: frozenset(),
    Demand.WORKING: frozenset({Role.SECURITY, Role.ADMIN}),
    Demand.EVERYBODY: frozenset(Role),
}

_TEAM_RANK = {role: rank for rank, role in enumerate(TeamRole)}


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who asks for something.

    :param teams: the person's role in each team, by the team's id.
    """

    id: int
    role: Role
    teams: Mapping[int, TeamRole] = field(default_factory=dict)

    @property
    def sees_everything(self) -> bool:
        """Whether no row is hidden."""
        return self.role is not Role.MEMBER

    @property
    def team_ids(self) -> frozenset[int]:
        """The teams whose repositories somebody sees who does not see everything."""
        return frozenset(self.teams)

    @property
    def triaged_team_ids(self) -> frozenset[int]:
        """The teams whose findings a member may change."""
        return self._teams_at_least(TeamRole.TRIAGER)

    @property
    def led_team_ids(self) -> frozenset[int]:
        """The teams a member leads."""
        return self._teams_at_least(TeamRole.LEAD)

    @property
    def triages_everything(self) -> bool:
        """Whether every finding may be changed."""
        return self.role in (Role.SECURITY, Role.ADMIN)

    def _teams_at_least(self, least: TeamRole) -> frozenset[int]:
        return frozenset(team for team, role in self.teams.items() if _TEAM_RANK[role] >= _TEAM_RANK[least])


NOBODY = Actor(0, Role.MEMBER)
"""Somebody who is not logged in."""


def may_see_repositories(actor: Actor) -> bool:
    """Whether there can be a repository that somebody sees: whoever is in no team sees none."""
    return actor.sees_everything or bool(actor.team_ids)


def may_see_repository(actor: Actor, team_id: int | None) -> bool:
    """Whether a repository of this team, and all that hangs on it, may be seen."""
    return actor.sees_everything or team_id in actor.team_ids


def may_triage(actor: Actor, team_id: int | None) -> bool:
    """Whether findings of this team's repositories may be assigned, commented, given dates and claimed as fixed."""
    return actor.triages_everything or team_id in actor.triaged_team_ids


def may_work_on_findings(actor: Actor) -> bool:
    """Whether there can be findings that may be changed: who may is offered to."""
    return actor.triages_everything or bool(actor.triaged_team_ids)


def may_share_views(actor: Actor) -> bool:
    """Whether a saved query of the inbox may be put before everybody."""
    return actor.triages_everything or bool(actor.led_team_ids)


def may_share_view_with(actor: Actor, team_id: int) -> bool:
    """Whether a saved query of the inbox may be put before the members of a team, and taken from them again."""
    return actor.triages_everything or team_id in actor.led_team_ids


def may_ask_for_waiver(actor: Actor, team_ids: Iterable[int | None]) -> bool:
    """Whether a waiver may be written that covers repositories of these teams."""
    return all(may_triage(actor, team_id) for team_id in team_ids)


def may_write_waivers(actor: Actor) -> bool:
    """Whether there are any findings that a waiver may be asked for."""
    return actor.triages_everything or bool(actor.triaged_team_ids)


def may_approve_waiver(actor: Actor, team_ids: Iterable[int | None]) -> bool:
    """Whether it may be made to count: by security everywhere, by a lead within the lead's teams."""
    return actor.triages_everything or all(team_id in actor.led_team_ids for team_id in team_ids)


def may_revoke_waiver(actor: Actor, team_ids: Iterable[int | None], concerned: Iterable[int]) -> bool:
    """Whether it may be ended: by who may approve it, and by its owner and author while they work on findings there.

    :param concerned: ids of owner and author.
    """
    teams = tuple(team_ids)
    return may_approve_waiver(actor, teams) or (actor.id in concerned and may_ask_for_waiver(actor, teams))


def may_lead_team(actor: Actor, team_id: int) -> bool:
    """Whether members and notifications of a team may be changed."""
    return actor.role is Role.ADMIN or team_id in actor.led_team_ids


def may_set_baseline(actor: Actor, team_id: int | None) -> bool:
    """Whether a repository may be held to "nothing new" from now on."""
    return actor.triages_everything or team_id in actor.led_team_ids


def may_claim_repositories(actor: Actor) -> bool:
    """Whether repositories that nobody owns are offered: to whoever can take them."""
    return actor.triages_everything or bool(actor.led_team_ids)


def may_scan_registries(actor: Actor) -> bool:
    """Whether a whole registry may be scanned, a scan cancelled or retried."""
    return actor.triages_everything


def may_rescan_repository(actor: Actor, team_id: int | None) -> bool:
    """Whether one repository may be scanned again: by who works on its findings, as the tags of each may be."""
    return may_triage(actor, team_id)


def may_label_repository(actor: Actor, team_id: int | None) -> bool:
    """Whether people's labels of a repository may be changed: by who works on its findings."""
    return may_triage(actor, team_id)


def may_see_operations(actor: Actor) -> bool:
    """Whether registries, scans and deliveries are shown, which name repositories of every team."""
    return actor.sees_everything


def may_manage_registries(actor: Actor) -> bool:
    """Whether registries, their credentials and their webhooks may be changed."""
    return actor.role is Role.ADMIN


def may_manage_policies(actor: Actor) -> bool:
    """Whether policies, their scope and the terms of remediation may be changed."""
    return actor.role is Role.ADMIN


def may_manage_people(actor: Actor) -> bool:
    """Whether people, teams and rules of ownership may be changed."""
    return actor.role is Role.ADMIN


def may_change_retention(actor: Actor) -> bool:
    """Whether it may be decided how long things are kept that are forgotten after a while."""
    return actor.role is Role.ADMIN


def may_read_audit(actor: Actor) -> bool:
    """Whether the audit trail may be read."""
    return actor.sees_everything


def may_see_system(actor: Actor) -> bool:
    """Whether versions, workers, the queue and the size of the database are shown: to who keeps the site running."""
    return actor.triages_everything


def may_see_team(actor: Actor, team_id: int) -> bool:
    """Whether a team's page and its members are shown."""
    return actor.sees_everything or team_id in actor.team_ids


def may_find_people(actor: Actor) -> bool:
    """Whether names of people are looked up, to give them work or to take them into a team."""
    return actor.triages_everything or bool(actor.triaged_team_ids)


def may_see_unowned(actor: Actor) -> bool:
    """Whether names and labels of repositories that nobody owns are listed; verdicts need ``sees_everything``."""
    return actor.sees_everything or may_claim_repositories(actor)


def may_give_repository(actor: Actor, from_team: int | None, to_team: int | None) -> bool:
    """Whether a repository may pass from one team, or none, to another: a lead moves it between teams they lead."""
    own = (*actor.led_team_ids, None)
    return actor.triages_everything or (may_claim_repositories(actor) and from_team in own and to_team in own)
