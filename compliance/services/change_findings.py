"""What people do to findings, one or thousands: all of them or none, with a timeline and an undo."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from compliance.access import may_see_repository
from compliance.models import BulkChange, Finding, FindingEvent, Occurrence, User
from compliance.models.finding import FindingQuerySet
from compliance.policy.wake_up import WakeUp
from compliance.remediation.change import (
    ACTIONS,
    Assign,
    Change,
    Comment,
    InvalidChange,
    RestoreDue,
    SetDue,
    SetStatus,
    check_change,
)
from compliance.remediation.sla import Due, due_text, read_due_text
from compliance.remediation.status import Status
from compliance.remediation.transitions import is_settled, refusal
from compliance.services.rescan_tags import parts_of, rescan_tags
from compliance.services.write_findings import (
    Changer,
    Said,
    check_rights,
    due_of,
    lock_findings,
    sla_terms,
    usernames,
    write_changes,
)

UNDO_WITHIN: Final = timedelta(minutes=10)

Names = Mapping[int | None, str]

_Kind = FindingEvent.Kind


class CountChanged(Exception):
    """The query finds another number of findings by now; nothing was changed."""

    def __init__(self, actual: int) -> None:
        super().__init__(f"There are {actual} findings now.")
        self.actual = actual


@dataclass(frozen=True, slots=True)
class Undone:
    """How many findings have again what they had, and how many somebody has changed since."""

    restored: int
    kept: int


def change_findings(
    findings: FindingQuerySet, change: Change, *, by: User, now: datetime, expected: int | None = None
) -> BulkChange:
    """Change all of them or none; ``count`` says how many were not so already. Ring for ``rescans_of`` it.

    :param expected: how many somebody saw when they asked for it.
    :raises InvalidChange: in words, when one of them cannot be changed so.
    :raises NotAllowed: when one of them belongs to a team whose findings the person may not change.
    :raises CountChanged: when there are more or fewer than expected.
    """
    check_change(change, now)
    with transaction.atomic():
        rows = lock_findings(findings)
        if expected is not None and len(rows) != expected:
            raise CountChanged(len(rows))
        teams = check_rights(rows, by)
        _check_possible(rows, change)
        if isinstance(change, Assign) and change.user_id is not None:
            _check_assignee(change.user_id, teams)
        bulk = BulkChange.objects.create(by=by, at=now, action=ACTIONS[type(change)], count=0)
        changed = write_changes(rows, _changer(change, rows, by, now), bulk, by=by, now=now)
        if isinstance(change, SetStatus) and change.status is Status.FIX_CLAIMED:
            rescan_tags(_affected_tags(changed), requested_by=by, now=now)
        bulk.count = len(changed)
        bulk.save(update_fields=["count"])
    return bulk


def rescans_of(bulk: BulkChange) -> list[WakeUp]:
    """What to ring for after a change: scans that confirm or refute what was claimed."""
    return parts_of(bulk.by, bulk.at)


def undo(bulk_id: int, *, by: User, now: datetime) -> Undone:
    """Give findings back what they had before a change, each whose field still is what the change made it.

    :raises BulkChange.DoesNotExist: when there is no such change of this person.
    :raises InvalidChange: in words, when it cannot be undone any more.
    :raises NotAllowed: when the person may not change one of them any more.
    """
    with transaction.atomic():
        bulk = BulkChange.objects.select_for_update(of=("self",)).get(pk=bulk_id, by=by)
        if bulk.undone_at is not None:
            raise InvalidChange("It was undone already.")
        if bulk.action == ACTIONS[Comment]:
            raise InvalidChange("Comments stay; add another.")
        if now - bulk.at > UNDO_WITHIN:
            raise InvalidChange("It can be undone for ten minutes only.")
        events = {event.finding_id: event for event in bulk.events.all()}
        rows = lock_findings(Finding.objects.filter(pk__in=events))
        check_rights(rows, by)
        restored = write_changes(rows, _restorer(events, rows), None, by=by, now=now)
        bulk.undone_at = now
        bulk.save(update_fields=["undone_at"])
    return Undone(len(restored), len(events) - len(restored))


def _restorer(events: Mapping[int, FindingEvent], rows: Sequence[Finding]) -> Changer:
    names = usernames(row.assignee_id for row in rows)
    found = User.objects.filter(username__in={event.was for event in events.values() if event.kind == _Kind.ASSIGNEE})
    ids: dict[str, int | None] = {"": None, **dict(found.values_list("username", "pk"))}
    claims = _claims([event.finding_id for event in events.values() if event.was == Status.FIX_CLAIMED])
    undoers: dict[str, Callable[[Finding, FindingEvent], bool]] = {
        _Kind.ASSIGNEE: lambda row, event: _unassign(row, event, names, ids),
        _Kind.STATUS: lambda row, event: _set_back(row, event, claims),
        _Kind.DUE: _give_back_due,
    }

    def restore(row: Finding) -> Said | None:
        event = events[row.pk]
        done = undoers[event.kind](row, event)
        return Said(event.kind, event.became, event.was, "Undone.") if done else None

    return restore


def _unassign(row: Finding, event: FindingEvent, names: Names, ids: Mapping[str, int | None]) -> bool:
    if names[row.assignee_id] != event.became or event.was not in ids:
        return False
    row.assignee_id = ids[event.was]
    return True


def _set_back(row: Finding, event: FindingEvent, claims: Mapping[int, FindingEvent]) -> bool:
    if row.status != event.became:
        return False
    row.status = event.was
    claim = claims.get(row.pk)
    row.claimed_at, row.claimed_by_id = (claim.at, claim.by_id) if claim else (None, None)
    return True


def _give_back_due(row: Finding, event: FindingEvent) -> bool:
    if due_text(Due(row.due_at, row.due_edited)) != event.became:
        return False
    was = read_due_text(event.was)
    row.due_at, row.due_edited = was.at, was.edited
    return True


def _claims(ids: Sequence[int]) -> dict[int, FindingEvent]:
    """Who claimed last, and when."""
    if not ids:
        return {}
    rows = FindingEvent.objects.filter(finding__in=ids, kind=_Kind.STATUS, became=Status.FIX_CLAIMED)
    return {row.finding_id: row for row in rows.order_by("finding", "-at", "-pk").distinct("finding")}


def _changer(change: Change, rows: Sequence[Finding], by: User, now: datetime) -> Changer:
    match change:
        case Assign(user_id):
            names = usernames({row.assignee_id for row in rows} | {user_id})
            return lambda row: _assign(row, user_id, names)
        case SetStatus(status, reason):
            return lambda row: _set_status(row, status, reason.strip(), by, now)
        case SetDue(at, reason):
            return lambda row: _set_due(row, Due(at, edited=True), reason.strip())
        case RestoreDue():
            terms = sla_terms()
            return lambda row: _set_due(row, Due(due_of(row, terms)), "")
        case Comment(text):
            return lambda _row: Said(_Kind.COMMENT, text=text.strip())


def _assign(row: Finding, user_id: int | None, names: Names) -> Said | None:
    if row.assignee_id == user_id:
        return None
    said = Said(_Kind.ASSIGNEE, names[row.assignee_id], names[user_id])
    row.assignee_id = user_id
    return said


def _set_status(row: Finding, status: Status, reason: str, by: User, now: datetime) -> Said | None:
    if row.status == status:
        return None
    said = Said(_Kind.STATUS, row.status, status.value, reason)
    row.status = status.value
    claims = status is Status.FIX_CLAIMED
    row.claimed_at, row.claimed_by_id = (now, by.pk) if claims else (None, None)
    return said


def _set_due(row: Finding, due: Due, reason: str) -> Said | None:
    was = Due(row.due_at, row.due_edited)
    if was == due:
        return None
    row.due_at, row.due_edited = due.at, due.edited
    return Said(_Kind.DUE, due_text(was), due_text(due), reason)


def _check_possible(rows: Sequence[Finding], change: Change) -> None:
    if isinstance(change, Comment):
        return
    if isinstance(change, SetStatus):
        reasons = Counter(refusal(Status(row.status), change.status) for row in rows)
    else:
        settled = "it is fixed, and only comments can be added"
        reasons = Counter(settled if is_settled(Status(row.status)) else "" for row in rows)
    del reasons[""]
    if not reasons:
        return
    words, count = reasons.most_common(1)[0]
    if len(rows) == 1:
        raise InvalidChange(f"{words[0].upper()}{words[1:]}.")
    raise InvalidChange(f"{reasons.total():,} of these {len(rows):,} cannot be changed so; {count:,} because: {words}.")


def _check_assignee(user_id: int, teams: Iterable[int | None]) -> None:
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        raise InvalidChange("There is nobody of that name.")
    if not all(may_see_repository(user.actor, team) for team in teams):
        raise InvalidChange(f"{user.username} may not see all of these repositories.")


def _affected_tags(rows: Sequence[Finding]) -> dict[int, list[str]]:
    shown = Occurrence.objects.filter(finding__in=[row.pk for row in rows], tag__deleted_at=None)
    tags: dict[int, list[str]] = {}
    for repository, name in shown.order_by().values_list("tag__repository_id", "tag__name").distinct():
        tags.setdefault(repository, []).append(name)
    return tags
