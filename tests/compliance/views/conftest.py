"""A logged-in reader, a logged-in administrator, a clock that stands still, an endpoint."""

from __future__ import annotations

import time
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from django.contrib.auth.hashers import make_password
from django.core.cache import caches
from django.test import Client, override_settings
from pytest_django import Settings

from compliance.policy.wake_up import WakeUp
from compliance.services import authenticate_sender as authenticating
from compliance.tasks.push_bell import BELL
from tests.support import rows
from tests.support.hooks import Hook
from tests.support.pages import PLAIN_STATIC
from tests.support.rows import NOW, PASSWORD, registry, user


@pytest.fixture(autouse=True)
def still_clock() -> Iterator[None]:
    """Views read the clock from here; sessions and lists must agree on it."""
    with (
        patch("django.utils.timezone.now", return_value=NOW),
        patch("compliance.views.moment.database_now", return_value=NOW),
    ):
        yield


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """Sums of closed days outlive a test's rows."""
    caches["process"].clear()


@pytest.fixture(autouse=True)
def plain_static() -> Iterator[None]:
    """Links to style sheets need no manifest."""
    with override_settings(STORAGES=PLAIN_STATIC):
        yield


@pytest.fixture
def reader(db: None) -> Client:
    """Somebody who may look and scan."""
    client = Client()
    client.force_login(user("reader"))
    return client


@pytest.fixture
def admin(db: None) -> Client:
    """Somebody who may change registries."""
    client = Client()
    client.force_login(user("boss", staff=True))
    return client


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[WakeUp]:
    """What the bell was asked to ring for."""
    found: list[WakeUp] = []
    monkeypatch.setattr(BELL, "ring", found.extend)
    return found


@pytest.fixture
def no_rejections() -> Iterator[None]:
    """Counts are kept by the process and ids come again."""
    with patch.object(authenticating, "_REJECTIONS", authenticating._Rejections()):
        yield


@pytest.fixture
def hook(db: None) -> Hook:
    """One registry's endpoint, and a sender that knows its secret."""
    return Hook(registry())


@pytest.fixture
def quick_passwords(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second for each login would be minutes; other tests keep the hash that takes so long."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    monkeypatch.setattr(rows, "_hashed", lambda: make_password(PASSWORD))


@pytest.fixture
def one_clock() -> Iterator[None]:
    """Limits and sessions of django-allauth count by another one."""
    with patch("time.time", return_value=time.time()):
        yield
