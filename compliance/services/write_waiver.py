"""Write waivers: with a scope, with what is accepted, for at most as long as the policies allow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction

from compliance.access import may_approve_waiver, may_ask_for_waiver
from compliance.models import User, Waiver
from compliance.queries.waiver_reach import MOST_FINDINGS, MOST_RUN_KEYS, Reach, measure
from compliance.remediation.waiver import WaiverScope
from compliance.remediation.waiver_dates import days_in_words, end_of, last_day
from compliance.services.decide_waiver import begin

_NARROW = "Choose a team, a registry or some repositories."
TOO_WIDE: Final = f"The scope is too wide: more than {MOST_FINDINGS:,} findings fit it. {_NARROW}"
TOO_VARIED: Final = f"The scope is too wide: its images run in more than {MOST_RUN_KEYS:,} ways. {_NARROW}"
NOTHING: Final = (
    "It covers nothing: no open finding fits the scope with all of its tags, so there is nothing to accept."
)


class WaiverRefused(ValueError):
    """A waiver cannot be written, or made to count, as it is; the words say why.

    :param errors: words by the field they are about; an empty name for all of it.
    """

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody has filled in.

    :param until: the last day on which it counts, in the author's time zone.
    :param renews: the waiver this one goes on with; ``accepts_changes``: images that run otherwise than that one
        accepted are accepted too.
    """

    title: str
    scope: WaiverScope
    reason: str
    explanation: str
    control: str
    owner: User
    until: date
    reopens: bool = True
    restarts_sla: bool = False
    renews: Waiver | None = None
    accepts_changes: bool = True


def reach_of(scope: WaiverScope, renews: Waiver | None, *, accepts_changes: bool, now: datetime) -> Reach:
    """What a draft would cover."""
    kept = None if renews is None or accepts_changes else renews.accepted
    return measure(scope, accepted=kept, written_at=now)


def write_waiver(draft: Draft, *, by: User, now: datetime) -> Waiver:
    """Write a waiver; it counts at once where its author may approve it and no second person is asked for.

    :raises PermissionDenied: for whoever may not ask for it.
    :raises WaiverRefused: in words for its author.
    """
    if not may_ask_for_waiver(by.actor, [draft.scope.team_id]):
        raise PermissionDenied("You may ask for waivers of the teams whose findings you work on.")
    with transaction.atomic():
        reach = reach_of(draft.scope, draft.renews, accepts_changes=draft.accepts_changes, now=now)
        check_reach(reach)
        _check_end(draft.until, reach, by, now)
        kept = draft.renews.accepted if draft.renews is not None and not draft.accepts_changes else None
        waiver = _row(draft, sorted(reach.run_keys) if kept is None else kept, by, now)
        waiver.save()
        if may_approve_waiver(by.actor, [draft.scope.team_id]) and not reach.second_person:
            begin(waiver, [row.pk for row in reach.covered], by=by, now=now)
    return waiver


def check_reach(reach: Reach) -> None:
    """Look at what a scope covers.

    :raises WaiverRefused: where that is nothing, or too much.
    """
    if reach.too_wide:
        raise WaiverRefused({"": TOO_WIDE})
    if len(reach.run_keys) > MOST_RUN_KEYS:
        raise WaiverRefused({"": TOO_VARIED})
    if not reach.covered:
        raise WaiverRefused({"": NOTHING})


def _check_end(until: date, reach: Reach, by: User, now: datetime) -> None:
    if end_of(until, by.time_zone) <= now:
        raise WaiverRefused({"until": "This day is over."})
    last = last_day(now, reach.most_days, by.time_zone)
    if until > last:
        days = days_in_words(reach.most_days)
        words = f"The policy {reach.policy} allows {days}: {last:%Y-%m-%d} is the last day that can be chosen."
        raise WaiverRefused({"until": words})


def _row(draft: Draft, accepted: list[str], by: User, now: datetime) -> Waiver:
    scope = draft.scope
    return Waiver(
        title=draft.title,
        rule=scope.rule,
        registry_id=scope.registry_id,
        repository_pattern=scope.repository,
        tag_pattern=scope.tag,
        digest=scope.digest,
        team_id=scope.team_id,
        accepted=accepted,
        reason=draft.reason,
        explanation=draft.explanation,
        control=draft.control,
        owner=draft.owner,
        created_by=by,
        created_at=now,
        expires_at=end_of(draft.until, by.time_zone),
        reopens=draft.reopens,
        restarts_sla=draft.restarts_sla,
        renews=draft.renews,
    )
