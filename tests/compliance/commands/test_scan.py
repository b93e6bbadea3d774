"""`manage.py scan`: the contract of its options and exit status."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from compliance.models import Registry, Scan, State
from compliance.services.publish_policies import publish_policies
from compliance.services.save_registry import RegistryValues, save_registry
from tests.support.demo_registry import DemoRegistry
from tests.support.images import image
from tests.support.oci_layout import OciLayout
from tests.support.rows import user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def registry(demo_registry: DemoRegistry, demo_layout: OciLayout, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Nobody listens to the bell: no worker runs."""
    monkeypatch.setattr("compliance.tasks.wake._send", lambda *_: None)
    demo_layout.tag("team/app", "1", image(user="1001"))
    demo_layout.tag("team/app", "2", image(user=""))
    publish_policies(timezone.now())
    values = RegistryValues("Shop", demo_registry.url, "kubernetes", allow_private=True)
    return save_registry(values, now=timezone.now())


def test_json_with_wait_and_no_worker(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("scan", "Shop", "--wait", "--json")

    printed = json.loads(capsys.readouterr().out)
    assert (printed["schema"], printed["ended_well"]) == (1, True)
    assert (printed["repositories"], printed["tags"], printed["passed"], printed["failed"]) == (1, 2, 1, 1)
    assert printed["requests"] > 5
    assert printed["bytes"] > 500
    assert printed["seconds"] > 0
    assert printed["scans"][0]["state"] == "done"


def test_text(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("scan", "--wait")

    printed = capsys.readouterr().out
    assert printed.startswith("Shop: done in ")
    assert "1 repositories, 2 tags: 1 pass, 1 fail, 0 unknown, 0 waived, 0 not applicable\n" in printed


def test_without_wait_it_only_asks(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("scan", "shop")

    assert "is queued" in capsys.readouterr().out
    assert Scan.objects.get().state == State.QUEUED


def test_a_scan_that_failed_exits_with_1(
    registry: Registry, demo_registry: DemoRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    demo_registry.faults.catalog_status = 403

    with pytest.raises(SystemExit) as caught:
        call_command("scan", "Shop", "--wait")

    assert caught.value.code == 1
    assert "denied" in capsys.readouterr().out


def test_an_unknown_name(db: None) -> None:
    with pytest.raises(CommandError, match="add_registry"):
        call_command("scan", "nowhere")


def test_prepare_twice(capsys: pytest.CaptureFixture[str]) -> None:
    user("boss", staff=True)
    call_command("prepare")
    first = capsys.readouterr().out
    call_command("prepare")

    assert "Published policy kubernetes" in first
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("options", [[], ["--wait"], ["--wait", "--json"]])
def test_no_registry_at_all_is_no_success(options: list[str]) -> None:
    with pytest.raises(CommandError, match="add_registry NAME URL"):
        call_command("scan", *options)


def test_no_registry_on_schedule(registry: Registry) -> None:
    Registry.objects.update(enabled=False)
    with pytest.raises(CommandError, match="scan NAME"):
        call_command("scan", "--wait")
