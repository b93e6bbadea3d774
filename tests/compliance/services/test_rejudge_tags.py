"""One statement for tags that lead to one image: it writes what the way of scans writes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from compliance.models import Image, Policy, Repository, Tag, TagChange
from compliance.services import rejudge_tags as tested
from compliance.services.publish_policies import publish_policies
from compliance.services.rejudge import ask_again, rejudge
from scanner.domain.policy import RuleSetting
from scanner.domain.verdict import Severity
from scanner.judge import REVISION
from scanner.policies import KUBERNETES
from tests.support import rows
from tests.support.clean import clean
from tests.support.facts import P0, P0_GROUP, facts, remapped

pytestmark = pytest.mark.django_db

EARLIER = rows.NOW - timedelta(days=3)
OTHER = replace(
    KUBERNETES, settings={"NR101": RuleSetting(enabled=False), "NR107": RuleSetting(threshold=5_000, fails=True)}
)
_COLUMNS = (
    *("name", "verdict", "score", "violated", "runs_as", "platforms", "size", "problem_code", "problem_message"),
    *("failing_since", "judged_at", "judged_by"),
)


@pytest.fixture
def home() -> Repository:
    """Tags of every kind of image, with every verdict and every beginning of a failure before."""
    images = [
        rows.image(found, number)
        for number, found in enumerate(
            (clean("10002"), clean(""), facts("app", P0, P0_GROUP), facts("nosuch"), remapped(), clean("1001")), 10
        )
    ]
    images += [rows.unreadable(20), rows.artifact(21)]
    registry = rows.registry()
    repository = Repository.objects.create(
        registry=registry, policy=registry.policy, name="team/app", first_seen_at=EARLIER
    )
    before = product(images, ("pass", "fail", "unknown", "not_applicable"), (None, EARLIER))
    Tag.objects.bulk_create(
        _tag(repository, f"v{at}", *each) for at, each in enumerate(before) if _is_possible(*each[1:])
    )
    for at, (children, verdict, since) in enumerate(product(_sets_of(images), ("pass", "fail"), (None, EARLIER))):
        if _is_possible(verdict, since):
            _index_tag(repository, at, children, verdict, since).save()
    return repository


def _sets_of(images: list[Image]) -> list[tuple[Image, ...]]:
    clean_one, rooted, named, broken, _, low, unread, chart = images
    return [
        (clean_one,), (clean_one, clean_one), (clean_one, rooted), (clean_one, low), (named, clean_one, chart),
        (broken, broken), (unread, clean_one), (chart, chart), (named, named, rooted, unread),
    ]  # fmt: skip


def _index_tag(
    repository: Repository, at: int, children: tuple[Image, ...], verdict: str, since: datetime | None
) -> Tag:
    target = rows.index(500 + at, children)
    strips = [
        {"platform": f"linux/arch{place}", "digest": child.digest, "verdict": verdict, "runs_as": child.runs_as}
        for place, child in enumerate(children)
    ]
    size = sum(child.size for child in children)
    columns: dict[str, Any] = {"platforms": strips, "verdict": verdict, "failing_since": since, "judged_at": EARLIER}
    problem = next((child for child in children if child.problem_code), None)
    if problem is not None:
        columns |= {name: getattr(problem, name) for name in ("problem_code", "problem_message", "problem_remedy")}
    return rows.tag_row(
        repository, f"x{at}", children[0], image=None, index=target, digest=target.digest, size=size, **columns
    )


def _is_possible(verdict: str, since: datetime | None) -> bool:
    return {"fail": since is not None, "unknown": True}.get(verdict, since is None)


def _tag(repository: Repository, name: str, image: Image, verdict: str, since: datetime | None) -> Tag:
    strip = {"platform": image.platform, "digest": image.digest, "verdict": verdict, "runs_as": image.runs_as}
    columns = {"platforms": [strip], "verdict": verdict, "failing_since": since, "judged_at": EARLIER}
    return rows.tag_row(repository, name, image, **columns)


def written() -> tuple[list[Any], list[Any], list[Any]]:
    """What pages show of it; twice the same only if the same was written."""
    changes = TagChange.objects.order_by("tag__name").values_list("tag__name", "kind", "was", "became", "at")
    totals = Repository.objects.values_list("passed", "failed", "unknown", "score", "verdict", "failing_since")
    return list(Tag.objects.order_by("name").values_list(*_COLUMNS)), list(changes), list(totals)


def judge_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    before = list(Tag.objects.order_by("pk"))
    since = Repository.objects.get().failing_since
    rejudge(clock=lambda: rows.NOW)
    by_statement, snapshots = written(), _snapshot()
    for tag in before:
        tag.save()
    TagChange.objects.all().delete()
    Repository.objects.update(failing_since=since)
    _forget_today()
    with monkeypatch.context() as patched:
        patched.setattr(tested, "judge_one_image", lambda *_: [])
        patched.setattr(tested, "judge_indexes", lambda *_: (set(), []))
        patched.setattr(tested, "_others", lambda ids, _indexes: Tag.objects.filter(repository__in=ids))
        rejudge(clock=lambda: rows.NOW)
    assert by_statement == written()
    assert snapshots == _snapshot()


def _snapshot() -> list[Any]:
    return list(Repository.objects.get().snapshots.values_list("new", "fixed", "evaluated", "policy_version"))


def _forget_today() -> None:
    Repository.objects.get().snapshots.all().delete()


def test_the_statement_writes_what_python_writes(home: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    judge_both_ways(monkeypatch)


def test_so_it_does_under_another_policy(home: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    rejudge(clock=lambda: EARLIER)
    TagChange.objects.all().delete()
    _forget_today()
    publish_policies(rows.NOW, [OTHER])
    judge_both_ways(monkeypatch)


def test_what_shows_the_same_is_not_written(home: Repository) -> None:
    rejudge(clock=lambda: EARLIER)
    lighter = {**KUBERNETES.settings, "NR503": RuleSetting(severity=Severity.INFO)}
    publish_policies(rows.NOW, [replace(KUBERNETES, settings=lighter)])
    rejudge(clock=lambda: rows.NOW)
    assert set(Tag.objects.values_list("judged_at", flat=True)) == {EARLIER}
    assert Repository.objects.get().judged_by == Policy.objects.get(name="kubernetes").current


def test_a_tag_that_shows_other_platforms_than_its_index_has(home: Repository) -> None:
    Tag.objects.filter(index__isnull=False).update(platforms=[], verdict="pass")
    rejudge(clock=lambda: rows.NOW)
    for tag in Tag.objects.filter(index__isnull=False).select_related("index"):
        assert tag.index is not None
        assert [strip["digest"] for strip in tag.platforms] == list(
            tag.index.children.values_list("image__digest", flat=True)
        )
    assert Tag.objects.filter(index__isnull=False, verdict="fail").exists()


def test_images_nobody_asked_under_these_rules_are_asked(home: Repository) -> None:
    rejudge(clock=lambda: EARLIER)
    Image.objects.update(outline=None, outline_revision=1, identity="", runs_as="")
    assert ask_again() == Image.objects.count()
    assert ask_again() == 0
    assert not Image.objects.filter(outline=None).exists()
    found = Image.objects.get(tags__name="v16")
    assert (found.runs_as, found.identity) == ("1000:1000", "1000:1000 groups 10,998")


def test_a_tag_whose_image_turns_up_unasked_is_judged_all_the_same(home: Repository) -> None:
    version = Policy.objects.select_related("current").get(name="kubernetes").current
    assert version is not None
    Image.objects.update(outline=None, outline_revision=1)
    tested.rejudge_tags([home.pk], version, now=rows.NOW)
    assert not Image.objects.exclude(outline_revision=REVISION).filter(tags__isnull=False).exists()
    assert (Tag.objects.get(name="v16").verdict, Tag.objects.get(name="v0").verdict) == ("fail", "pass")
