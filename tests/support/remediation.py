"""Rows of teams and findings for tests, without a scan; what is shown of them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime, timedelta

from compliance.models import (
    Finding,
    FindingEvent,
    FindingSpan,
    Membership,
    Occurrence,
    Repository,
    Tag,
    Team,
    UnsettledWaiver,
    User,
    Waiver,
)
from compliance.remediation.waiver import WaiverScope
from compliance.services.end_waivers import settle_waivers
from compliance.services.write_waiver import Draft
from tests.support.rows import NOW, Fleet


def team(name: str = "Payments", **members: User) -> Team:
    """A team; ``lead=somebody, viewer=…`` are its members by role."""
    row = Team.objects.create(slug=name.lower().replace(" ", "-"), name=name, created_at=NOW)
    for role, somebody in members.items():
        join(row, somebody, role)
    return row


def join(row: Team, somebody: User, role: str) -> None:
    """Make somebody a member."""
    Membership.objects.create(team=row, user=somebody, role=role)
    somebody.__dict__.pop("actor", None)


def own(row: Team, repositories: Iterable[Repository]) -> None:
    """Give repositories to a team."""
    for repository in repositories:
        repository.team = row
        repository.save(update_fields=["team"])


def finding_row(repository: Repository, rule: str = "NR103", **columns: object) -> Finding:
    """An unsaved finding of ten days ago, critical, due in four days."""
    opened = NOW - timedelta(days=10)
    values: dict[str, object] = {
        "platform": "linux/amd64",
        "subject": "app",
        "rank": 0,
        "first_seen_at": opened,
        "last_seen_at": NOW - timedelta(hours=1),
        "opened_at": opened,
        "changed_at": opened,
        "sla_from": opened,
        "due_at": opened + timedelta(days=14),
    }
    return Finding(repository=repository, rule=rule, **{**values, **columns})


def finding(repository: Repository, rule: str = "NR103", *, tags: Iterable[Tag] = (), **columns: object) -> Finding:
    """A finding with its span, its first event, and an occurrence for each of the tags."""
    row = finding_row(repository, rule, **columns)
    found = tuple(tags)
    row.tags = len(found)
    row.save()
    complete([row])
    Occurrence.objects.bulk_create(
        Occurrence(finding=row, tag=each, image=each.image, since=row.opened_at) for each in found
    )
    return row


def waived_until(repository: Repository, owner: User, end: datetime, due_at: datetime | None = None) -> Finding:
    """A finding under a waiver that ends, or ended, at a moment."""
    waiver = Waiver.objects.create(
        title="Until then",
        rule="NR101",
        reason="vendor",
        explanation="Theirs.",
        owner=owner,
        created_by=owner,
        approver=owner,
        approved_at=end - timedelta(days=3),
        created_at=end - timedelta(days=3),
        expires_at=end,
    )
    return finding(repository, "NR101", due_at=due_at, status="waived", waiver=waiver)


def findings(rows: Iterable[Finding]) -> list[Finding]:
    """Save many, each with its span and its first event."""
    made = Finding.objects.bulk_create(rows)
    complete(made)
    return made


def complete(rows: Iterable[Finding]) -> None:
    """Give findings their spans and first events."""
    made = tuple(rows)
    FindingSpan.objects.bulk_create(
        FindingSpan(
            finding=row,
            repository_id=row.repository_id,
            rank=row.rank,
            opened_at=row.opened_at,
            closed_at=row.closed_at,
            resolution=row.resolution,
            due_at=row.due_at,
        )
        for row in made
    )
    FindingEvent.objects.bulk_create(
        FindingEvent(finding=row, at=row.opened_at, kind=FindingEvent.Kind.FOUND, became="new") for row in made
    )


def draft(owner: User, *, scope: WaiverScope | None = None) -> Draft:
    """What somebody fills in to waive a rule everywhere for a hundred days."""
    return Draft(
        title="Legacy images",
        scope=scope or WaiverScope("NR103"),
        reason="migration",
        explanation="They are being replaced.",
        control="",
        owner=owner,
        until=(NOW + timedelta(days=100)).date(),
    )


def failing_tags(found: Fleet) -> list[Tag]:
    """The tag of each repository of a fleet that fails."""
    return [tag for tag in found.tags if tag.name == "latest"]


def statuses() -> list[str]:
    """The status of every finding, the oldest first."""
    return list(Finding.objects.order_by("pk").values_list("status", flat=True))


def shown() -> list[str]:
    """What is shown of the failing tag of each repository of a fleet."""
    return list(Tag.objects.filter(name="latest").order_by("pk").values_list("shown", flat=True))


def settle_to_the_end(now: datetime) -> None:
    """Look until waivers were looked at for the last time.

    What other tests do in other databases of the server is waited for as well: transactions are numbered by the server.
    """
    deadline = time.monotonic() + 300
    while UnsettledWaiver.objects.exists():
        assert time.monotonic() < deadline, "transactions of somebody else do not end"
        settle_waivers(now)
        time.sleep(0.05)
