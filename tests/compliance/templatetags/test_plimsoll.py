"""Moments, digests, numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.template import Context

from compliance.templatetags.plimsoll import (
    ago,
    duration,
    middle,
    percent,
    platform_name,
    runs_differently,
    several,
    short,
    signed,
    spelled,
    strip,
    verdict,
    when,
)

AMD64 = {"platform": "linux/amd64", "verdict": "pass", "runs_as": "1:1", "digest": "a"}
ARM64 = {"platform": "linux/arm64", "verdict": "fail", "runs_as": "0:0", "digest": "b"}
ATTESTATION = {"platform": "unknown/unknown", "verdict": "not_applicable", "runs_as": "", "digest": "c"}
CHART = {"platform": "", "verdict": "not_applicable", "runs_as": "", "digest": "d"}
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "read"),
    [("2026-11-08T11:00:00+00:00", "2026-11-08 11:00 UTC"), ("2026-11-08T11:00:09.123456Z", "2026-11-08 11:00 UTC"),
     ("2026-11-08T11:00:00+02:00", "2026-11-08T11:00:00+02:00"), ("since 2026-11-08T11:00Z", "since 2026-11-08T11:00Z"),
     ("–", "–")],
)  # fmt: skip
def test_a_moment_as_people_read_it(written: str, read: str) -> None:
    assert spelled(written) == read


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "just now"), (59, "just now"), (60, "1 minute ago"), (7_199, "1 hour ago"), (86_400 * 3, "3 days ago"),
     (86_400 * 400, "1 year ago"), (-30, "in a moment"), (-120, "in 2 minutes")],
)  # fmt: skip
def test_how_long_ago(seconds: int, text: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == text


@pytest.mark.parametrize(
    ("zone", "title"),
    [
        ("UTC", "2026-03-10 11:00:00 UTC"),
        ("Europe/Oslo", "2026-03-10 11:00:00 UTC · 2026-03-10 12:00:00 Europe/Oslo"),
        ("Nowhere/None", "2026-03-10 11:00:00 UTC"),
        ("../../etc/passwd", "2026-03-10 11:00:00 UTC"),
    ],
)
def test_a_moment_is_exact_in_its_title(zone: str, title: str) -> None:
    request = SimpleNamespace(user=SimpleNamespace(time_zone=zone))
    html = when(Context({"now": NOW, "request": request}), NOW - timedelta(hours=1))
    assert html == f'<time datetime="2026-03-10T11:00:00Z" title="{title}">1 hour ago</time>'


def test_no_moment_is_said() -> None:
    assert when(Context({"now": NOW}), None) == '<span class="quiet">never</span>'


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "–"), (0.0, "0 %"), (1.0, "100 %"), (0.9999, "> 99.9 %"), (0.0001, "< 0.1 %"), (0.874, "87.4 %")],
)
def test_a_share_is_whole_only_when_it_is(share: float | None, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(("number", "text"), [(None, "–"), (0.01, "±0"), (1.25, "+1.2"), (-3.0, "−3.0")])
def test_differences(number: float | None, text: str) -> None:
    assert signed(number) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.44, "0.4 s"), (12, "12 s"), (75, "1 min 15 s"), (3_900, "1 h 5 min")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(timedelta(seconds=seconds)) == text


def test_digests_are_cut() -> None:
    assert short("sha256:" + "ab" * 32) == "abababababab"
    assert short("no colon at all") == "no colon at "


@pytest.mark.parametrize("value", ["", "PASS", "regressed", "<b>"])
def test_a_verdict_nobody_knows_is_not_a_pass(value: str) -> None:
    assert verdict(value) == {"kind": "none", "text": "Not scanned", "small": False}


def test_attestations_beside_images_are_counted_not_drawn() -> None:
    drawn = strip([AMD64, ATTESTATION, ARM64, ATTESTATION])
    assert drawn == {"platforms": [AMD64, ARM64], "more": 0, "attestations": 2}
    assert strip([ATTESTATION]) == {"platforms": [ATTESTATION], "more": 0, "attestations": 0}


def test_a_long_strip_says_how_many_are_left_out() -> None:
    drawn = strip([AMD64] * 40)
    assert len(drawn["platforms"]) == 6  # type: ignore[arg-type]  # a list, as the template sees it
    assert drawn["more"] == 34


@pytest.mark.parametrize(
    ("platform", "name"),
    [(AMD64, "linux/amd64"), (ATTESTATION, "attestation"), (CHART, "not an image"), ({"verdict": "pass"}, "not given"),
     ({**ATTESTATION, "verdict": "fail"}, "unknown/unknown")],
)  # fmt: skip
def test_what_a_platform_is_called(platform: dict[str, str], name: str) -> None:
    assert platform_name(platform) == name


def test_platforms_that_run_as_somebody_else_disagree() -> None:
    assert runs_differently([AMD64, ARM64, ATTESTATION]) == [AMD64, ARM64]
    assert runs_differently([AMD64, AMD64]) == []
    assert several([AMD64, ARM64])
    assert not several([AMD64, ATTESTATION])


def test_a_long_name_keeps_both_ends() -> None:
    name = "sha256-" + "0123456789abcdef" * 4 + ".sig"
    assert middle(name) == "sha256-0123456789abcdef012345…6789abcdef.sig"
    assert middle("v1.2.3") == "v1.2.3"
