"""Deleting a registry takes everything of it, closed days too, and nothing of others."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from compliance.models import (
    HISTORIES,
    AuditEvent,
    DailySnapshot,
    Image,
    InboundEvent,
    PolicyAssignment,
    Push,
    Registry,
    RegistryState,
    State,
    WebhookEndpoint,
)
from compliance.services.delete_registry import delete_registry
from tests.support.rows import NOW, Fleet, fleet, scan, user

pytestmark = pytest.mark.django_db(transaction=True)


def furnished(name: str) -> Fleet:
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
    return made


def rows() -> dict[str, int]:
    """How many rows each table has."""
    """How many there are of everything but the audit trail, which outlives what it tells of."""
    models = apps.get_app_config("compliance").get_models()
    trail = {AuditEvent, *HISTORIES}
    return {model.__name__: model._default_manager.count() for model in models if model not in trail}


def test_everything_of_it_goes_and_nothing_of_others() -> None:
    user("boss")
    furnished("Kept")
    with_one = rows()
    made = furnished("Harbor")
    images = Image.objects.count()
    assert rows()["Push"] == 2
    delete_registry(made.registry, by=None)
    assert rows() == with_one
    assert Image.objects.count() == images
    assert Registry.objects.get().name == "Kept"
    assert DailySnapshot.objects.filter(closed=True).exists()


def test_closed_days_of_others_are_as_safe_as_before() -> None:
    made, other = fleet(1), fleet(1, name="Kept")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('plimsoll.deleted_registry', %s, true)", [str(made.registry.pk)])
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            DailySnapshot.objects.filter(repository=other.repositories[0]).delete()
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            DailySnapshot.objects.filter(repository=made.repositories[0], closed=True).update(passed=0, failed=2)
