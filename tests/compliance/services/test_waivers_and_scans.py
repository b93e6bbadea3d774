"""Waivers hold while scans find what was accepted, and not longer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from compliance.models import DailySnapshot, Finding, Policy, PolicyAssignment, Repository, Tag, Waiver
from compliance.queries.waiver import waiver_page
from compliance.queries.waiver_rows import OWNERS
from compliance.remediation.waiver import WaiverScope
from compliance.services.end_waivers import tend_waivers
from compliance.services.write_waiver import write_waiver
from tests.compliance.services.conftest import BASE, World, app
from tests.support.images import Stored, image, index
from tests.support.remediation import draft
from tests.support.rows import user

NAME = "team/app"


def other_entrypoint() -> Stored:
    return image([BASE], user="", entrypoint=["/bin/other"])


def status() -> str:
    return Finding.objects.get(repository__name=NAME, rule="NR101").status


def shown() -> dict[str, str]:
    return dict(Tag.objects.filter(repository__name=NAME, deleted_at=None).values_list("name", "shown"))


@pytest.fixture
def waived(world: World) -> World:
    """A tag that runs as root, which is accepted with everything else that it fails for."""
    world.layout.tag(NAME, "1", app(""))
    world.scan()
    by = user("sec")
    for rule in Finding.objects.filter(occurrences__decides=True).values_list("rule", flat=True).distinct():
        until = (world.now + timedelta(days=100)).date()
        write_waiver(replace(draft(by, scope=WaiverScope(rule)), until=until), by=by, now=world.now)
    assert status() == "waived"
    assert shown() == {"1": "waived"}
    return world


@pytest.mark.parametrize(
    ("pushed", "became", "tag"),
    [
        (lambda: app("", "rebuilt"), "waived", "waived"),
        (other_entrypoint, "open", "fail"),
        (lambda: app("10001:10001"), "fixed", "pass"),
    ],
    ids=["rebuilt", "another entrypoint", "repaired"],
)
def test_the_next_push(waived: World, pushed: Callable[[], Stored], became: str, tag: str) -> None:
    waived.layout.tag(NAME, "1", pushed())
    waived.later(minutes=20)
    waived.scan()
    assert status() == became
    assert shown() == {"1": tag}
    totals = Repository.objects.values_list("waived", "failed", "passed").get(name=NAME)
    assert totals == (tag == "waived", tag == "fail", tag == "pass")
    assert DailySnapshot.objects.filter(repository__name=NAME).latest("day").waived == totals[0]


def test_another_user_is_another_finding(waived: World) -> None:
    waived.layout.tag(NAME, "1", app("0"))
    waived.later(minutes=20)
    waived.scan()
    assert status() == "fixed"
    assert Finding.objects.get(repository__name=NAME, rule="NR102").status == "new"
    assert shown() == {"1": "fail"}


def test_a_new_tag_that_runs_alike_is_covered_and_one_that_does_not_opens_all(waived: World) -> None:
    waived.layout.tag(NAME, "2", app("", "alike"))
    waived.later(minutes=20)
    waived.scan()
    assert (status(), shown()) == ("waived", {"1": "waived", "2": "waived"})
    waived.layout.tag(NAME, "3", other_entrypoint())
    waived.later(minutes=20)
    waived.scan()
    assert (status(), set(shown().values())) == ("open", {"fail"})


@pytest.mark.parametrize(
    ("rule", "pushed"),
    [
        ("NR112", index([app("", "x2"), app("10001:10001", "y2")])),
        ("NR101", index([app("", "x"), app("10001:10001", "y2")])),
    ],
    ids=["what is compared", "one of its images"],
)
def test_another_index_is_not_what_was_accepted(world: World, rule: str, pushed: Stored) -> None:
    first = index([app("", "x"), app("10001:10001", "y")])
    world.layout.tag(NAME, "1", first)
    world.scan()
    scope = WaiverScope(rule, digest=str(first.digest))
    by, until = user("sec"), (world.now + timedelta(days=30)).date()
    write_waiver(
        replace(draft(by, scope=replace(scope, digest="") if rule == "NR112" else scope), until=until),
        by=by,
        now=world.now,
    )
    accepted = Finding.objects.get(rule=rule)
    assert accepted.status == "waived"
    world.layout.tag(NAME, "1", pushed)
    world.later(minutes=20)
    world.scan()
    accepted.refresh_from_db()
    assert (accepted.status, accepted.waiver) == ("open", None)


TWICE = ["linux/amd64", "linux/amd64"]


@pytest.mark.parametrize(
    ("platforms", "pushed", "became"),
    [
        (TWICE, [app("", "a"), other_entrypoint()], "open"),
        (TWICE, [app("", "a"), app("", "c")], "open"),
        (["linux/amd64", "linux/arm64"], [app("", "a"), app("", "c")], "waived"),
    ],
    ids=["another entrypoint", "runs alike, but nobody knows which it is", "of platforms of their own"],
)
def test_of_two_images_of_one_platform_neither_stands_for_the_other(
    world: World, platforms: list[str], pushed: list[Stored], became: str
) -> None:
    def of_platforms(images: list[Stored]) -> Stored:
        return index([replace(each, platform=name) for each, name in zip(images, platforms, strict=True)])

    world.layout.tag(NAME, "1", of_platforms([app("", "a"), app("", "b")]))
    world.scan()
    by, until = user("sec"), (world.now + timedelta(days=30)).date()
    write_waiver(replace(draft(by, scope=WaiverScope("NR101")), until=until), by=by, now=world.now)
    found = Finding.objects.filter(rule="NR101").order_by("pk")
    assert {row.status for row in found} == {"waived"}
    world.layout.tag(NAME, "1", of_platforms(pushed))
    world.later(minutes=20)
    world.scan()
    assert {row.status for row in found.all()} == {became}


STRICTER = [
    ({"second_person": True}, "asks for a second person"),
    ({"waiver_days": 10}, "lasts longer than the 10 days"),
]


@pytest.mark.parametrize(("stricter", "words"), STRICTER, ids=["a second person", "a shorter time"])
def test_a_repository_under_a_stricter_policy_is_not_covered_by_what_that_does_not_allow(
    waived: World, stricter: dict[str, Any], words: str
) -> None:
    Policy.objects.filter(name="strict").update(**stricter)
    strict = Policy.objects.get(name="strict")
    PolicyAssignment.objects.create(pattern="team/prod", policy=strict, created_at=waived.now)
    waived.layout.tag("team/prod", "1", app(""))
    waived.later(minutes=20)
    waived.scan()
    found = Finding.objects.get(repository__name="team/prod", rule="NR101")
    assert (found.status, Tag.objects.get(repository__name="team/prod").shown) == ("new", "fail")
    waiver = Waiver.objects.select_related(*OWNERS).get(rule="NR101")
    page = waiver_page(waiver, waiver.owner, now=waived.now)
    assert [words in line.why for line in page.left if line.id == found.pk] == [True]
    assert status() == "waived"


@pytest.mark.parametrize("stricter", [stricter for stricter, _ in STRICTER], ids=["a second person", "a shorter time"])
def test_a_policy_that_becomes_stricter_ends_nothing_that_was_accepted(waived: World, stricter: dict[str, Any]) -> None:
    Policy.objects.update(**stricter)
    waived.layout.tag(NAME, "2", app("", "alike"))
    waived.later(minutes=20)
    waived.scan()
    assert (status(), shown()) == ("waived", {"1": "waived", "2": "waived"})


def test_an_expired_waiver_comes_back(waived: World) -> None:
    waiver = Waiver.objects.order_by("pk")[0]
    tended = tend_waivers(waiver.expires_at)
    assert {each.waiver_id for each in tended.ended} == set(Waiver.objects.values_list("pk", flat=True))
    assert all(reopened.told for each in tended.ended for reopened in each.applied.reopened)
    assert (status(), shown()) == ("open", {"1": "fail"})
    waived.now = waiver.expires_at + timedelta(minutes=5)
    waived.scan()
    assert (status(), shown()) == ("open", {"1": "fail"})
