"""Findings as lines of a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from compliance.access import Actor, may_triage
from compliance.models import Finding, StatusChoice
from compliance.queries.finding_evidence import Proof, evidence_of, with_proof
from compliance.remediation.sla import SOON
from compliance.remediation.status import TO_DO, Status
from compliance.remediation.terms import SEVERITIES
from scanner.rulebook import RULES

_TITLES = {rule.id: rule.title for rule in RULES}
_STATUSES = {choice.value: str(choice.label) for choice in StatusChoice}
_READ = (
    *("pk", "rule", "subject", "rank", "platform", "status", "opened_at", "due_at", "tags", "protected", "regression"),
    *("last_seen_at", "assignee__username", "waiver__expires_at", "repository__name", "repository__team_id"),
    *("repository__team__name", "repository__team__slug"),
    *("repository__registry__slug", "repository__registry__name"),
)


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One line of the list.

    :param waiver_over: it is still waived although its waiver has ended: nothing has opened it again yet.
    :param proof: what proves it, in words of any length; none where nothing does now, or nobody asked.
    """

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
    waiver_over: bool
    may_change: bool
    proof: Proof | None = None


def rows_of(ids: Iterable[int], actor: Actor, *, now: datetime, evidence: bool = False) -> tuple[FindingRow, ...]:
    """Findings by their ids, in that order.

    :param evidence: whether they say what proves them, by one more query.
    """
    wanted = list(ids)
    if not wanted:
        return ()
    rows = Finding.objects.filter(pk__in=wanted)
    # Not as models: 250 of them with their repositories and teams take 40 ms to make.
    read = with_proof(rows).values(*_READ, "image", "strips") if evidence else rows.values(*_READ)
    found: dict[int, Mapping[str, Any]] = {each["pk"]: each for each in read}
    said = evidence_of(found.values()) if evidence else {}
    return tuple(_row(found[pk], actor, now, said.get(pk)) for pk in wanted if pk in found)


def _row(found: Mapping[str, Any], actor: Actor, now: datetime, proof: Proof | None) -> FindingRow:
    due = found["due_at"] if found["status"] in TO_DO else None
    waived_until = found["waiver__expires_at"] if found["status"] == Status.WAIVED else None
    return FindingRow(
        id=found["pk"],
        rule=found["rule"],
        title=_TITLES.get(found["rule"], found["rule"]),
        subject=found["subject"],
        severity=SEVERITIES[min(found["rank"], len(SEVERITIES) - 1)],
        platform=found["platform"],
        registry_slug=found["repository__registry__slug"],
        registry=found["repository__registry__name"],
        repository=found["repository__name"],
        team=found["repository__team__name"] or "",
        team_slug=found["repository__team__slug"] or "",
        status=found["status"],
        status_label=_STATUSES[found["status"]],
        assignee=found["assignee__username"] or "",
        opened_at=found["opened_at"],
        due_at=due,
        overdue=due is not None and due < now,
        due_soon=due is not None and now <= due <= now + SOON,
        tags=found["tags"],
        protected=found["protected"],
        regression=found["regression"],
        last_seen_at=found["last_seen_at"],
        waived_until=waived_until,
        waiver_over=waived_until is not None and waived_until <= now,
        may_change=may_triage(actor, found["repository__team_id"]),
        proof=proof,
    )
