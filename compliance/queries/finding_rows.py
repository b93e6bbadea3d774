"""Findings as lines of a list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from compliance.access import Actor, may_triage
from compliance.models import Finding, StatusChoice
from compliance.remediation.sla import SOON
from compliance.remediation.status import TO_DO, Status
from compliance.remediation.terms import SEVERITIES
from scanner.rulebook import RULES

_TITLES = {rule.id: rule.title for rule in RULES}
_OWNERS = ("repository__registry", "repository__team", "assignee", "waiver")


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One line of the list."""

    id: int
    rule: str
    title: str
    subject: str
    severity: str
    platform: str
    registry_slug: str
    registry: str
    repository: str
    team: str
    team_slug: str
    status: str
    status_label: str
    assignee: str
    opened_at: datetime
    due_at: datetime | None
    overdue: bool
    due_soon: bool
    tags: int
    protected: bool
    regression: bool
    last_seen_at: datetime
    waived_until: datetime | None
    may_change: bool


def rows_of(ids: Iterable[int], actor: Actor, *, now: datetime) -> tuple[FindingRow, ...]:
    """Findings by their ids, in that order."""
    wanted = list(ids)
    found = Finding.objects.select_related(*_OWNERS).in_bulk(wanted) if wanted else {}
    return tuple(_row(found[pk], actor, now) for pk in wanted if pk in found)


def _row(finding: Finding, actor: Actor, now: datetime) -> FindingRow:
    repository, due = finding.repository, finding.due_at if finding.status in TO_DO else None
    return FindingRow(
        id=finding.pk,
        rule=finding.rule,
        title=_TITLES.get(finding.rule, finding.rule),
        subject=finding.subject,
        severity=SEVERITIES[min(finding.rank, len(SEVERITIES) - 1)],
        platform=finding.platform,
        registry_slug=repository.registry.slug,
        registry=repository.registry.name,
        repository=repository.name,
        team=repository.team.name if repository.team else "",
        team_slug=repository.team.slug if repository.team else "",
        status=finding.status,
        status_label=StatusChoice(finding.status).label,
        assignee=finding.assignee.get_username() if finding.assignee else "",
        opened_at=finding.opened_at,
        due_at=due,
        overdue=due is not None and due < now,
        due_soon=due is not None and now <= due <= now + SOON,
        tags=finding.tags,
        protected=finding.protected,
        regression=finding.regression,
        last_seen_at=finding.last_seen_at,
        waived_until=finding.waiver.expires_at if finding.waiver and finding.status == Status.WAIVED else None,
        may_change=may_triage(actor, repository.team_id),
    )
