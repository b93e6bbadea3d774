"""The bell for a channel that something is to be sent to."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from celery import current_app

from compliance.models import Delivery
from compliance.policy.wake_up import WakeUp, Work
from compliance.remediation.notices import Kind
from compliance.tasks.deliveries import wake_deliveries
from compliance.tasks.wake import _TASKS
from tests.support.channels import channel, delivery, notice
from tests.support.rows import user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("work", Work)
def test_every_kind_of_work_has_a_task(work: Work) -> None:
    assert _TASKS[work] in current_app.tasks


def test_it_sends_and_rings_for_more() -> None:
    row = channel(user(), kind="mail", target="sam@example.org", enabled=False)
    for at in range(11):
        delivery(row, notice(key=str(at), kind=Kind.DIGEST))
    with patch("compliance.tasks.deliveries.ring") as ring:
        wake_deliveries(pk=row.pk)
    ring.assert_called_once_with([WakeUp(Work.DELIVERIES, row.pk)])
    assert Delivery.objects.filter(state="dropped").count() == 10
