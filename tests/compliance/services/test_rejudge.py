from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from django.core.management import call_command

from compliance.models import DailySnapshot, Evaluation, Policy, PolicyVersion, Repository, TagChange
from compliance.policy import document
from compliance.services.publish_policies import publish_policies
from compliance.services.rejudge import rejudge
from compliance.services.save_registry import RegistryValues, save_registry
from scanner.domain.policy import RuleSetting
from scanner.policies import KUBERNETES, POLICIES
from tests.compliance.services.conftest import NOON, World, app
from tests.support.images import index

LENIENT = replace(KUBERNETES, settings={"NR101": RuleSetting(enabled=False)})


@pytest.fixture
def scanned(world: World) -> World:
    world.layout.tag("team/app", "name", app("app"))
    world.layout.tag("team/app", "root", app(""))
    world.layout.tag("team/app", "both", index([app("app"), app("10001:10001", "x")]))
    world.scan()
    world.later(hours=1)
    world.server.requests.clear()
    return world


def test_a_changed_policy_is_judged_without_one_request(scanned: World) -> None:
    publish_policies(scanned.now, [LENIENT])

    counts = rejudge(Policy.objects.get(name="kubernetes"), clock=lambda: scanned.now)

    assert (counts.asked, counts.tags, counts.repositories, counts.changed) == (0, 3, 1, 3)
    assert scanned.server.requests == []
    assert [scanned.tag("team/app", name).verdict for name in ("name", "root", "both")] == ["pass"] * 3
    assert set(TagChange.objects.filter(kind="rejudged").values_list("was", "became")) == {("fail", "pass")}
    assert Repository.objects.get().passed == 3
    snapshot = DailySnapshot.objects.get()
    assert (snapshot.passed, snapshot.fixed, snapshot.policy_version.number) == (3, 3, 2)


def test_the_next_scan_agrees_with_the_new_version(scanned: World) -> None:
    publish_policies(scanned.now, [LENIENT])
    rejudge(clock=lambda: scanned.now)

    scan = scanned.scan()

    assert TagChange.objects.filter(scan=scan).count() == 0
    assert scanned.tag("team/app", "root").verdict == "pass"


def test_a_scan_judges_by_the_new_version_even_before_everything_else_is(scanned: World) -> None:
    publish_policies(scanned.now, [LENIENT])

    scan = scanned.scan()

    assert TagChange.objects.filter(scan=scan, kind="rejudged").count() == 3
    assert {method for method, path in scanned.requests() if "/manifests/" in path} == {"HEAD"}


def test_judging_again_by_the_same_version_changes_nothing(scanned: World) -> None:
    before = list(Evaluation.objects.order_by("pk").values_list("pk", "verdict", "violated"))

    counts = rejudge(clock=lambda: scanned.now)

    assert (counts.tags, counts.changed) == (3, 0)
    assert list(Evaluation.objects.order_by("pk").values_list("pk", "verdict", "violated")) == before


def test_a_registry_under_another_policy_is_judged_by_it(scanned: World) -> None:
    values = RegistryValues("demo", scanned.registry.url, "baseline", allow_private=True)
    save_registry(values, now=scanned.now, registry=scanned.registry)

    rejudge(Policy.objects.get(name="baseline"), clock=lambda: scanned.now)

    assert scanned.tag("team/app", "name").judged_by is not None
    assert scanned.tag("team/app", "name").repository.policy.name == "baseline"


def test_each_batch_reads_the_clock(scanned: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long judging takes, what people decide meanwhile counts for the batches after it."""
    scanned.layout.tag("team/other", "root", app("", "other"))
    scanned.scan()
    publish_policies(scanned.now, [LENIENT])
    monkeypatch.setattr("compliance.services.rejudge._TAGS_AT_A_TIME", 1)
    read: list[datetime] = []

    def clock() -> datetime:
        scanned.later(hours=1)
        read.append(scanned.now)
        return scanned.now

    assert rejudge(clock=clock).repositories == 2

    changes = TagChange.objects.filter(kind="rejudged").order_by("at").values_list("repository__name", "at").distinct()
    (first, at), (second, later) = changes
    assert {first, second} == {"team/app", "team/other"}
    assert read.index(later) == read.index(at) + 1


def test_the_command(scanned: World, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("rejudge", policy="kubernetes")

    assert capsys.readouterr().out.startswith("Judged 3 tags of 1 repositories")


def test_policies_are_published_once(db: None) -> None:
    assert publish_policies(NOON) == [policy.name for policy in POLICIES]
    assert publish_policies(NOON) == []
    assert publish_policies(NOON, [LENIENT]) == ["kubernetes"]
    versions = PolicyVersion.objects.filter(policy__name="kubernetes").order_by("number")
    assert [version.number for version in versions] == [1, 2]
    assert Policy.objects.get(name="kubernetes").current == versions[1]


def test_judging_that_was_overtaken_by_a_newer_version_undoes_nothing(scanned: World) -> None:
    publish_policies(scanned.now, [LENIENT])
    overtaken = Policy.objects.select_related("current").get(name="kubernetes")
    publish_policies(scanned.now, [KUBERNETES])
    rejudge(clock=lambda: scanned.now)
    assert scanned.tag("team/app", "root").verdict == "fail"

    rejudge(overtaken, clock=lambda: scanned.now)

    assert scanned.tag("team/app", "root").verdict == "fail"


def test_rules_that_answer_otherwise_make_a_new_version_of_every_policy(
    scanned: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert publish_policies(scanned.now) == []
    monkeypatch.setattr(document, "REVISION", 10_000)
    assert publish_policies(scanned.now) == [policy.name for policy in POLICIES]
