from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from compliance.policy.quota import Quota, read_quota

HUB = {"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "76;w=21600", "docker-ratelimit-source": "192.0.2.1"}

READ = [
    (HUB, Quota(100, 76, 21_600, "192.0.2.1")),
    ({"RateLimit-Remaining": "0"}, Quota(None, 0)),
    ({"ratelimit-limit": "200;w=60", "ratelimit-remaining": "7"}, Quota(200, 7, 60)),
    ({"ratelimit-remaining": "5", "ratelimit-limit": "many"}, Quota(None, 5)),
    (
        {"ratelimit-remaining": "5", "docker-ratelimit-source": "a\r\nb" + "x" * 500},
        Quota(None, 5, None, "ab" + "x" * 98),
    ),
    ({}, None),
    ({"ratelimit-limit": "100;w=21600"}, None),
    ({"ratelimit-remaining": "-1"}, None),
    ({"ratelimit-remaining": "9" * 5_000}, None),
    ({"ratelimit-remaining": "٣"}, None),
    ({"ratelimit-remaining": "1e3"}, None),
    ({"ratelimit-remaining": "5;w=60;x=1"}, None),
]


@pytest.mark.parametrize(("headers", "quota"), READ)
def test_what_the_headers_say(headers: Mapping[str, str], quota: Quota | None) -> None:
    assert read_quota(headers) == quota


LOW = [
    (Quota(100, 11), False),
    (Quota(100, 10), True),
    (Quota(100, 0), True),
    (Quota(20, 6), False),
    (Quota(20, 5), True),
    (Quota(None, 6), False),
    (Quota(None, 5), True),
    (Quota(0, 0), True),
]


@pytest.mark.parametrize(("quota", "low"), LOW)
def test_some_is_left_to_others(quota: Quota, low: bool) -> None:
    assert quota.is_low is low


@pytest.mark.parametrize(("window", "minutes"), [(21_600, 60), (10**9, 60), (3_600, 10), (60, 1), (0, 1), (None, 1)])
def test_how_long_to_stop(window: int | None, minutes: int) -> None:
    assert Quota(100, 0, window).wait == timedelta(minutes=minutes)
