"""Make a waiver count, or end it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db import transaction

from compliance.access import may_approve_waiver, may_revoke_waiver
from compliance.models import User, Waiver
from compliance.queries.waiver_facts import scope_of
from compliance.queries.waiver_reach import Reach, measure
from compliance.remediation.waiver import WaiverState, lasts_too_long, state_of
from compliance.remediation.waiver_dates import days_in_words
from compliance.services.apply_waivers import Applied, apply_and_count
from compliance.services.settle_waivers import unsettle


class CannotDecide(ValueError):
    """It is too late for that, or another person has to do it; the words say which."""


def approve_waiver(waiver_id: int, *, by: User, now: datetime) -> Applied:
    """Make a waiver count for what it covers now.

    :raises PermissionDenied: for whoever may not approve it.
    :raises CannotDecide: in words.
    """
    with transaction.atomic():
        waiver = _locked(waiver_id)
        if not may_approve_waiver(by.actor, [waiver.team_id]):
            raise PermissionDenied("Leads of the team and the role security approve waivers.")
        if waiver_state(waiver, now) is not WaiverState.WAITING:
            raise CannotDecide("Only a waiver that waits for approval can be approved.")
        reach = measure(scope_of(waiver), accepted=waiver.accepted, written_at=waiver.created_at)
        _check_approver(waiver, reach, by, now)
        return begin(waiver, [row.pk for row in reach.covered], by=by, now=now)


def begin(waiver: Waiver, covered: Collection[int], *, by: User, now: datetime) -> Applied:
    """Let a saved waiver count from now on; rights are the caller's, who is in a transaction."""
    waiver.approver, waiver.approved_at = by, now
    waiver.save(update_fields=["approver", "approved_at"])
    unsettle(waiver)
    return apply_and_count(covered, now=now, by=by)


def revoke_waiver(waiver_id: int, *, by: User, now: datetime) -> Applied:
    """End a waiver before its time, or refuse one that waits: whoever may approve it, its owner and its author may.

    :raises PermissionDenied: for anybody else.
    :raises CannotDecide: for one that has ended.
    """
    with transaction.atomic():
        waiver = _locked(waiver_id)
        if not may_revoke_waiver(by.actor, [waiver.team_id], (waiver.owner_id, waiver.created_by_id)):
            raise PermissionDenied("Leads of the team, the role security, its owner and its author revoke a waiver.")
        if waiver_state(waiver, now) in (WaiverState.EXPIRED, WaiverState.REVOKED):
            raise CannotDecide("This waiver has ended already.")
        waiver.revoked_at, waiver.revoked_by, waiver.reopened_at = now, by, now
        waiver.save(update_fields=["revoked_at", "revoked_by", "reopened_at"])
        covered = list(waiver.findings.order_by().values_list("pk", flat=True))
        return apply_and_count(covered, now=now, by=by)


def waiver_state(waiver: Waiver, now: datetime) -> WaiverState:
    """Where a row stands."""
    return state_of(approved_at=waiver.approved_at, expires_at=waiver.expires_at, revoked_at=waiver.revoked_at, now=now)


def _check_approver(waiver: Waiver, reach: Reach, by: User, now: datetime) -> None:
    if not reach.covered:
        raise CannotDecide("It covers nothing any more: what it was written for is gone or runs as something else.")
    if reach.second_person and waiver.created_by_id == by.pk:
        raise CannotDecide("A policy of what it covers asks for a second person: its author may not approve it.")
    if lasts_too_long(now, waiver.expires_at, reach.most_days):
        raise CannotDecide(
            f"It lasts longer than the {days_in_words(reach.most_days)} that the policy {reach.policy} allows now."
        )


def _locked(waiver_id: int) -> Waiver:
    # Scans that waive a finding refer to this row while they hold a repository that we may wait for.
    return Waiver.objects.select_for_update(no_key=True, of=("self",)).get(pk=waiver_id)
