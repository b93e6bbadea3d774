"""Real workers that are killed or lose their queue while they tell somebody: it arrives, and the log says how often."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.utils import timezone

from compliance.models import Channel, Delivery, SavedView
from compliance.policy.wake_up import WakeUp, Work
from compliance.remediation.notices import Kind
from compliance.services.mail_view import mail_view
from compliance.services.tell_of_views import tell_of_views
from compliance.tasks.wake import ring_now
from tests.support.channels import channel, delivery, notice
from tests.support.postbox import posting
from tests.support.receiver import Receiver, receiving
from tests.support.remediation import finding, own, team
from tests.support.rows import fleet, user
from tests.support.workers import kill, worker

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
PRIVATE: dict[str, Any] = {"PLIMSOLL_ALLOW_PRIVATE_REGISTRIES": "true"}


def _until(happened: Callable[[], object], seconds: float = 200.0) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, list(Delivery.objects.values("state", "attempts", "next_at"))
        time.sleep(0.05)


def _regression(to: Receiver | None = None, *, mail: str = "") -> Delivery:
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    repository = fleet(1).repositories[0]
    web = team("Web")
    own(web, [repository])
    where: dict[str, Any] = {"target": mail, "kind": "mail"}
    if to:
        where = {"target": to.url, "kind": "webhook", "secret": "known"}
    row = channel(web, Kind.REGRESSION, allow_private=True, **where)
    return delivery(row, notice(repository, kind=Kind.REGRESSION), at=timezone.now())


def _sent(row: Delivery) -> bool:
    return Delivery.objects.filter(pk=row.pk, state=Delivery.State.SENT).exists()


def test_kill_9_while_it_is_being_sent(tmp_path: Path) -> None:
    with receiving() as receiver:
        receiver.answering.clear()
        row = _regression(receiver)
        with worker(tmp_path, **PRIVATE) as process:
            _until(lambda: receiver.requests)
            kill(process)
        row.refresh_from_db()
        assert (row.state, row.attempts) == (Delivery.State.WAITING, 1)
        assert [each.words for each in row.tries.all()] == ["Under way."]
        receiver.answering.set()
        Delivery.objects.update(lease_until=LONG_AGO)  # three minutes later

        with worker(tmp_path, **PRIVATE):
            _until(lambda: _sent(row))

    first, second = receiver.requests
    assert first.body == second.body
    assert first.headers["Plimsoll-Delivery"] == second.headers["Plimsoll-Delivery"] == str(row.pk)
    row.refresh_from_db()
    assert row.attempts == 2
    assert [(each.ok, each.words) for each in row.tries.all()] == [
        (False, "The worker was stopped in the middle of it: it may have arrived."),
        (True, "Delivered."),
    ]


def test_kill_9_while_a_view_is_mailed(tmp_path: Path) -> None:
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    repository = fleet(1).repositories[0]
    finding(repository, "NR103", subject="kept")
    sam, now = user("sam", role="security"), timezone.now()
    post = channel(sam, kind="mail", target="sam@example.org")
    view = SavedView.objects.create(name="Kept", query="subject=kept", by=sam)
    mail = mail_view(view.pk, post.pk, by=sam, now=now)
    with posting() as box:
        box.silent.set()
        tell_of_views(LONG_AGO, now)
        row = Delivery.objects.get()
        at: dict[str, Any] = {"EMAIL_URL": f"smtp://127.0.0.1:{box.port}"}
        with worker(tmp_path, **at) as process:
            _until(lambda: box.mails)
            kill(process)
        box.silent.clear()
        finding(repository, "NR102", subject="kept")
        mail.refresh_from_db()
        assert mail.told_at is None
        Delivery.objects.update(lease_until=LONG_AGO)  # three minutes later
        with worker(tmp_path, **at):
            _until(lambda: _sent(row))
            tell_of_views(LONG_AGO, timezone.now())  # a second beat
        first, second = (read for _, read in box.mails)
    assert first["Message-ID"] == second["Message-ID"] == f"<plimsoll-{row.pk}@localhost>"
    assert "Kept: 1 finding," in first["Subject"]
    assert (first["Subject"], first.get_content()) == (second["Subject"], second.get_content())
    mail.refresh_from_db()
    assert mail.told_count == 1
    assert Delivery.objects.count() == 1


def test_the_queue_is_emptied_and_it_is_sent(tmp_path: Path) -> None:
    with receiving() as receiver, worker(tmp_path, **PRIVATE):
        row = _regression(receiver)
        ring_now([WakeUp(Work.DELIVERIES, row.channel_id)])
        redis.Redis.from_url(settings.REDIS_URL).flushdb()
        _until(lambda: _sent(row))
        assert json.loads(receiver.requests[0].body)["kind"] == "regression"


def test_two_beats_and_two_workers_send_once(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with receiving() as receiver:
        row = _regression(receiver)
        with worker(first, **PRIVATE), worker(second, **PRIVATE):
            _until(lambda: _sent(row))
            time.sleep(2)
        assert len(receiver.requests) == 1


def test_a_mail_by_a_real_server(tmp_path: Path) -> None:
    """The server of mails is down at first, as one is that is being upgraded."""
    with posting() as box:
        box.answer = "451 4.3.2 not now"
        row = _regression(mail="web@example.org")
        mail: dict[str, Any] = {"EMAIL_URL": f"smtp://127.0.0.1:{box.port}", "PLIMSOLL_URL": "https://plimsoll.example"}
        with worker(tmp_path, **mail):
            _until(lambda: row.tries.exclude(status=0).exists())
            assert "451" in Channel.objects.get().problem
            box.answer = "250 OK"
            Delivery.objects.update(next_at=timezone.now())
            _until(lambda: _sent(row))
        ((to, mail_read),) = box.mails
    assert to == ["web@example.org"]
    assert mail_read["Subject"] == "[Plimsoll] New critical finding"
    assert mail_read["Message-ID"] == f"<plimsoll-{row.pk}@localhost>"
    assert "https://plimsoll.example/findings/" in mail_read.get_content()
    assert Channel.objects.get().problem == ""
