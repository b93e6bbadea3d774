"""A verdict the registry does not confirm is marked, and given up when that lasts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import Settings

from compliance.models import DailySnapshot, Policy, Repository, Tag, TagChange
from compliance.services.doubt_tags import doubt_tags, lapse_unconfirmed, tags_after
from compliance.services.rejudge import rejudge
from compliance.services.work_here import work_here
from compliance.tasks import tick
from scanner.domain.problems import Unavailable
from tests.compliance.services.conftest import World, app

HEAD = "/v2/team/app/manifests/1"
TAGS = "/v2/team/app/tags/list"
CATALOG = "/v2/_catalog"


@pytest.fixture
def scanned(world: World) -> World:
    world.layout.tag("team/app", "1", app("10001:10001"))
    world.layout.tag("team/app", "2", app("", "other"))
    world.scan()
    world.later(hours=1)
    return world


def _refuse(world: World, path: str, status: int = 503) -> None:
    """Scan, and try again, until the scan is given up."""
    world.server.faults.statuses[path] = status
    scan = world.scan()
    work_here([scan.pk], clock=lambda: world.now, pause=lambda: world.later(minutes=20))


def _marks(name: str = "1") -> tuple[str, bool, str]:
    tag = Tag.objects.get(name=name)
    return tag.verdict, tag.unconfirmed_since is not None, tag.problem_code


def test_a_tag_the_registry_does_not_answer_for_is_marked(scanned: World) -> None:
    began = scanned.now

    _refuse(scanned, HEAD)

    tag = scanned.tag("team/app", "1")
    assert (tag.verdict, tag.unconfirmed_since, tag.problem_code) == ("pass", began, "server-error")
    assert tag.problem_message
    assert _marks("2") == ("fail", False, "")


def test_a_confirmed_tag_is_unmarked(scanned: World) -> None:
    _refuse(scanned, HEAD)
    scanned.server.faults.statuses.clear()

    scanned.scan()

    assert _marks() == ("pass", False, "")
    assert not TagChange.objects.filter(kind="rejudged").exists()


@pytest.mark.parametrize("status", [403, 404, 503])
def test_a_repository_whose_tags_are_refused_is_marked(scanned: World, status: int) -> None:
    _refuse(scanned, TAGS, status)

    assert Repository.objects.get().problem_code
    assert [verdict for verdict, marked, code in (_marks("1"), _marks("2")) if marked and code] == ["pass", "fail"]
    scanned.server.faults.statuses.clear()
    scanned.scan()
    assert (_marks("1"), _marks("2")) == (("pass", False, ""), ("fail", False, ""))


def test_a_registry_that_stays_down_is_marked(scanned: World) -> None:
    _refuse(scanned, CATALOG)

    assert _marks() == ("pass", True, "server-error")


def test_tags_done_before_the_refusal_are_confirmed(scanned: World) -> None:
    doubt_tags(tags_after(Repository.objects.get().pk, "1"), Unavailable("timeout", "slow"), now=scanned.now)

    assert (_marks("1")[1], _marks("2")[1]) == (False, True)


def test_what_was_not_confirmed_for_too_long_is_unknown(scanned: World) -> None:
    _refuse(scanned, TAGS)
    began = scanned.tag("team/app", "1").unconfirmed_since
    assert began is not None
    assert lapse_unconfirmed(began + timedelta(days=7) - timedelta(seconds=1)) == 0

    scanned.now = began + timedelta(days=7)
    assert lapse_unconfirmed(scanned.now) == 2

    tag = scanned.tag("team/app", "1")
    assert (tag.verdict, tag.score, tag.problem_code) == ("unknown", None, "server-error")
    repository = Repository.objects.get()
    assert (repository.passed, repository.unknown, repository.verdict) == (0, 2, "unknown")
    assert DailySnapshot.objects.get(day=scanned.now.date()).unknown == 2
    changes = TagChange.objects.filter(kind="rejudged").order_by("tag__name").values_list("was", "became", "at")
    assert list(changes) == [("pass", "unknown", scanned.now), ("fail", "unknown", scanned.now)]
    assert lapse_unconfirmed(scanned.now) == 0


def test_the_real_verdict_comes_back_and_nothing_counts_as_new_or_fixed(scanned: World) -> None:
    failing_since = scanned.tag("team/app", "2").failing_since
    _refuse(scanned, TAGS)
    scanned.later(days=8)
    lapse_unconfirmed(scanned.now)
    scanned.server.faults.statuses.clear()

    scan = scanned.scan()

    assert (_marks("1"), _marks("2")) == (("pass", False, ""), ("fail", False, ""))
    assert (scan.new, scan.fixed) == (0, 0)
    assert scanned.tag("team/app", "2").failing_since == failing_since
    assert Repository.objects.get().passed == 1


def test_the_days_are_a_setting(scanned: World, settings: Settings) -> None:
    settings.UNCONFIRMED_DAYS = 1
    _refuse(scanned, HEAD)
    scanned.later(days=1)

    assert lapse_unconfirmed(scanned.now) == 1


def test_judging_again_confirms_nothing(scanned: World) -> None:
    _refuse(scanned, HEAD)
    rejudge(Policy.objects.get(name="kubernetes"), clock=lambda: scanned.now)
    assert _marks() == ("pass", True, "server-error")
    scanned.later(days=8)
    lapse_unconfirmed(scanned.now)

    rejudge(Policy.objects.get(name="kubernetes"), clock=lambda: scanned.now)

    assert _marks() == ("unknown", True, "server-error")


def test_the_tick_gives_up(scanned: World) -> None:
    _refuse(scanned, HEAD)  # years ago by the tick's own clock
    Repository.objects.get().registry.scans.all().delete()
    tick()

    assert _marks() == ("unknown", True, "server-error")
