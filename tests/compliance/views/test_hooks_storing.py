"""Where registries push: stored, or answered with 503."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection

from compliance.models import InboundEvent, Push
from compliance.policy.wake_up import WakeUp
from tests.support.hooks import B, Hook, pushed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rung", "no_rejections")]


@contextmanager
def failing(words: str, fault: str) -> Iterator[None]:
    """A database that cannot do statements with these words."""

    def run(execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        if words in sql:
            raise OperationalError(fault)
        return execute(sql, *more)

    with connection.execute_wrapper(run):
        yield


def test_a_database_that_is_down(hook: Hook, rung: list[WakeUp]) -> None:
    with failing("INSERT INTO compliance_inboundevent", "no space left on device"):
        answer = hook.send(pushed())
    assert (answer.status_code, answer["Retry-After"], rung) == (503, "10", [])
    assert not Push.objects.exists()


def test_nothing_of_a_request_is_stored_without_the_rest(hook: Hook) -> None:
    with failing('UPDATE "compliance_webhookendpoint"', "terminated"):
        assert hook.send(pushed()).status_code == 503
    assert not InboundEvent.objects.exists()
    assert not Push.objects.exists()


def test_how_many_statements_a_push_costs(hook: Hook, django_assert_num_queries: Any) -> None:
    hook.send(pushed("first"))
    with django_assert_num_queries(5):  # endpoint, savepoint, what is known, event with pushes, release
        hook.send(pushed("second", B))
