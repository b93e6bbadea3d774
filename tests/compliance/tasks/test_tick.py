"""What the beat does: in an order that counts, and each whatever became of the rest."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

import pytest

from compliance.models import Delivery, Finding, SharedValue
from compliance.models.clock import database_now
from compliance.models.shared_value import TICKED
from compliance.remediation.joining import unpacked
from compliance.remediation.notices import Kind
from compliance.tasks import tick
from tests.support.channels import channel
from tests.support.remediation import finding, own, team, waived_until
from tests.support.rows import fleet, user


@pytest.mark.django_db
def test_what_becomes_overdue_as_its_waiver_ends_is_told_once() -> None:
    """Both are days, which end in the same second."""
    repository = fleet(1).repositories[0]
    own(team("Web"), [repository])
    channel(user("sam", role="security"), Kind.OVERDUE)
    now = database_now()
    end = now - timedelta(seconds=5)
    waived = waived_until(repository, user("owner"), end, due_at=end)
    other = finding(repository, "NR102", due_at=end)
    SharedValue.objects.create(key="notices:overdue", value=(now - timedelta(seconds=10)).isoformat())
    for _ in range(2):
        tick()
    rows = Delivery.objects.filter(kind="overdue")
    told = [line.finding for row in rows for line in unpacked(Kind.OVERDUE, row.about, row.message).lines]
    assert sorted(told) == sorted([waived.pk, other.pk])  # type: ignore[type-var]  # a finding's line has its id


@pytest.mark.django_db
def test_what_cannot_be_told_keeps_no_waiver_from_ending(caplog: pytest.LogCaptureFixture) -> None:
    repository, owner = fleet(1).repositories[0], user("owner")
    end = database_now() - timedelta(seconds=5)
    waived = waived_until(repository, owner, end)
    with patch("compliance.services.tell_the_week.tell_of_views", side_effect=RuntimeError("no words")):
        tick()
    assert Finding.objects.get(pk=waived.pk).status == "open"
    assert "the tick could not tell teams of their week" in caplog.text
    assert list(_failing()) == ["tell teams of their week"]
    tick()
    assert _failing() == {}


@pytest.mark.django_db
def test_a_waiver_that_cannot_be_ended_is_a_step_that_fails() -> None:
    repository, owner = fleet(1).repositories[0], user("owner")
    waived = waived_until(repository, owner, database_now() - timedelta(seconds=5))
    with patch("compliance.services.end_waivers.apply_and_count", side_effect=RuntimeError("no")):
        tick()
    assert Finding.objects.get(pk=waived.pk).status == "waived"
    assert list(_failing()) == ["end waivers and warn of their end"]


def _failing() -> dict[str, str]:
    said: dict[str, dict[str, str]] = SharedValue.objects.values_list("value", flat=True).get(pk=TICKED) or {}
    return said["failing"]
