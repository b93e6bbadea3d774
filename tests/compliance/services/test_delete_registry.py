"""Deleting a registry takes everything of it, closed days too, and nothing of others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from compliance.models import (
    HISTORIES,
    AuditEvent,
    DailySnapshot,
    Finding,
    FleetDay,
    Image,
    InboundEvent,
    OwnershipRule,
    PolicyAssignment,
    Push,
    Registry,
    RegistryState,
    Repository,
    State,
    User,
    Waiver,
    WebhookEndpoint,
)
from compliance.remediation.waiver import WaiverScope
from compliance.services.close_days import close_days
from compliance.services.delete_registry import delete_registry
from compliance.services.write_waiver import write_waiver
from tests.compliance.services.test_changes_and_scans import InBackground
from tests.support.remediation import draft, finding, team
from tests.support.rows import NOW, Fleet, fleet, scan, user

pytestmark = pytest.mark.django_db(transaction=True)


def furnished(name: str, by: User) -> Fleet:
    """A registry with a row in every table that hangs on one."""
    made = fleet(2, name=name)
    home = made.registry
    RegistryState.objects.create(registry=home)
    PolicyAssignment.objects.create(registry=home, pattern="x*", policy=home.policy, created_at=NOW)
    WebhookEndpoint.objects.create(registry=home, product="harbor", key=name, secret="s", created_at=NOW)
    event = InboundEvent.objects.create(registry=home, received_at=NOW, outcome="accepted", body=b"", body_size=0)
    running = scan(home, made.repositories, state=State.RUNNING, finished_at=None)
    Push.objects.create(event=event, registry=home, repository="a", tag="b", received_at=NOW, scan=running)
    made.tags[0].changes.update(scan=running)
    rule = OwnershipRule.objects.create(registry=home, position=0, pattern="*", team=team(name))
    Repository.objects.filter(registry=home).update(team=rule.team, team_rule=rule)
    Image.objects.update(run_key="known")
    finding(made.repositories[0], tags=made.tags[:1])
    waived = write_waiver(draft(by, scope=WaiverScope("NR103", registry_id=home.pk)), by=by, now=NOW)
    write_waiver(replace(draft(by, scope=WaiverScope("NR103", registry_id=home.pk)), renews=waived), by=by, now=NOW)
    return made


def rows() -> dict[str, int]:
    """How many there are of everything but the audit trail, which outlives what it tells of."""
    models = apps.get_app_config("compliance").get_models()
    trail = {AuditEvent, *HISTORIES}
    return {model.__name__: model._default_manager.count() for model in models if model not in trail}


def test_everything_of_it_goes_and_nothing_of_others() -> None:
    boss = user("boss")
    furnished("Kept", boss)
    with_one = rows()
    made = furnished("Harbor", boss)
    images = Image.objects.count()
    assert (rows()["Push"], rows()["Waiver"]) == (2, 4)
    renewal = Waiver.objects.get(renews__isnull=False, registry__name="Kept")
    Waiver.objects.filter(pk=renewal.pk).update(renews=Waiver.objects.filter(registry=made.registry).latest("pk"))
    delete_registry(made.registry, by=None)
    assert rows() == {**with_one, "Team": with_one["Team"] + 1}
    assert set(Finding.objects.values_list("status", flat=True)) == {"waived"}
    assert Image.objects.count() == images
    assert Registry.objects.get().name == "Kept"
    assert DailySnapshot.objects.filter(closed=True).exists()


def test_a_registry_is_deleted_while_its_days_are_closed() -> None:
    made = fleet(1)
    DailySnapshot.objects.filter(closed=False).update(closed=True)
    with transaction.atomic():
        assert close_days(NOW + timedelta(days=2)) == 0
        assert FleetDay.objects.filter(day=(NOW + timedelta(days=1)).date()).exists()
        other = InBackground(lambda: delete_registry(made.registry, by=None))
        other.until_it_waits()
    other.end()
    assert not Registry.objects.exists()
    assert not FleetDay.objects.exists()


def test_closed_days_of_others_are_as_safe_as_before() -> None:
    made, other = fleet(1), fleet(1, name="Kept")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('plimsoll.deleted_registry', %s, true)", [str(made.registry.pk)])
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            DailySnapshot.objects.filter(repository=other.repositories[0]).delete()
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            DailySnapshot.objects.filter(repository=made.repositories[0], closed=True).update(passed=0, failed=2)
