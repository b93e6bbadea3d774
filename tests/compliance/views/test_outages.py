"""While the queue or the database is away."""

from __future__ import annotations

from unittest.mock import patch

import pytest
import redis
from django.db import OperationalError
from django.test import Client, RequestFactory

from compliance.models import User
from compliance.views import outages
from compliance.views.outages import Looked, queue_answers, server_error


class Answers:
    """Counts how often it was asked."""

    def __init__(self, *found: bool) -> None:
        self.found = list(found)
        self.seconds = 100.0

    def ask(self) -> bool:
        return self.found.pop(0)

    def clock(self) -> float:
        return self.seconds


def test_the_queue_is_asked_now_and_then() -> None:
    answers = Answers(False, True)
    looked = Looked(answers.ask, answers.clock)
    assert [looked.is_away() for _ in range(50)] == [True] * 50
    answers.seconds += 6
    assert (looked.is_away(), answers.found) == (False, [])


def test_a_queue_that_answers() -> None:
    assert queue_answers()


def test_a_queue_that_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise redis.ConnectionError

    monkeypatch.setattr(redis.Redis, "ping", fail)
    assert not queue_answers()


@pytest.mark.django_db
@pytest.mark.parametrize("away", [True, False])
def test_pages_say_it(client: Client, monkeypatch: pytest.MonkeyPatch, away: bool) -> None:
    monkeypatch.setattr(outages.QUEUE, "is_away", lambda: away)
    client.force_login(User.objects.create_user("kim", role="security"))
    assert (b"queue is paused" in client.get("/repos/").content) is away


@pytest.mark.parametrize(("error", "status", "wait"), [(OperationalError, 503, "10"), (ValueError, 500, None)])
def test_a_database_that_is_away_is_no_fault_of_ours(error: type[Exception], status: int, wait: str | None) -> None:
    try:
        raise error("server closed the connection with password=secret")
    except error:
        answer = server_error(RequestFactory().get("/"))
    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, wait)
    assert b"secret" not in answer.content


@pytest.mark.parametrize("error", [OperationalError, ValueError])
def test_it_is_said_without_any_file_for_looks(error: type[Exception]) -> None:
    """Where the manifest of static files is missing, every page fails: the one that says so must not."""
    with patch.object(outages, "static", side_effect=ValueError("Missing staticfiles manifest entry")):
        try:
            raise error
        except error:
            answer = server_error(RequestFactory().get("/"))
    assert (b"<h1>" in answer.content, b"stylesheet" in answer.content) == (True, False)
    try:
        raise error
    except error:
        assert server_error(RequestFactory().get("/")).content.count(b"stylesheet") == 5
