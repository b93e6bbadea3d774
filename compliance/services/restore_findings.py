"""Give findings back what they had before a change: what the undo of it does to each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from compliance.access import Actor, may_see_repository
from compliance.models import Finding, FindingEvent, Repository, User
from compliance.models.bulk import among
from compliance.remediation.sla import Due, Terms, due_text, read_due_text
from compliance.remediation.status import Status
from compliance.services.tell_people import actors_of
from compliance.services.write_findings import Changer, Said, due_of, sla_terms, usernames

_Kind = FindingEvent.Kind
_UNDONE: Final = "Undone."


def restorer(events: Mapping[int, FindingEvent], rows: Sequence[Finding]) -> Changer:
    """What puts locked findings back, each whose field still is what its event made it.

    :param events: what the change said of each finding, by the finding's id.
    """
    names = usernames(row.assignee_id for row in rows)
    holders = _holders(events, rows)
    claims = _claims([event.finding_id for event in events.values() if event.was == Status.FIX_CLAIMED])
    terms = sla_terms() if any(event.kind == _Kind.DUE for event in events.values()) else {}
    undoers: dict[str, Callable[[Finding, FindingEvent], Said | None]] = {
        _Kind.ASSIGNEE: lambda row, event: _hand_back(row, event, names, holders),
        _Kind.STATUS: lambda row, event: _set_back(row, event, claims),
        _Kind.DUE: lambda row, event: _give_back_due(row, event, terms),
    }

    def restore(row: Finding) -> Said | None:
        event = events[row.pk]
        return undoers[event.kind](row, event)

    return restore


def is_unassigned(row: Finding, events: Mapping[int, FindingEvent]) -> bool:
    """Whether nobody has a restored finding because whoever had it may not see it any more."""
    event = events[row.pk]
    return event.kind == _Kind.ASSIGNEE and event.was != "" and row.assignee_id is None


@dataclass(frozen=True, slots=True)
class _Holders:
    """Who had findings, by name, with their rights now, and the teams that own the findings' repositories.

    People who are deactivated are not among them.
    """

    actors: Mapping[str, Actor]
    teams: Mapping[int, int | None]

    def may_have(self, row: Finding, name: str) -> int | None:
        """The id of somebody who may see the finding; ``None`` for those who may not."""
        actor = self.actors.get(name)
        sees = actor is not None and may_see_repository(actor, self.teams[row.repository_id])
        return actor.id if actor is not None and sees else None


def _holders(events: Mapping[int, FindingEvent], rows: Sequence[Finding]) -> _Holders:
    names = {event.was for event in events.values() if event.kind == _Kind.ASSIGNEE and event.was}
    people = list(User.objects.filter(username__in=names, is_active=True))
    if not people:
        return _Holders({}, {})
    actors = actors_of(people)
    homes = Repository.objects.filter(among("pk", {row.repository_id for row in rows})).order_by()
    return _Holders({row.username: actors[row.pk] for row in people}, dict(homes.values_list("pk", "team_id")))


def _hand_back(row: Finding, event: FindingEvent, names: Mapping[int | None, str], holders: _Holders) -> Said | None:
    if names[row.assignee_id] != event.became:
        return None
    row.assignee_id = holders.may_have(row, event.was)
    if event.was and row.assignee_id is None:
        return Said(event.kind, event.became, "", f"{_UNDONE} {event.was} may not see it any more, so nobody has it.")
    return Said(event.kind, event.became, event.was, _UNDONE)


def _set_back(row: Finding, event: FindingEvent, claims: Mapping[int, FindingEvent]) -> Said | None:
    if row.status != event.became:
        return None
    if event.was == Status.FALSE_POSITIVE and row.regression:
        return None  # which a scan may have found since, and what a person called wrong does not outlive
    row.status = event.was
    claim = claims.get(row.pk)
    row.claimed_at, row.claimed_by_id = (claim.at, claim.by_id) if claim else (None, None)
    return Said(event.kind, event.became, event.was, _UNDONE)


def _give_back_due(row: Finding, event: FindingEvent, terms: Terms) -> Said | None:
    if due_text(Due(row.due_at, row.due_edited)) != event.became:
        return None
    was = read_due_text(event.was)
    # What no person had set is what the terms say now: they, or what they go by, may be others since.
    became = was if was.edited else Due(due_of(row, terms))
    row.due_at, row.due_edited = became.at, became.edited
    return Said(event.kind, event.became, due_text(became), _UNDONE)


def _claims(ids: Sequence[int]) -> dict[int, FindingEvent]:
    """Who claimed last, and when."""
    if not ids:
        return {}
    rows = FindingEvent.objects.filter(among("finding", ids), kind=_Kind.STATUS, became=Status.FIX_CLAIMED)
    return {row.finding_id: row for row in rows.order_by("finding", "-at", "-pk").distinct("finding")}
