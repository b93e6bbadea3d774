"""Steps of a tick: each is done whatever became of the others, and what fails is known since when."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import OperationalError, connection

from compliance.models import Repository, SharedValue
from compliance.models.shared_value import TICKED
from compliance.services.take_steps import Step, take_steps
from tests.support.rows import NOW, fleet

LATER = NOW + timedelta(seconds=10)


def _cannot(_now: datetime) -> None:
    raise RuntimeError("the mail is broken")


def _written() -> object:
    return SharedValue.objects.get(pk=TICKED).value


@pytest.mark.django_db
def test_each_is_done_whatever_became_of_another(caplog: pytest.LogCaptureFixture) -> None:
    done: list[tuple[str, datetime]] = []
    first = Step("dig", lambda now: done.append(("dig", now)))
    last = Step("rest", lambda now: done.append(("rest", now)))
    take_steps((first, Step("tell somebody", _cannot), last), NOW)
    assert done == [("dig", NOW), ("rest", NOW)]
    (record,) = caplog.records
    assert record.getMessage() == "the tick could not tell somebody; the next one tries again"
    assert "the mail is broken" in caplog.text


@pytest.mark.django_db
def test_since_when_it_fails_is_known_until_it_does_not() -> None:
    whole, broken = Step("tell somebody", lambda _now: None), Step("tell somebody", _cannot)
    take_steps((whole,), NOW)
    assert _written() == {"at": NOW.isoformat(), "failing": {}}
    for minutes in (1, 2):
        take_steps((broken,), NOW + timedelta(minutes=minutes))
    began = {"tell somebody": (NOW + timedelta(minutes=1)).isoformat()}
    assert _written() == {"at": (NOW + timedelta(minutes=2)).isoformat(), "failing": began}
    take_steps((Step("dig", _cannot), broken), LATER)
    assert _written() == {"at": LATER.isoformat(), "failing": {**began, "dig": LATER.isoformat()}}
    take_steps((whole,), LATER)
    assert _written() == {"at": LATER.isoformat(), "failing": {}}


def _cut(_now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.mark.django_db(transaction=True)
def test_a_step_that_costs_the_connection_costs_no_other_step() -> None:
    fleet(1)
    found: list[int] = []
    take_steps((Step("dig", _cut), Step("rest", lambda _now: found.append(Repository.objects.count()))), NOW)
    assert found == [1]
    assert _written() == {"at": NOW.isoformat(), "failing": {"dig": NOW.isoformat()}}


@pytest.mark.django_db(transaction=True)
def test_while_the_database_is_away_the_tick_ends() -> None:
    done: list[datetime] = []
    port = connection.settings_dict["PORT"]

    def lose(now: datetime) -> None:
        connection.settings_dict["PORT"] = "1"
        _cut(now)

    try:
        with pytest.raises(OperationalError):
            take_steps((Step("dig", lose), Step("rest", done.append)), NOW)
    finally:
        connection.settings_dict["PORT"] = port
        connection.close()
    assert done == []
    assert not SharedValue.objects.filter(pk=TICKED).exists()
