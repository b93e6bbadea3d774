"""What a preview says is what saving does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from compliance.models import Policy, Tag, TagChange
from compliance.policy.document import InvalidPolicy, policy_document
from compliance.queries.preview import Preview, preview_policy
from compliance.services.rejudge import finish_rejudgings
from compliance.services.save_policy import save_policy
from scanner.policies import KUBERNETES
from tests.compliance.services.conftest import World, app
from tests.compliance.services.conftest import world as world  # the fixture, under its own name
from tests.support.images import artifact, index

CHART = artifact(("application/vnd.cncf.helm.config.v1+json", b"{}"), [])


@pytest.fixture
def scanned(world: World) -> World:
    put = world.layout.tag
    for number, user in enumerate(["", "app", "1001", "nosuch"]):
        put("team/app", f"1.{number}", app(user))
    put("team/app", "chart", CHART)
    put("team/multi", "alike", index([app("app"), app("app", "x")]))
    put("team/multi", "differ", index([app("1001"), app("1001:0", "y")]))
    put("team/multi", "worse", index([app("1001"), app("", "z")]))
    world.scan()
    world.later(hours=1)
    return world


def policy() -> Policy:
    return Policy.objects.select_related("current").get(name="kubernetes")


def changed(**rules: dict[str, Any]) -> dict[str, Any]:
    document = policy_document(KUBERNETES)
    return {**document, "rules": {**document["rules"], **rules}}


def preview(world: World, document: dict[str, Any], page: str = "") -> Preview:
    return preview_policy(policy(), document, page=page, lapsed_before=world.now - timedelta(days=7))


OFF: dict[str, Any] = {"enabled": False}
FAILS: dict[str, Any] = {"fails": True}
CASES: list[tuple[dict[str, Any], dict[str, tuple[str, ...]]]] = [
    ({}, {}),
    ({"NR105": OFF}, {"1.1": ("NR105",), "alike": ("NR105",)}),
    ({"NR101": OFF}, {"1.0": ("NR101",)}),
    ({"NR101": OFF, "NR112": OFF}, {"1.0": ("NR101",), "differ": ("NR112",), "worse": ("NR101", "NR112")}),
    ({"NR112": OFF}, {"differ": ("NR112",)}),
    ({"NR301": FAILS}, {"1.2": ("NR301",)}),
]


@pytest.mark.parametrize(("rules", "flips"), CASES, ids=lambda value: "-".join(value) or "nothing")
def test_a_preview_says_what_saving_does(
    scanned: World, rules: dict[str, Any], flips: dict[str, tuple[str, ...]]
) -> None:
    document = changed(**rules)
    before = dict(Tag.objects.values_list("name", "verdict"))

    found = preview(scanned, document)
    assert {flip.tag: flip.because for flip in found.rows} == flips
    assert found.flips == len(flips)

    save_policy(policy(), document, based_on=1, by=None, now=scanned.now)
    finish_rejudgings(clock=lambda: scanned.now)
    rejudged = TagChange.objects.filter(kind="rejudged").values_list("tag__name", "was", "became")
    assert {(flip.tag, flip.was, flip.becomes) for flip in found.rows} == set(rejudged)
    after = dict(Tag.objects.values_list("name", "verdict"))
    assert {name for name in before if before[name] != after[name]} == flips.keys()


def test_it_counts_and_pages(scanned: World) -> None:
    found = preview(scanned, changed(NR101=OFF, NR105=OFF, NR112=OFF))
    assert found.tags == 8
    assert [(count.was, count.becomes, count.tags) for count in found.counts] == [("fail", "pass", 5)]
    assert [(flip.repository, flip.tag) for flip in found.rows] == [
        ("team/app", "1.0"),
        ("team/app", "1.1"),
        ("team/multi", "alike"),
        ("team/multi", "differ"),
        ("team/multi", "worse"),
    ]
    assert (found.paging.number, found.paging.total) == (1, 5)
    assert preview(scanned, changed(NR101=OFF), page="7").paging.number == 1


def test_it_writes_nothing_and_asks_nothing(scanned: World) -> None:
    row = policy()
    with CaptureQueriesContext(connection) as queries:
        preview_policy(row, changed(NR101=OFF), lapsed_before=scanned.now)
    assert len(queries) == 5
    assert not [query for query in queries.captured_queries if not query["sql"].lstrip().startswith("SELECT")]


def test_tags_under_other_policies_stay_out_of_it(scanned: World) -> None:
    other = Policy.objects.select_related("current").get(name="strict")
    assert preview_policy(other, changed(NR101=OFF), lapsed_before=scanned.now).flips == 0


def test_a_tag_that_lapsed_stays_unknown(scanned: World) -> None:
    scanned.pretends = True
    Tag.objects.filter(name="1.0").update(unconfirmed_since=scanned.now - timedelta(days=8), verdict="unknown")
    assert preview(scanned, changed(NR101=OFF)).flips == 0


def test_what_is_wrong_is_said(scanned: World) -> None:
    with pytest.raises(InvalidPolicy):
        preview(scanned, changed(NR999=OFF))
