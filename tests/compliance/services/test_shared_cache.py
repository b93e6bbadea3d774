"""Counters that all processes share."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.db import connection

from compliance.models import SharedValue
from compliance.services.shared_cache import SharedCache, forget_expired

pytestmark = pytest.mark.django_db


def expire(key: str) -> None:
    """Let its time be over."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE compliance_sharedvalue SET expires_at = statement_timestamp() - interval '1 s' WHERE key LIKE %s",
            [f"%{key}"],
        )


def test_values_are_there_until_they_expire() -> None:
    assert isinstance(SharedCache("", {}), SharedCache)
    assert cache.get("a", "nothing") == "nothing"
    cache.set("a", [1.5, 2.5], 60)
    assert cache.get("a") == [1.5, 2.5]
    assert cache.touch("a", 120)
    expire("a")
    assert cache.get("a", "nothing") == "nothing"
    assert not cache.touch("a")


def test_only_one_of_two_adds() -> None:
    assert cache.add("lock", True, 10)
    assert not cache.add("lock", True, 10)
    expire("lock")
    assert cache.add("lock", True, 10)
    assert cache.delete("lock")
    assert not cache.delete("lock")


def test_what_is_kept_without_end_is_not_forgotten() -> None:
    cache.set("always", {"a": None}, None)
    cache.set("short", 1, 10)
    expire("short")
    assert forget_expired() == 1
    assert cache.get("always") == {"a": None}
    cache.clear()
    assert not SharedValue.objects.exists()
