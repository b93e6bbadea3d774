"""What people do to findings, one or thousands: all of them or none, with a timeline and an undo."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from compliance.access import may_see_repository
from compliance.models import BulkChange, Finding, FindingEvent, User
from compliance.models.bulk import among
from compliance.models.finding import FindingQuerySet
from compliance.policy.wake_up import WakeUp
from compliance.remediation.change import (
    ACTIONS,
    LASTING,
    Assign,
    Change,
    Comment,
    InvalidChange,
    Rescan,
    RestoreDue,
    SetDue,
    SetStatus,
    check_change,
)
from compliance.remediation.sla import Due, due_text
from compliance.remediation.status import Status
from compliance.remediation.transitions import is_settled, refusal
from compliance.services.cover_again import cover_again, hold_wrong
from compliance.services.news_of_findings import tell_of_assignment
from compliance.services.rescan_tags import (
    MOST_TAGS,
    TagsOf,
    count_tags_showing,
    parts_of,
    rescan_tags,
    tags_showing,
    worth_asking,
)
from compliance.services.restore_findings import is_unassigned, restorer
from compliance.services.tell_people import waiting_deliveries
from compliance.services.write_findings import (
    Changer,
    Said,
    check_rights,
    due_of,
    hold_homes,
    lock_findings,
    sla_terms,
    usernames,
    write_changes,
)

UNDO_WITHIN: Final = timedelta(minutes=10)
_SENT_AGAIN: Final = timedelta(minutes=1)
"""A double click, a form sent once more after "back", a request that a slow network repeats."""

_LASTS: Final = {
    ACTIONS[Comment]: "Comments stay; add another.",
    ACTIONS[Rescan]: "The registry is asked already; nothing was changed that could be given back.",
}

Names = Mapping[int | None, str]

_Kind = FindingEvent.Kind


class CountChanged(Exception):
    """The query finds another number of findings by now; nothing was changed."""

    def __init__(self, actual: int) -> None:
        super().__init__(f"There are {actual} findings now.")
        self.actual = actual


@dataclass(frozen=True, slots=True)
class Undone:
    """How many findings have again what they had, and how many somebody has changed since.

    :param unassigned: how many of the restored nobody has now: who had them may not see them any more.
    """

    restored: int
    kept: int
    unassigned: int = 0


def change_findings(
    findings: FindingQuerySet, change: Change, *, by: User, now: datetime, expected: int | None = None
) -> BulkChange:
    """Change all of them or none; ``count`` says how many were not so already. Ring for ``rescans_of`` it.

    The same comment of the same person within a minute is one: what was written is answered once more.

    :param expected: how many somebody saw when they asked for it.
    :raises InvalidChange: in words, when one of them cannot be changed so.
    :raises NotAllowed: when one of them belongs to a team whose findings the person may not change.
    :raises CountChanged: when there are more or fewer than expected.
    """
    check_change(change, now)
    claims = isinstance(change, SetStatus) and change.status is Status.FIX_CLAIMED
    with transaction.atomic():
        if claims or isinstance(change, Rescan):  # the scans that are asked for refer to their repositories
            findings = findings.filter(among("repository", hold_homes(findings)))
        reopens = isinstance(change, SetStatus) and change.status is Status.OPEN
        findings, wrong = hold_wrong(findings) if reopens else (findings, frozenset[int]())
        rows = lock_findings(findings)
        if expected is not None and len(rows) != expected:
            raise CountChanged(len(rows))
        teams = check_rights(rows, by)
        _check_possible(rows, change)
        if isinstance(change, Assign) and change.user_id is not None:
            _check_assignee(change.user_id, teams)
        asked = _tags_to_ask(rows) if isinstance(change, Rescan) else {}
        said = _said_just_now(change, by, now) if isinstance(change, Comment) else {}
        if rows and all(row.pk in said for row in rows):
            return BulkChange.objects.get(pk=max(said[row.pk] for row in rows))
        bulk = BulkChange.objects.create(by=by, at=now, action=ACTIONS[type(change)], count=0)
        changed = write_changes(rows, _changer(change, rows, by, now, asked, said), bulk, by=by, now=now)
        if claims:
            asked = tags_showing(row.pk for row in changed)
        if asked:
            rescan_tags(asked, requested_by=by, now=now)
        if isinstance(change, Assign) and change.user_id is not None:
            tell_of_assignment(bulk.pk, changed, change.user_id, by=by, now=now)
        cover_again(changed, wrong, by=by, now=now)
        bulk.count = len(changed)
        bulk.save(update_fields=["count"])
    return bulk


def rescans_of(bulk: BulkChange) -> list[WakeUp]:
    """What to ring for after a change: scans that confirm or refute what was claimed, who was assigned something."""
    return [*parts_of(bulk.by, bulk.at), *waiting_deliveries(bulk.at, since=bulk.at)]


def undo(bulk_id: int, *, by: User, now: datetime) -> Undone:
    """Give findings back what they had before a change, each whose field still is what the change made it.

    Nobody is given what they may not see: who has left since gets nothing back.

    :raises BulkChange.DoesNotExist: when there is no such change of this person.
    :raises InvalidChange: in words, when it cannot be undone any more.
    :raises NotAllowed: when the person may not change one of them any more.
    """
    with transaction.atomic():
        bulk = BulkChange.objects.select_for_update(of=("self",)).get(pk=bulk_id, by=by)
        if bulk.undone_at is not None:
            raise InvalidChange("It was undone already.")
        if bulk.action in LASTING:
            raise InvalidChange(_LASTS[bulk.action])
        if now - bulk.at > UNDO_WITHIN:
            raise InvalidChange("It can be undone for ten minutes only.")
        said = FindingEvent.objects.filter(bulk=bulk).only("finding", "kind", "was", "became").order_by()
        events = {event.finding_id: event for event in said}
        changed = Finding.objects.filter(among("pk", events))
        called_wrong = any(event.became == Status.FALSE_POSITIVE for event in events.values())
        findings, wrong = hold_wrong(changed) if called_wrong else (changed, frozenset[int]())
        rows = lock_findings(findings)
        check_rights(rows, by)
        restored = write_changes(rows, restorer(events, rows), None, by=by, now=now)
        cover_again(restored, wrong, by=by, now=now)
        bulk.undone_at = now
        bulk.save(update_fields=["undone_at"])
    return Undone(len(restored), len(events) - len(restored), sum(is_unassigned(row, events) for row in restored))


def _said_just_now(comment: Comment, by: User, now: datetime) -> Mapping[int, int]:
    """By the findings of which somebody has just said the same, the change that did; asked while they are locked."""
    changes = BulkChange.objects.filter(by=by, action=ACTIONS[Comment], at__gt=now - _SENT_AGAIN)
    events = FindingEvent.objects.filter(bulk__in=changes, text=comment.text.strip()).order_by("pk")
    return dict(events.values_list("finding_id", "bulk_id"))


def _changer(
    change: Change, rows: Sequence[Finding], by: User, now: datetime, asked: TagsOf, said: Mapping[int, int]
) -> Changer:
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
            return lambda row: None if row.pk in said else Said(_Kind.COMMENT, text=text.strip())
        case Rescan():
            return lambda row: Said(_Kind.RESCAN) if _is_asked(row, asked) else None


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
    if isinstance(change, Comment | Rescan):
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


def _tags_to_ask(rows: Sequence[Finding]) -> TagsOf:
    ids = [row.pk for row in rows]
    if count_tags_showing(ids, most=MOST_TAGS + 1) > MOST_TAGS:
        raise InvalidChange(f"These show in more than {MOST_TAGS:,} tags; filter further, or scan the registry.")
    return worth_asking(tags_showing(ids))


def _is_asked(row: Finding, asked: TagsOf) -> bool:
    return row.repository_id in asked and not is_settled(Status(row.status))
