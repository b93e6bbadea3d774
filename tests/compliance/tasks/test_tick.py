"""What the beat does, in an order that counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from compliance.models import Delivery, SharedValue, Waiver
from compliance.models.clock import database_now
from compliance.remediation.joining import unpacked
from compliance.remediation.notices import Kind
from compliance.tasks import tick
from tests.support.channels import channel
from tests.support.remediation import finding, own, team
from tests.support.rows import fleet, user


@pytest.mark.django_db
def test_what_becomes_overdue_as_its_waiver_ends_is_told_once() -> None:
    """Both are days, which end in the same second."""
    repository = fleet(1).repositories[0]
    own(team("Web"), [repository])
    channel(user("sam", role="security"), Kind.OVERDUE)
    owner, now = user("owner"), database_now()
    end = now - timedelta(seconds=5)
    waiver = Waiver.objects.create(
        title="Until then",
        rule="NR101",
        reason="vendor",
        explanation="Theirs.",
        owner=owner,
        created_by=owner,
        approver=owner,
        approved_at=now - timedelta(days=3),
        created_at=now - timedelta(days=3),
        expires_at=end,
    )
    waived = finding(repository, "NR101", due_at=end, status="waived", waiver=waiver)
    other = finding(repository, "NR102", due_at=end)
    SharedValue.objects.create(key="notices:overdue", value=(now - timedelta(seconds=10)).isoformat())
    for _ in range(2):
        tick()
    rows = Delivery.objects.filter(kind="overdue")
    told = [line.finding for row in rows for line in unpacked(Kind.OVERDUE, row.about, row.message).lines]
    assert sorted(told) == sorted([waived.pk, other.pk])  # type: ignore[type-var]  # a finding's line has its id
