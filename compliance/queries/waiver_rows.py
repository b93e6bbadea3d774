"""What pages say of one waiver: its state and its scope in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Q

from compliance.models import ReasonChoice, Waiver
from compliance.remediation.waiver import EXPIRING, WaiverState, state_of
from scanner.rulebook import RULES

STATES: Final[dict[str, str]] = {
    WaiverState.WAITING: "Waiting for approval",
    WaiverState.ACTIVE: "Active",
    WaiverState.EXPIRING: "Expiring",
    WaiverState.EXPIRED: "Expired",
    WaiverState.REVOKED: "Revoked",
}
OWNERS: Final = ("registry", "team", "owner", "approver", "created_by", "revoked_by", "renews")
_TITLES = {rule.id: rule.title for rule in RULES}
_CHIPS: Final = {
    WaiverState.WAITING: "unknown",
    WaiverState.ACTIVE: "pass",
    WaiverState.EXPIRING: "warn",
    WaiverState.EXPIRED: "not_applicable",
    WaiverState.REVOKED: "not_applicable",
}


@dataclass(frozen=True, slots=True)
class WaiverRow:
    """One waiver; ``covered`` counts the findings it covers now that the reader may see.

    :param pinned: to one digest, with which it ends.
    """

    id: int
    title: str
    state: str
    state_label: str
    chip: str
    rule: str
    scope: str
    covered: int
    owner: str
    author: str
    approver: str
    reason: str
    explanation: str
    control: str
    created_at: datetime
    approved_at: datetime | None
    expires_at: datetime
    revoked_at: datetime | None
    pinned: bool = False

    @property
    def has_ended(self) -> bool:
        """Whether nothing can be done about it any more but to renew it."""
        return self.state in (WaiverState.EXPIRED, WaiverState.REVOKED)


def waiver_row(row: Waiver, covered: int, now: datetime) -> WaiverRow:
    """A row loaded with ``OWNERS``."""
    state = state_of(approved_at=row.approved_at, expires_at=row.expires_at, revoked_at=row.revoked_at, now=now)
    return WaiverRow(
        id=row.pk,
        title=row.title,
        state=str(state),
        state_label=STATES[state],
        chip=_CHIPS[state],
        rule=row.rule,
        scope=scope_words(row),
        covered=covered,
        owner=row.owner.get_username(),
        author=row.created_by.get_username(),
        approver=row.approver.get_username() if row.approver else "",
        reason=ReasonChoice(row.reason).label if row.reason in ReasonChoice.values else row.reason,
        explanation=row.explanation,
        control=row.control,
        created_at=row.created_at,
        approved_at=row.approved_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        pinned=bool(row.digest),
    )


def scope_words(row: Waiver) -> str:
    """``repositories team/* of Harbor, tags v*, of team Payments``."""
    where = _plural("repositor", row.repository_pattern, "every repository", ("y", "ies"))
    parts = [
        where + (f" of {row.registry.name}" if row.registry else ""),
        _plural("tag", row.tag_pattern, "", ("", "s")),
        f"only {row.digest[:19]}…" if row.digest else "",
        f"of team {row.team.name}" if row.team else "",
    ]
    return ", ".join(part for part in parts if part)


def _plural(noun: str, pattern: str, empty: str, endings: tuple[str, str]) -> str:
    if not pattern:
        return empty
    return f"{noun}{endings['*' in pattern or '?' in pattern]} {pattern}"


def rule_title(rule: str) -> str:
    """What a rule is called; nothing for one that is gone."""
    return _TITLES.get(rule, "")


def in_state(state: str, now: datetime) -> Q:
    """``state_of`` as a filter of rows."""
    unrevoked = Q(revoked_at=None) | Q(revoked_at__gt=now)
    running = unrevoked & Q(expires_at__gt=now)
    approved = running & Q(approved_at__isnull=False)
    return {
        WaiverState.WAITING: running & Q(approved_at=None),
        WaiverState.ACTIVE: approved & Q(expires_at__gt=now + EXPIRING),
        WaiverState.EXPIRING: approved & Q(expires_at__lte=now + EXPIRING),
        WaiverState.EXPIRED: unrevoked & Q(expires_at__lte=now),
        WaiverState.REVOKED: Q(revoked_at__lte=now),
    }[WaiverState(state)]
