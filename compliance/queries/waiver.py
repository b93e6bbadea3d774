"""One waiver: what it covers now, what it does not cover any more and why, what happened to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from compliance.access import Actor, may_approve_waiver, may_ask_for_waiver, may_revoke_waiver
from compliance.models import Finding, StatusChoice, User, Waiver
from compliance.queries.waiver_digests import dead_of
from compliance.queries.waiver_facts import Held, findings_in_scope, hold, needs_tags, scope_of
from compliance.queries.waiver_reach import Reach, measure
from compliance.queries.waiver_rows import OWNERS, WaiverRow, rule_title, waiver_row
from compliance.queries.waivers import covered_now
from compliance.remediation.status import Status
from compliance.remediation.waiver import COUNTS, Answer, WaiverScope, WaiverState, covers

SHOWN: Final = 50
_LOOKED_AT: Final = 200


@dataclass(frozen=True, slots=True)
class FindingLine:
    """A finding beside a waiver.

    :param why: why it is not covered.
    """

    id: int
    repository: str
    platform: str
    subject: str
    status: str
    protected: bool
    tags: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened to a waiver, in words."""

    at: datetime
    words: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class WaiverPage:
    """The page.

    :param left: what fits its rule and repositories and is not covered, with the reason; the first of them.
    :param dead: the digest it is pinned to is no tag's any more.
    :param approves: whether the reader may approve it; ``asks``: write its renewal; ``revokes``: end it.
    :param pending: of one that waits: what it would cover, for whoever may see all of it.
    """

    row: WaiverRow
    rule_title: str
    digest: str
    covered: tuple[FindingLine, ...]
    left: tuple[FindingLine, ...]
    left_more: bool
    history: tuple[Moment, ...]
    reopens: bool
    restarts_sla: bool
    dead: bool
    approves: bool
    asks: bool
    revokes: bool
    pending: Reach | None
    renewals: tuple[tuple[int, str], ...]
    renewed: tuple[int, str] | None

    @property
    def query(self) -> str:
        """The address of the list of what it would cover, without its path."""
        return f"waiver={self.row.id}"


def find_waiver(pk: int, actor: Actor) -> Waiver | None:
    """A waiver that somebody may see, loaded with ``OWNERS``."""
    rows = Waiver.objects.select_related(*OWNERS).filter(pk__in=Waiver.objects.for_user(actor).order_by().values("pk"))
    return rows.filter(pk=pk).first()


def waiver_page(waiver: Waiver, user: User, *, now: datetime) -> WaiverPage:
    """What ``find_waiver`` found, for somebody."""
    actor = user.actor
    row = waiver_row(waiver, covered_now([waiver.pk], actor).get(waiver.pk, 0), now)
    counts = WaiverState(row.state) in COUNTS
    left = _left(waiver, actor) if counts or row.state == WaiverState.WAITING else []
    visible = Waiver.objects.for_user(actor)
    return WaiverPage(
        row=row,
        rule_title=rule_title(waiver.rule),
        digest=waiver.digest,
        covered=tuple(finding_line(each) for each in _covered(waiver, actor)),
        left=tuple(left[:SHOWN]),
        left_more=len(left) > SHOWN,
        history=tuple(_history(waiver, now)),
        reopens=waiver.reopens,
        restarts_sla=waiver.restarts_sla,
        dead=counts and bool(dead_of([waiver], actor)),
        approves=may_approve_waiver(actor, [waiver.team_id]),
        asks=may_ask_for_waiver(actor, [waiver.team_id]),
        revokes=may_revoke_waiver(actor, [waiver.team_id], (waiver.owner_id, waiver.created_by_id)),
        pending=pending_reach(waiver, actor) if row.state == WaiverState.WAITING else None,
        renewals=tuple(visible.filter(renews=waiver).order_by("pk").values_list("pk", "title")[:SHOWN]),
        renewed=visible.filter(pk=waiver.renews_id).values_list("pk", "title").first() if waiver.renews_id else None,
    )


def pending_reach(waiver: Waiver, actor: Actor) -> Reach | None:
    """What a waiver would cover, or covers, for whoever may see all of it."""
    if not actor.sees_everything and waiver.team_id not in actor.team_ids:
        return None
    return measure(scope_of(waiver), accepted=waiver.accepted, written_at=waiver.created_at)


def _covered(waiver: Waiver, actor: Actor) -> Iterable[Finding]:
    rows = Finding.objects.for_user(actor).filter(waiver=waiver, status=StatusChoice.WAIVED)
    return rows.select_related("repository").order_by("-protected", "rank", "pk")[:SHOWN]


def _left(waiver: Waiver, actor: Actor) -> list[FindingLine]:
    """Findings that somebody still has to work on although rule and repository fit."""
    scope = scope_of(waiver)
    rows = findings_in_scope(scope).for_user(actor).filter(status__in=[s for s in Status if s != Status.WAIVED])
    ids = list(rows.order_by("-protected", "rank", "pk").values_list("pk", flat=True)[:_LOOKED_AT])
    held = hold(Finding.objects.filter(pk__in=ids), tags=needs_tags([scope]) or bool(ids))
    lines = (finding_line(each.row, why) for each in held if (why := _why_left(waiver, scope, each)))
    return list(islice(lines, SHOWN + 1))


def _why_left(waiver: Waiver, scope: WaiverScope, held: Held) -> str:
    answer = covers(scope, waiver.accepted, held.facts, written_at=waiver.created_at)
    if answer:
        return held.refuses(waiver)
    return "" if answer.answer is Answer.OUT_OF_SCOPE else answer.words


def finding_line(row: Finding, why: str = "") -> FindingLine:
    """A finding that was loaded with its repository."""
    return FindingLine(
        id=row.pk,
        repository=row.repository.name,
        platform=row.platform,
        subject=row.subject,
        status=StatusChoice(row.status).label,
        protected=row.protected,
        tags=row.tags,
        why=why,
    )


def _history(waiver: Waiver, now: datetime) -> Sequence[Moment]:
    approved = "Approved" if waiver.approver_id != waiver.created_by_id else "Approved, without a second person,"
    ended = "What it covered was opened again"
    found = [
        Moment(
            waiver.created_at,
            "Renewed from an earlier waiver" if waiver.renews_id else "Written",
            _name(waiver.created_by),
        ),
        Moment(waiver.approved_at, approved, _name(waiver.approver)) if waiver.approved_at else None,
        Moment(waiver.revoked_at, "Revoked" if waiver.approved_at else "Refused", _name(waiver.revoked_by))
        if waiver.revoked_at
        else None,
        Moment(waiver.expires_at, "Expired") if waiver.expires_at <= now and not waiver.revoked_at else None,
        Moment(waiver.reopened_at, ended) if waiver.reopened_at and not waiver.revoked_at else None,
    ]
    return sorted((moment for moment in found if moment is not None), key=lambda moment: moment.at)


def _name(user: User | None) -> str:
    return "" if user is None else str(user.get_username())
