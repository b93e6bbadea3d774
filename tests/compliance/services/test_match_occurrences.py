"""Occurrences by statement are those that a slow way finds, tag by tag, on invented fleets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.models import Finding, FindingEvent, Occurrence, Tag
from compliance.services.reconcile_findings import reconcile_repositories
from scanner.domain.outline import Answer
from scanner.domain.outline import Outline as OutlineValue
from scanner.domain.verdict import Outcome, Severity
from scanner.judge import REVISION, UNREAD
from scanner.rulebook import RULES
from tests.support.invented_fleets import NOW, built, check
from tests.support.invented_steps import OK, VIOLATED, Delete, ImageMade, Judge, Point, images, indexes, steps

pytestmark = pytest.mark.django_db


@pytest.fixture
def undone() -> Callable[[Callable[[], None]], None]:
    """Run something and take back what it wrote."""

    class Undo(Exception):
        pass

    def run(work: Callable[[], None]) -> None:
        try:
            with transaction.atomic():
                work()
                raise Undo
        except Undo:
            return

    return run


FLEETS = {
    "pool": st.lists(images, min_size=8, max_size=8),
    "lists": st.lists(indexes, min_size=4, max_size=4),
    "todo": steps,
}
SLOW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def said(**answers: Answer) -> OutlineValue:
    return OutlineValue(REVISION, {rule.id: OK for rule in RULES} | answers)


ROOT = ImageMade(said(NR101=VIOLATED), "", 0, "linux/amd64")
OTHER_ROOT = replace(ROOT, outline=said(NR101=VIOLATED, NR301=VIOLATED))
FINE = ImageMade(said(), "app", 1001, "linux/amd64")
UNREAD_SOMEWHERE = ImageMade(UNREAD, "", None, "")
LIGHT = replace(ROOT, outline=said(NR101=Answer(Outcome.VIOLATED, Severity.INFO)))


@pytest.mark.parametrize(
    ("pool", "lists", "todo"),
    [
        # an image of which not even the platform is known, and one whose platform is
        ([ROOT, UNREAD_SOMEWHERE], [], [[Point("1.0", ("image", 0))], [Point("1.0", ("image", 1))]]),
        ([ROOT, replace(UNREAD_SOMEWHERE, platform="linux/arm64")], [], [
            [Point("1.0", ("image", 0))], [Point("1.0", ("image", 1))],
        ]),
        # a platform that is there twice, as root and as somebody else
        ([ROOT, FINE, OTHER_ROOT], [[(1, ""), (0, "")]], [[Point("1.0", ("index", 0))], [Point("1.0", ("image", 2))]]),
        ([ROOT, FINE], [[(1, ""), (1, "")]], [[Point("1.0", ("index", 0))], [Point("1.0", ("image", 0))]]),
        # two images that differ in how bad it is
        ([LIGHT, ROOT], [[(0, ""), (1, "")]], [Judge(2), [Point("1.0", ("index", 0))]]),
        # root, root otherwise, unread, root, somebody else
        ([FINE, ROOT, OTHER_ROOT], [], [
            [Point("1.0", ("image", 0))], [Point("1.0", ("image", 1))], [Point("1.0", ("image", 2))],
            [Point("1.0", None)], [Point("1.0", ("image", 1))], [Point("1.0", ("image", 0))],
        ]),
        # deleted while it ran as somebody else, back as root
        ([FINE, ROOT], [], [[Point("1.0", ("image", 0))], Delete("1.0"), [Point("1.0", ("image", 1))]]),
        # under other rules than ours
        ([ROOT, replace(ROOT, stale=True)], [], [[Point("1.0", ("image", 0))], [Point("1.0", ("image", 1))]]),
    ],
)  # fmt: skip
def test_hand_made_fleets(pool: list[ImageMade], lists: list[Any], todo: list[Any]) -> None:
    fleet = built(pool, lists)
    for at, step in enumerate(todo, 1):
        fleet.do(step, NOW + timedelta(hours=at))
        check(fleet)


@SLOW
@given(**FLEETS)
def test_the_statement_finds_what_the_slow_way_finds(
    undone: Callable[[Callable[[], None]], None], pool: list[ImageMade], lists: list[Any], todo: list[Any]
) -> None:
    def work() -> None:
        fleet = built(pool, lists)
        for at, step in enumerate(todo, 1):
            fleet.do(step, NOW + timedelta(hours=at))
            check(fleet)

    undone(work)


@SLOW
@given(**FLEETS)
def test_doing_it_again_writes_nothing(
    undone: Callable[[Callable[[], None]], None], pool: list[ImageMade], lists: list[Any], todo: list[Any]
) -> None:
    def work() -> None:
        fleet = built(pool, lists)
        for at, step in enumerate(todo, 1):
            fleet.do(step, NOW + timedelta(hours=at))
        before = [list(model.objects.order_by("pk").values()) for model in (Finding, Occurrence, FindingEvent)]
        later = NOW + timedelta(days=2)
        reconcile_repositories([fleet.repository.pk], fleet.versions[fleet.policy], now=later)
        fleet.reconcile(list(Tag.objects.values_list("pk", flat=True)), later)
        assert before == [list(model.objects.order_by("pk").values()) for model in (Finding, Occurrence, FindingEvent)]

    undone(work)
