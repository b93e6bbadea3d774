from __future__ import annotations

import inspect
from datetime import timedelta

import pytest
from celery import Task
from django.utils import timezone

from compliance.models import DailySnapshot, Scan, State
from compliance.policy.schedule import Schedule
from compliance.services.publish_policies import publish_policies
from compliance.services.save_registry import RegistryValues, save_registry
from compliance.services.scan_repository import scan_repository
from compliance.tasks import (
    tick,
    wake,
    wake_heavy_repository_scan,
    wake_pushes,
    wake_rejudging,
    wake_repository_scan,
    wake_scan,
)
from tests.support.demo_registry import DemoRegistry
from tests.support.images import image
from tests.support.oci_layout import OciLayout

TASKS = (tick, wake_scan, wake_repository_scan)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_tasks_take_keywords_and_bear_those_of_a_newer_version(task: object) -> None:
    kinds = {parameter.kind for parameter in inspect.signature(task.run).parameters.values()}  # type: ignore[attr-defined]  # a Celery task

    assert inspect.Parameter.VAR_KEYWORD in kinds
    assert kinds <= {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}


@pytest.mark.django_db
def test_from_tick_to_done(
    demo_registry: DemoRegistry, demo_layout: OciLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each message is delivered, and each a second time, as a queue may."""
    rung: list[tuple[str, int]] = []
    monkeypatch.setattr(wake, "_send", lambda wake_ups, _: rung.extend((w.work.value, w.id) for w in wake_ups))
    monkeypatch.setattr("django.db.transaction.on_commit", lambda call: call())
    demo_layout.tag("team/app", "1", image(user="1001"))
    now = timezone.now()
    publish_policies(now)
    save_registry(RegistryValues("demo", demo_registry.url, "kubernetes", allow_private=True), now=now)

    tick()
    while rung:
        work, pk = rung.pop(0)
        task = {"scan": wake_scan, "repository_scan": wake_repository_scan}[work]
        task(pk=pk, later="argument")
        task(pk=pk)

    assert Scan.objects.get().state == State.DONE
    assert DailySnapshot.objects.count() == 1


BELLS = [wake_scan, wake_repository_scan, wake_heavy_repository_scan, wake_pushes, wake_rejudging]


@pytest.mark.django_db
@pytest.mark.parametrize("task", BELLS, ids=lambda task: task.name)
def test_a_bell_for_a_row_that_is_gone_is_for_nothing(task: Task[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[object] = []
    monkeypatch.setattr(wake, "_send", lambda wake_ups, _: rung.extend(wake_ups))
    monkeypatch.setattr("django.db.transaction.on_commit", lambda call: call())

    task(pk=4711)

    assert rung == []


@pytest.mark.django_db
def test_a_part_that_is_deleted_before_it_is_taken_is_left() -> None:
    assert scan_repository(4711, clock=timezone.now) == []


@pytest.mark.django_db
def test_the_tick_closes_yesterday(demo_registry: DemoRegistry, demo_layout: OciLayout) -> None:
    from compliance.services.run_scan_inline import run_scan_inline

    yesterday = timezone.now() - timedelta(days=1, minutes=2)
    publish_policies(yesterday)
    demo_layout.tag("team/app", "1", image(user="1001"))
    values = RegistryValues(
        "demo", demo_registry.url, "kubernetes", allow_private=True, schedule=Schedule(interval_minutes=0)
    )
    run_scan_inline(save_registry(values, now=yesterday), clock=lambda: yesterday, trigger="command")

    tick()

    assert DailySnapshot.objects.get(day=yesterday.date()).closed
